//! Holds the layering of ARCHITECTURE.md: which module may use which, and how paths and files are written.

use std::fs;
use std::path::{Path, PathBuf};

/// Open to every module above them.
const LEAVES: [&str; 8] = ["error", "columns", "units", "volume", "model", "params", "progress", "statistics"];

/// Every module of src/ and what it may use besides the leaves; of the leaves themselves, all they may use.
const ALLOWED: [(&str, &[&str]); 30] = [
    ("error", &[]),
    ("units", &["error"]),
    ("volume", &["error", "units"]),
    ("model", &["error", "units", "volume"]),
    ("params", &["error"]),
    ("progress", &["error"]),
    ("statistics", &[]),
    ("columns", &["error"]),
    ("engine", &[]),
    ("kernel", &["engine"]),
    ("filter", &["kernel", "engine"]),
    ("table", &[]),
    ("assignment", &[]),
    ("geometry", &[]),
    ("interventions", &[]),
    ("io", &["table"]),
    ("trace", &[]),
    ("straight", &[]),
    ("detect", &["straight"]),
    ("measure", &["straight"]),
    ("phantom", &["interventions"]),
    ("register", &["geometry"]),
    ("dynamics", &[]),
    ("track", &["geometry", "assignment"]),
    ("score", &["table", "assignment"]),
    ("cohort", &["dynamics", "table"]),
    ("report", &["dynamics", "cohort", "interventions"]),
    (
        "pipeline",
        &[
            "io",
            "engine",
            "kernel",
            "filter",
            "trace",
            "straight",
            "detect",
            "measure",
            "phantom",
            "score",
            "interventions",
            "geometry",
            "register",
            "track",
            "dynamics",
            "cohort",
        ],
    ),
    ("cli", &["report", "pipeline", "io", "engine", "interventions", "phantom", "cohort"]),
    // Declares the modules and uses none.
    ("lib", &[]),
];

/// No file may grow beyond this: what is longer is split.
const MAX_LINES: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return };
    for entry in entries {
        let path = entry.expect("a folder of the repository can be listed").path();
        if path.is_dir() {
            sources(path.strip_prefix(root()).expect("below the root").to_str().expect("names are UTF-8"), found);
        } else if path.extension().is_some_and(|e| e == "rs" || e == "wgsl") {
            found.push(path);
        }
    }
    found.sort();
}

/// The module of src/ a file belongs to: `src/report/grey.rs` -> `report`, `src/error.rs` -> `error`.
fn module(path: &Path) -> String {
    let below = path.strip_prefix(root().join("src")).expect("a file of src/");
    let first = below.components().next().expect("a file has a name").as_os_str().to_str().expect("names are UTF-8");
    first.trim_end_matches(".rs").to_owned()
}

/// The text of a line before its comment: links in docs may point anywhere.
fn code(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

/// What is wrong with the paths in a file of `module`.
fn faults(module: &str, text: &str) -> Vec<String> {
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == module) else {
        return vec![format!("module `{module}` is not in the table of tests/layering.rs")];
    };
    let may_use = |used: &str| {
        let leaf = LEAVES.contains(&used) && !LEAVES.contains(&module);
        used == module || leaf || allowed.contains(&used)
    };
    let mut faults = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let (n, code) = (n + 1, code(line));
        if code.contains("super::super") {
            faults.push(format!("line {n}: `super::super`; write the path from `crate`"));
        }
        for (at, _) in code.match_indices("crate::") {
            let path = &code[at + "crate::".len()..];
            let used = path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            if used.is_empty() {
                faults.push(format!("line {n}: grouped `crate::{{..}}`; write one `use` per path"));
            } else if used.starts_with(char::is_lowercase) && !may_use(used) {
                faults.push(format!("line {n}: `{module}` may not use `{used}`"));
            }
        }
    }
    faults
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut files = Vec::new();
    sources("src", &mut files);
    assert!(files.len() > 10, "src/ was not found");
    let mut all = Vec::new();
    for path in files.iter().filter(|p| p.extension().is_some_and(|e| e == "rs") && !p.ends_with("src/main.rs")) {
        let text = fs::read_to_string(path).expect("sources are text");
        all.extend(faults(&module(path), &text).into_iter().map(|fault| format!("{}: {fault}", path.display())));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let mut files = Vec::new();
    for folder in ["src", "shaders", "tests", "benches"] {
        sources(folder, &mut files);
    }
    let lines = |path: &PathBuf| fs::read_to_string(path).expect("sources are text").lines().count();
    let long: Vec<String> = files.iter().filter(|p| lines(p) > MAX_LINES).map(|p| p.display().to_string()).collect();
    assert!(long.is_empty(), "over {MAX_LINES} lines: {}", long.join(", "));
}

#[test]
fn the_check_itself_finds_every_kind_of_fault() {
    assert_eq!(faults("trace", "use crate::volume::Volume;\n/// [`crate::filter::smooth`]\n"), Vec::<String>::new());
    assert_eq!(faults("trace", "use crate::detect::detect;"), ["line 1: `trace` may not use `detect`"]);
    assert_eq!(faults("trace", "fn f() { crate::filter::smooth() }").len(), 1);
    assert_eq!(faults("error", "\nuse crate::units::PointUm;").len(), 1);
    assert_eq!(faults("trace", "use crate::{error, volume};").len(), 1);
    assert_eq!(faults("trace", "use super::super::error::Error;").len(), 1);
    assert_eq!(faults("kernel", "use crate::filter::ridge;").len(), 1);
    assert_eq!(faults("nonsense", "").len(), 1);
}
