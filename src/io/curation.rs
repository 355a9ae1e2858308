//! What people decided, and the codes they decided blind by.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Result;
use crate::io::tables::{decimals, name, write};
use crate::model::{Blind, Session, Track, Verdict};
use crate::table::Table;
use crate::units::PointUm;

/// What a row of a `curation.csv` is about. See the example of [`read_curation`].
#[derive(Clone, Debug, PartialEq)]
pub enum Marked {
    /// A crop seen blind, by its code.
    Code(String),
    /// A place in a session, in that session's own µm.
    Place(String, PointUm),
    /// A session's call of a track, by the number it has in some `tracks.csv`.
    Track(String, u32),
}

/// One decision. See the example of [`read_curation`].
#[derive(Clone, Debug, PartialEq)]
pub struct CurationRow {
    /// Line of the file, the header being 1.
    pub line: u64,
    /// What it is about.
    pub marked: Marked,
    /// What was decided.
    pub verdict: Verdict,
    /// By whom.
    pub who: String,
    /// When, in whatever form.
    pub when: String,
    /// Anything else.
    pub note: String,
}

/// Reads a `curation.csv` and counts the rows that have no verdict yet.
///
/// Columns: `verdict` (present, absent, unscorable or not-a-spine), and what it is about: `code`; or `session` with `z_um`, `y_um`, `x_um`, or with
/// `track_id`. `who`, `when` and `note` are kept; others are ignored. A row with a place is about that place, whatever its track_id.
///
/// ```
/// use gemmule::io::{Marked, read_curation};
/// use gemmule::model::Verdict;
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("curation.csv");
/// std::fs::write(&path, "session,track_id,verdict,who\nday0,7,absent,ab\nday2,7,,\n").unwrap();
/// let (rows, undecided) = read_curation(&path)?;
/// assert_eq!((rows.len(), undecided), (1, 1));
/// assert_eq!((&rows[0].marked, rows[0].verdict), (&Marked::Track("day0".into(), 7), Verdict::Absent));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::File`] for a file that cannot be read, an unknown verdict, a row about nothing.
pub fn read_curation(path: impl AsRef<Path>) -> Result<(Vec<CurationRow>, usize)> {
    let path = path.as_ref();
    let table = Table::read(path)?;
    table.need(&["verdict"])?;
    if !table.has("code") {
        table.need(if table.has("track_id") { &["session"] } else { &["session", "z_um", "y_um", "x_um"] })?;
    }
    let (mut rows, mut undecided) = (Vec::new(), 0);
    for row in 0..table.len() {
        let text = |column: &str| table.text(row, column).to_owned();
        let verdict = match text("verdict").to_lowercase().as_str() {
            "" => {
                undecided += 1;
                continue;
            }
            "present" => Verdict::Present,
            "absent" => Verdict::Absent,
            "unscorable" => Verdict::Unscorable,
            "not-a-spine" => Verdict::NotASpine,
            _ => return Err(table.bad(row, "verdict", "present, absent, unscorable, not-a-spine, or nothing yet")),
        };
        let marked = if !text("code").is_empty() {
            Marked::Code(text("code").to_uppercase())
        } else if text("session").is_empty() {
            return Err(table.bad(row, "session", "a session's name, or a code in the column code"));
        } else if ["z_um", "y_um", "x_um"].iter().any(|c| !text(c).is_empty()) {
            let [z, y, x] = ["z_um", "y_um", "x_um"].map(|c| table.number(row, c));
            Marked::Place(text("session"), PointUm::new(z?, y?, x?))
        } else {
            Marked::Track(text("session"), number(&table, row)?)
        };
        let line = table.line(row);
        rows.push(CurationRow { line, marked, verdict, who: text("who"), when: text("when"), note: text("note") });
    }
    Ok((rows, undecided))
}

fn number(table: &Table<'_>, row: usize) -> Result<u32> {
    u32::try_from(table.whole(row, "track_id")?).map_err(|_| table.bad(row, "track_id", "a number from 1"))
}

/// Places of calls by track and session.
pub type TrackPlaces = BTreeMap<(u32, String), PointUm>;

/// Where the calls of a `tracks.csv` are; calls without a place are left out.
///
/// ```
/// use gemmule::io::{read_track_places, write_tracks_csv};
/// use gemmule::model::{Call, Session, Status, Track};
/// use gemmule::units::PointUm;
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("tracks.csv");
/// let place = PointUm::new(5.0, 10.5, 20.25);
/// let sessions = ["day0", "day2"].map(|name| Session { name: name.into(), day: None });
/// let calls = vec![Call::bare(Status::Present, Some(place)), Call::bare(Status::Unscorable, None)];
/// write_tracks_csv(&path, &sessions, &[Track { track_id: 7, dendrite_id: 1, s_um: 3.0, calls }])?;
/// let places = read_track_places(&path)?;
/// assert_eq!((places.len(), places[&(7, "day0".into())]), (1, place)); // the other call has none
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::File`] for a file that cannot be read, or lacks track_id, session, z_um, y_um, x_um.
pub fn read_track_places(path: impl AsRef<Path>) -> Result<TrackPlaces> {
    let table = Table::read(path.as_ref())?;
    table.need(&["track_id", "session", "z_um", "y_um", "x_um"])?;
    let placed = (0..table.len()).filter(|&row| !table.text(row, "z_um").is_empty());
    placed.map(|row| Ok(((number(&table, row)?, table.text(row, "session").to_owned()), place(&table, row)?))).collect()
}

fn place(table: &Table<'_>, row: usize) -> Result<PointUm> {
    let [z, y, x] = ["z_um", "y_um", "x_um"].map(|c| table.number(row, c));
    Ok(PointUm::new(z?, y?, x?))
}

/// What the codes of blind reviews stand for: session and place.
pub type BlindKey = BTreeMap<String, (String, PointUm)>;

/// Reads a `blind-key.csv`. See the example of [`write_blind_key`].
///
/// # Errors
/// [`crate::error::Error::File`] for a file that cannot be read, or lacks code, session, z_um, y_um, x_um.
pub fn read_blind_key(path: impl AsRef<Path>) -> Result<BlindKey> {
    let table = Table::read(path.as_ref())?;
    table.need(&["code", "session", "z_um", "y_um", "x_um"])?;
    let row =
        |row| Ok((table.text(row, "code").to_owned(), (table.text(row, "session").to_owned(), place(&table, row)?)));
    (0..table.len()).map(row).collect()
}

/// Writes a `blind-key.csv`.
///
/// ```
/// use gemmule::io::{BlindKey, read_blind_key, write_blind_key};
/// use gemmule::units::PointUm;
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("blind-key.csv");
/// let key = BlindKey::from([("K7Q2".into(), ("day2".into(), PointUm::new(5.0, 10.5, 20.25)))]);
/// write_blind_key(&path, &key)?;
/// assert_eq!(read_blind_key(&path)?, key);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be written.
pub fn write_blind_key(path: impl AsRef<Path>, key: &BlindKey) -> Result<()> {
    let row = |(code, (session, p)): (&String, &(String, PointUm))| {
        vec![code.clone(), session.clone(), decimals(p.z), decimals(p.y), decimals(p.x)]
    };
    write(path.as_ref(), &["code", "session", "z_um", "y_um", "x_um"], key.iter().map(row))
}

/// Writes a `curation-template.csv`: every call that has a place, the least certain sites first, for a person to fill in; codes alone where it is to be done blind.
///
/// ```
/// use gemmule::io::{read_curation, write_curation_template};
/// use gemmule::model::{Call, Session, Status, Track};
/// use gemmule::units::PointUm;
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("curation-template.csv");
/// let sessions = [Session { name: "day0".into(), day: None }];
/// let call = |p| Call { p_present: Some(p), ..Call::bare(Status::Present, Some(PointUm::new(5.0, 10.0, 20.0))) };
/// let track = |track_id, p| Track { track_id, dendrite_id: 1, s_um: 3.0, calls: vec![call(p)] };
/// write_curation_template(&path, &sessions, &[track(1, 0.99), track(2, 0.6)], None)?;
/// let text = std::fs::read_to_string(&path).unwrap();
/// assert!(text.lines().nth(1).is_some_and(|row| row.starts_with("2,day0,"))); // the least certain first
/// assert_eq!(read_curation(&path)?, (vec![], 2)); // nothing decided yet
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be written.
pub fn write_curation_template(
    path: impl AsRef<Path>,
    sessions: &[Session],
    tracks: &[Track],
    blind: Option<&Blind>,
) -> Result<()> {
    let mut order: Vec<usize> = (0..tracks.len()).collect();
    order.sort_by(|&a, &b| tracks[b].doubt().total_cmp(&tracks[a].doubt()).then(a.cmp(&b)));
    let mut rows = Vec::new();
    for site in order {
        let calls = &tracks[site].calls;
        for k in blind.map_or_else(|| (0..calls.len()).collect(), |b| b.order(site)) {
            let (call, Some(p)) = (&calls[k], calls[k].place) else { continue };
            let empty = || vec![String::new(); 4];
            rows.push(match blind {
                Some(blind) => [vec![blind.codes[site][k].clone()], empty()].concat(),
                None => {
                    let mut row = vec![tracks[site].track_id.to_string(), sessions[k].name.clone()];
                    row.extend([p.z, p.y, p.x].map(decimals));
                    row.extend(empty());
                    row.extend([name(call.status), call.p_present.map_or_else(String::new, decimals)]);
                    row
                }
            });
        }
    }
    let filled_in = ["verdict", "who", "when", "note"];
    let columns: Vec<&str> = match blind {
        Some(_) => ["code"].into_iter().chain(filled_in).collect(),
        None => ["track_id", "session", "z_um", "y_um", "x_um"]
            .into_iter()
            .chain(filled_in)
            .chain(["status", "p_present"])
            .collect(),
    };
    write(path.as_ref(), &columns, rows.into_iter())
}

/// A decision as it was applied. See the example of [`write_applied`].
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedRow {
    /// The track it was applied to; none where no site lies there.
    pub track_id: Option<u32>,
    /// Name of the session.
    pub session: String,
    /// The place marked.
    pub place: PointUm,
    /// What was decided, by whom, when, and why.
    pub row: CurationRow,
}

/// Writes a `curation-applied.csv`, which is a `curation.csv` by place with the tracks of this run.
///
/// ```
/// use gemmule::io::{AppliedRow, CurationRow, Marked, read_curation, write_applied};
/// use gemmule::model::Verdict;
/// use gemmule::units::PointUm;
/// let place = PointUm::new(5.0, 10.5, 20.25);
/// let marked = Marked::Place("day0".into(), place);
/// let row = CurationRow { line: 2, marked, verdict: Verdict::NotASpine, who: "ab".into(), when: String::new(), note: "axon".into() };
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("curation-applied.csv");
/// write_applied(&path, &[AppliedRow { track_id: Some(7), session: "day0".into(), place, row: row.clone() }])?;
/// assert_eq!(read_curation(&path)?, (vec![row], 0)); // it can be given to the next run
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be written.
pub fn write_applied(path: impl AsRef<Path>, applied: &[AppliedRow]) -> Result<()> {
    let columns = ["track_id", "session", "z_um", "y_um", "x_um", "verdict", "who", "when", "note", "applied"];
    let row = |a: &AppliedRow| {
        let mut row = vec![a.track_id.map_or_else(String::new, |id| id.to_string()), a.session.clone()];
        row.extend([a.place.z, a.place.y, a.place.x].map(decimals));
        row.extend([name(a.row.verdict), a.row.who.clone(), a.row.when.clone(), a.row.note.clone()]);
        row.push(if a.track_id.is_some() { "yes" } else { "no" }.into());
        row
    };
    write(path.as_ref(), &columns, applied.iter().map(row))
}
