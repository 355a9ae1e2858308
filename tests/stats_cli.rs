//! `gemmule stats` and `gemmule power` as a user meets them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn gemmule(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gemmule")).args(args).current_dir(dir).output().expect("gemmule starts")
}

fn fixture(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_table_becomes_effects_a_page_and_a_record() {
    let dir = tempfile::tempdir().expect("a folder");
    let args = ["stats", &fixture("mixed_models.csv"), "--lives", &fixture("lifetimes.csv"), "-o", "out"];
    let out = gemmule(dir.path(), &args);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("20 mixed models"), "{}", text(&out.stdout));
    let read = |name: &str| std::fs::read_to_string(dir.path().join("out").join(name)).expect(name);
    let effects = read("effects.csv");
    assert_eq!(
        effects.lines().next().expect("a header"),
        "study,metric,day,test,contrast,group_a,group_b,n_a,n_b,n_animals_a,n_animals_b,estimate,lower,upper,statistic,df,\
         p_value,p_adjusted,note,scale,se,mean_a,mean_b"
    );
    let tests = ["mean", "permutation", "bootstrap", "hedges-g", "detectable", "welch", "mixed-model"];
    for test in tests.iter().chain(&["kaplan-meier", "turnbull", "log-rank", "log-rank-permutation"]) {
        assert!(effects.contains(&format!(",{test},")), "{test}");
    }
    let page = read("report.html");
    assert!(page.contains("<svg") && page.contains("Mixed models") && !page.contains("http://localhost"));
    let run: serde_json::Value = serde_json::from_str(&read("run.json")).expect("JSON");
    assert_eq!(run["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(run["table"]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(run["parameters"]["stats"]["max_splits"], gemmule::cohort::StatsParams::default().max_splits);
    // What is there is not overwritten, and the same table gives the same bytes.
    assert_eq!(gemmule(dir.path(), &args).status.code(), Some(2));
    let forced = [&args[..], &["--force", "--json"]].concat();
    let again = gemmule(dir.path(), &forced);
    let printed: serde_json::Value = serde_json::from_slice(&again.stdout).expect("JSON on stdout");
    assert_eq!(printed["result"]["models"].as_array().map(Vec::len), Some(20));
    assert_eq!(read("effects.csv"), effects);
}

#[test]
fn every_fault_of_a_table_is_listed_and_nothing_is_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let rows = "treatment,mouse,dendrite,metric,day,value\n\
                saline,a,1,density,-1,0.5\n\
                saline,a,1,density,1,half\n\
                psilocybin,a,2,density,1,0.5\n\
                psilocybin,b,,density,x,NA\n\
                saline,a,1,density,-1,0.6\n";
    std::fs::write(dir.path().join("long.csv"), rows).expect("the folder can be written to");
    let out = gemmule(dir.path(), &["stats", "long.csv", "-o", "out"]);
    let message = text(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{message}");
    for fault in [
        "4 faults",
        "line 3, column value is \"half\"",
        "line 4: treatment of mouse a is \"psilocybin\" but \"saline\" in line 2",
        "line 5, column dendrite is empty",
        "line 5, column day is \"x\"",
    ] {
        assert!(message.contains(fault), "{fault}: {message}");
    }
    assert!(!dir.path().join("out").exists());
    let repeated = rows
        .replace("half", "0.5")
        .replace("psilocybin,a,2,density,1,0.5\n", "")
        .replace("b,,density,x", "b,1,density,1");
    std::fs::write(dir.path().join("long.csv"), repeated).expect("the folder can be written to");
    let out = gemmule(dir.path(), &["stats", "long.csv", "-o", "out"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("in line 2 and again in 5"), "{}", text(&out.stderr));
    let over = "treatment,mouse,dendrite,metric,day,value,denominator\n\
                saline,a,1,density,-1,0.5,20\n\
                saline,b,1,density,-1,0.5,0\n\
                psilocybin,c,1,density,-1,0.5,few\n\
                psilocybin,d,1,density,-1,0.5,\n\
                psilocybin,d,1,density,1,NA,\n";
    std::fs::write(dir.path().join("long.csv"), over).expect("the folder can be written to");
    let out = gemmule(dir.path(), &["stats", "long.csv", "-o", "out"]);
    for fault in [
        "line 3: a denominator must be a number above 0",
        "line 4, column denominator is \"few\"",
        "density has a denominator in line 2 and none in line 5",
    ] {
        assert!(text(&out.stderr).contains(fault), "{fault}: {}", text(&out.stderr));
    }
    assert!(!text(&out.stderr).contains("line 6"), "{}", text(&out.stderr));
    let unknown = rows
        .lines()
        .filter(|l| !l.contains("saline"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace("b,,density,x,NA", "b,1,density,1,1");
    std::fs::write(dir.path().join("long.csv"), unknown.replace("psilocybin,b", "ketamine,b")).expect("written");
    let out = gemmule(dir.path(), &["stats", "long.csv", "-o", "out"]);
    assert!(text(&out.stderr).contains("--control"), "{}", text(&out.stderr));
}

#[test]
fn power_is_printed_for_the_design_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("p.toml"), "[power]\nsimulations = 200\n").expect("written");
    let args = ["power", "--animals", "6,12", "--effects", "0.1", "--dendrites", "10", "--params", "p.toml", "--json"];
    let out = gemmule(dir.path(), &args);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let printed: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let power = |row: usize| printed["result"][row]["power"].as_f64().expect("a power");
    assert!(power(0) > 0.3 && power(1) > power(0) && power(1) < 1.0, "{printed}");
    assert_eq!(printed["parameters"]["dendrites"], 10);
    assert_eq!(gemmule(dir.path(), &["power", "--animals", "1"]).status.code(), Some(2));
}
