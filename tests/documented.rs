//! Every public item has an example that runs, or says by a link whose example shows it.
//!
//! All that is `pub` can be reached from outside (the lint `unreachable_pub` is denied), so the sources themselves are read: `rustdoc --show-coverage`
//! counts the same examples, but only with unstable options, and knows no links.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Begins a half line that points to another item's example: "See the example of [`detect`]."
const POINTS: &str = "example of [`";

/// A public struct, enum, trait, function or method.
#[derive(Debug, PartialEq, Eq)]
struct Item {
    /// `name`, or `Type::name`.
    name: String,
    line: usize,
    docs: String,
}

impl Item {
    /// Whether there is a block that is run, and that asserts something.
    fn has_example(&self) -> bool {
        let fences = self.docs.lines().filter_map(|line| line.trim().strip_prefix("```"));
        fences.step_by(2).any(|language| ["", "rust"].contains(&language)) && self.docs.contains("assert")
    }

    /// The item whose example the docs point to, by its last one or two names.
    fn pointed_to(&self) -> Option<String> {
        let (_, link) = self.docs.split_once(POINTS)?;
        let path = link.split_once('`')?.0.trim_end_matches("()");
        let path = path.rsplit_once('@').map_or(path, |(_, path)| path);
        if path == "Self" {
            return self.name.split_once("::").map(|(owner, _)| owner.to_owned());
        }
        let mut names = path.rsplit("::");
        let last = names.next()?;
        let owner = names.next().filter(|owner| owner.starts_with(char::is_uppercase));
        Some(owner.map_or_else(|| last.to_owned(), |owner| format!("{owner}::{last}")))
    }
}

/// The text of a line of docs, `///` or the `#[doc = ..]` of a macro.
fn doc(line: &str) -> Option<&str> {
    line.strip_prefix("///").or_else(|| line.strip_prefix("#[doc"))
}

/// The name after one of the keywords of an item.
fn named(declared: &str) -> Option<&str> {
    let declared = declared.trim_start_matches("const ").trim_start_matches("unsafe ");
    let rest = ["fn ", "struct ", "enum ", "trait "].iter().find_map(|keyword| declared.strip_prefix(keyword))?;
    Some(rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next().unwrap_or_default())
}

/// The type of `impl<'a> Type<'a> {`; none for the impl of a trait, whose methods are documented there.
fn implemented(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("impl")?;
    if rest.contains(" for ") {
        return None;
    }
    let rest = if rest.starts_with('<') { rest.split_once("> ")?.1 } else { rest };
    Some(rest.trim_start().split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next().unwrap_or_default())
}

/// The public items of a file, without its tests.
fn items(text: &str) -> Vec<Item> {
    let (mut items, mut docs, mut owner) = (Vec::new(), String::new(), None::<(String, usize, bool)>);
    for (n, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim_start();
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        if let Some(text) = doc(line) {
            docs += text;
            docs.push('\n');
            continue;
        }
        // Attributes stand between docs and item; the docs of a macro's item stand before its matcher.
        if line.starts_with("#[") || line.starts_with("$(#[") {
            continue;
        }
        if line.starts_with('}') && owner.as_ref().is_some_and(|(_, at, _)| *at == indent) {
            owner = None;
        }
        let public = line.strip_prefix("pub ");
        let in_trait = owner.as_ref().is_some_and(|(_, _, is_trait)| *is_trait);
        if let Some(name) = public.or(Some(line).filter(|_| in_trait)).and_then(named) {
            let is_method = line.contains("fn ");
            let name = match &owner {
                Some((owner, ..)) if is_method => format!("{owner}::{name}"),
                _ => name.to_owned(),
            };
            items.push(Item { name, line: n + 1, docs: std::mem::take(&mut docs) });
        }
        if let Some(name) = public.and_then(|rest| rest.strip_prefix("trait ")).and_then(|_| named(&line[4..])) {
            owner = Some((name.to_owned(), indent, true));
        } else if let Some(name) = implemented(line).filter(|_| line.ends_with('{')) {
            owner = Some((name.to_owned(), indent, false));
        }
        docs.clear();
    }
    items
}

/// What lacks an example, or points to one that is not there.
fn faults(files: &[(PathBuf, String)]) -> Vec<String> {
    let all: Vec<(&Path, Item)> =
        files.iter().flat_map(|(path, text)| items(text).into_iter().map(|item| (path.as_path(), item))).collect();
    let shown: BTreeSet<&str> =
        all.iter().filter(|(_, item)| item.has_example()).map(|(_, item)| item.name.as_str()).collect();
    let fault = |item: &Item| match item.pointed_to() {
        _ if item.has_example() => None,
        // A macro's item has the docs of its caller, and its methods point to it.
        None if item.name.starts_with('$') && !item.name.contains("::") => None,
        Some(name) if name.starts_with('$') || shown.contains(name.as_str()) => None,
        Some(name) => Some(format!("points to `{name}`, which has no example")),
        None => Some("has no example that asserts something, and points to none".into()),
    };
    let named = |(path, item): &(&Path, Item)| {
        Some(format!("{}:{}: `{}` {}", path.display(), item.line, item.name, fault(item)?))
    };
    all.iter().filter_map(named).collect()
}

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("src/ can be listed").map(|e| e.expect("an entry of src/").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).expect("sources are text");
            let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("below the root").to_path_buf();
            found.push((path, text));
        }
    }
}

#[test]
fn every_public_item_has_an_example_or_points_to_one() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let count: usize = files.iter().map(|(_, text)| items(text).len()).sum();
    assert!(count > 500, "only {count} public items were found");
    let missing = faults(&files);
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_check_itself_finds_every_kind_of_fault() {
    let of = |text: &str| faults(&[("a.rs".into(), text.into())]);
    assert_eq!(of("/// Does.\n///\n/// ```\n/// assert!(does());\n/// ```\npub fn does() {}"), Vec::<String>::new());
    assert_eq!(
        of("/// Does.\npub fn does() {}"),
        ["a.rs:2: `does` has no example that asserts something, and points to none"]
    );
    assert_eq!(of("/// ```\n/// does();\n/// ```\npub fn does() {}").len(), 1);
    assert_eq!(of("/// ```ignore\n/// assert!(does());\n/// ```\npub fn does() {}").len(), 1);
    // Private items need none; attributes may stand in between; methods are known by their type.
    assert_eq!(of("fn private() {}\npub(crate) fn inner() {}"), Vec::<String>::new());
    let shown = "/// ```\n/// assert!(Shown::new().works());\n/// ```\n#[derive(Debug)]\npub struct Shown;\n";
    let method = |docs: &str| {
        format!(
            "{shown}impl Shown {{\n    /// Works. {docs}\n    pub fn works(&self) -> bool {{\n        true\n    }}\n}}\n"
        )
    };
    assert_eq!(of(&method("See the example of [`Shown`].")), Vec::<String>::new());
    assert_eq!(of(&method("See the example of [`Self`].")), Vec::<String>::new());
    assert_eq!(of(&method("")), ["a.rs:8: `Shown::works` has no example that asserts something, and points to none"]);
    assert_eq!(
        of(&method("See the example of [`Other::new`].")),
        ["a.rs:8: `Shown::works` points to `Other::new`, which has no example"]
    );
    // Of traits every method counts, of their impls none.
    assert_eq!(
        of("/// T.\npub trait T {\n    /// F.\n    fn f(&self);\n}\nimpl T for u8 {\n    fn f(&self) {}\n}").len(),
        2
    );
}
