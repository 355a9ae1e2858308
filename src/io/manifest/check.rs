//! Faults of a manifest that can be told from its rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::io::ReadOptions;
use crate::io::manifest::rows::Row;
use crate::io::manifest::{CohortSeries, CohortSession, Fault, MANIFEST_COLUMNS, REQUIRED, voxel_size};
use crate::model::Session;

/// Groups rows into series; what is wrong goes to `faults`.
pub(super) fn series(
    rows: &[Row],
    folder: &Path,
    default: &ReadOptions,
    crossover: bool,
    faults: &mut Vec<Fault>,
) -> Vec<CohortSeries> {
    for row in rows {
        faults.extend(cells(row).into_iter().map(|text| Fault::of(row, text)));
    }
    animals(rows, crossover, faults);
    twice(rows, faults);
    let mut fovs: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|r| !r.text("animal").is_empty() && !r.text("fov").is_empty()) {
        fovs.entry((row.text("animal"), row.text("fov"))).or_default().push(row);
    }
    names_alike(&fovs, faults);
    let one = |((animal, fov), mut rows): ((&str, &str), Vec<&Row>)| {
        one_value(&rows, &["cell_type"], "field of view", faults);
        let sessions = sessions(&mut rows, folder, default, faults);
        CohortSeries { animal: animal.into(), fov: fov.into(), sessions }
    };
    fovs.into_iter().map(one).collect()
}

/// Whether a name can be a folder's on every system.
fn plain(name: &str) -> bool {
    let good = |c: char| c.is_alphanumeric() || "-_.+".contains(c);
    !name.starts_with('.') && !name.ends_with('.') && name.chars().all(good)
}

fn cells(row: &Row) -> Vec<String> {
    let mut faults: Vec<String> =
        REQUIRED.iter().filter(|c| row.text(c).is_empty()).map(|c| format!("{c} is empty")).collect();
    let bad = |column: &str, allowed: &str| format!("{column} is {:?}, allowed is {allowed}", row.text(column));
    for column in ["animal", "fov", "session"] {
        if !plain(row.text(column)) {
            faults.push(bad(column, "letters, digits, - _ + and . inside: it names a folder"));
        }
    }
    if row.parse::<f64>("day").map_or(true, |d| d.is_some_and(|d| !d.is_finite())) {
        faults.push(bad("day", "a number of days relative to the dose"));
    }
    for column in ["channel", "time"] {
        if row.parse::<usize>(column).is_err() {
            faults.push(bad(column, "a whole number from 0"));
        }
    }
    if !row.text("voxel_um").is_empty() && voxel_size(row.text("voxel_um")).is_none() {
        faults.push(bad("voxel_um", "Z,Y,X in µm, each above 0"));
    }
    if row.parse::<bool>("crossover").is_err() {
        faults.push(bad("crossover", "true or false"));
    }
    faults
}

/// The first value of a column, and every row that has another.
fn one_value(rows: &[&Row], columns: &[&str], of: &str, faults: &mut Vec<Fault>) {
    for column in columns {
        let Some(first) = rows.iter().find(|r| !r.text(column).is_empty()) else { continue };
        for row in rows.iter().filter(|r| r.text(column) != first.text(column)) {
            let (met, before) = (row.text(column), first.text(column));
            let text = format!("{column} is {met:?}, but {before:?} in {} of the same {of}", first.label);
            faults.push(Fault::of(row, text));
        }
    }
}

fn animals(rows: &[Row], crossover: bool, faults: &mut Vec<Fault>) {
    let mut animals: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|r| !r.text("animal").is_empty()) {
        animals.entry(row.text("animal")).or_default().push(row);
    }
    for rows in animals.values() {
        one_value(rows, &["study", "group", "sex", "crossover"], "animal", faults);
        if crossover || rows[0].parse("crossover") == Ok(Some(true)) {
            continue;
        }
        let first = rows[0].text("treatment");
        for row in rows.iter().filter(|r| !r.text("treatment").is_empty() && r.text("treatment") != first) {
            let met = row.text("treatment");
            let text = format!(
                "treatment is {met:?}, but {first:?} in {} of the same animal: correct it, or declare a crossover (column crossover = true, or --crossover)",
                rows[0].label
            );
            faults.push(Fault::of(row, text));
        }
    }
}

/// The same image given twice.
fn twice(rows: &[Row], faults: &mut Vec<Fault>) {
    let mut seen: BTreeMap<[&str; 3], &Row> = BTreeMap::new();
    for row in rows.iter().filter(|r| !r.text("path").is_empty()) {
        let image = ["path", "channel", "time"].map(|c| row.text(c));
        if let Some(first) = seen.get(&image) {
            faults.push(Fault::of(row, format!("path {:?} stands in {} too", image[0], first.label)));
        } else {
            seen.insert(image, row);
        }
    }
}

/// Names that differ only in case would share a folder on some systems.
fn names_alike(fovs: &BTreeMap<(&str, &str), Vec<&Row>>, faults: &mut Vec<Fault>) {
    let mut seen: BTreeMap<(String, String), (&str, &str)> = BTreeMap::new();
    for (&(animal, fov), rows) in fovs {
        let first = *seen.entry((animal.to_lowercase(), fov.to_lowercase())).or_insert((animal, fov));
        if first != (animal, fov) {
            let text = format!("{animal}/{fov} and {}/{} differ only in upper and lower case", first.0, first.1);
            faults.push(Fault::of(rows[0], text));
        }
    }
}

/// The sessions of one field of view by day.
fn sessions(rows: &mut Vec<&Row>, folder: &Path, default: &ReadOptions, faults: &mut Vec<Fault>) -> Vec<CohortSession> {
    let day = |row: &Row| row.parse::<f64>("day").ok().flatten().filter(|d| d.is_finite());
    let first = rows[0];
    if rows.len() < 2 {
        let name = format!("{}/{}", first.text("animal"), first.text("fov"));
        let text = format!("{name} has 1 session, a series needs two or more");
        faults.push(Fault::of(first, text));
    }
    // Numbered sessions say their order; otherwise that of the rows counts.
    let numbers: Option<Vec<i64>> = rows.iter().map(|r| r.text("session").parse().ok()).collect();
    if numbers.is_some() {
        rows.sort_by_key(|r| r.text("session").parse::<i64>().unwrap_or_default());
    }
    for pair in rows.windows(2) {
        if let (Some(a), Some(b)) = (day(pair[0]), day(pair[1]))
            && b <= a
        {
            let text = format!("day {b} does not come after day {a} in {} of the same field of view", pair[0].label);
            faults.push(Fault::of(pair[1], text));
        }
    }
    let mut names = BTreeSet::new();
    rows.iter()
        .enumerate()
        .map(|(n, row)| {
            let given = row.text("session");
            let name = if given.is_empty() { n.to_string() } else { given.to_owned() };
            if !names.insert(name.clone()) {
                faults.push(Fault::of(row, format!("session {name} is there twice in the same field of view")));
            }
            CohortSession {
                row: row.label.clone(),
                order: row.order,
                session: Session { name, day: day(row) },
                path: folder.join(row.text("path")),
                options: ReadOptions {
                    voxel_size: voxel_size(row.text("voxel_um")).or(default.voxel_size),
                    channel: row.parse("channel").unwrap_or_default().or(default.channel),
                    time: row.parse("time").unwrap_or_default().or(default.time),
                    memory_limit: default.memory_limit,
                },
                values: row.cells.iter().filter(|(c, _)| kept(c)).map(|(c, v)| (c.clone(), v.clone())).collect(),
            }
        })
        .collect()
}

/// What is not already a field of the session.
fn kept(column: &str) -> bool {
    !MANIFEST_COLUMNS[6..12].contains(&column)
}
