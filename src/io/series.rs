//! Tables of tracks and links.

use std::path::Path;

use crate::columns::Columns;
use crate::error::Result;
use crate::io::tables::{DECIMALS, name};
use crate::model::{Call, Link, Session, Track};

/// The table of tracks: one row per site and session, in the order given. Written, numbers have four decimals.
///
/// ```
/// use gemmule::columns::Column;
/// use gemmule::io::{tracks_table, write_tracks_csv};
/// use gemmule::model::{Call, Session, Status, Track};
/// let sessions = [0.0, 2.0].map(|day| Session { name: format!("day{day}"), day: Some(day) });
/// let calls = [Status::Present, Status::Absent].map(|status| Call::bare(status, None)).to_vec();
/// let tracks = [Track { track_id: 1, dendrite_id: 1, s_um: 3.0, calls }];
/// let table = tracks_table(&sessions, &tracks);
/// assert_eq!(table.get("status"), Some(&Column::Text(vec!["present".into(), "absent".into()])));
///
/// let dir = tempfile::tempdir().unwrap();
/// write_tracks_csv(dir.path().join("tracks.csv"), &sessions, &tracks)?;
/// assert_eq!(std::fs::read_to_string(dir.path().join("tracks.csv")).unwrap(), table.to_csv());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub fn tracks_table(sessions: &[Session], tracks: &[Track]) -> Columns {
    type Row<'a> = (&'a Track, &'a Session, &'a Call);
    let rows: Vec<Row<'_>> = tracks
        .iter()
        .flat_map(|t| sessions.iter().zip(&t.calls).map(move |(session, call)| (t, session, call)))
        .collect();
    Columns::of(&rows, DECIMALS)
        .integer("track_id", |(t, ..)| Some(t.track_id.into()))
        .text("session", |(_, session, _)| session.name.clone())
        .number("day", |(_, session, _)| session.day)
        .integer("dendrite_id", |(t, ..)| Some(t.dendrite_id.into()))
        .number("s_um", |(t, ..)| Some(t.s_um))
        .text("status", |(.., call)| name(call.status))
        .number("p_present", |(.., call)| call.p_present)
        .number("z_um", |(.., call)| call.place.map(|p| p.z))
        .number("y_um", |(.., call)| call.place.map(|p| p.y))
        .number("x_um", |(.., call)| call.place.map(|p| p.x))
        .integer("spine_id", |(.., call)| call.spine)
        .number("head_width_um", |(.., call)| call.head_width_um)
        .number("brightness", |(.., call)| call.brightness)
        .number("contrast", |(.., call)| call.contrast)
        .text("reason", |(.., call)| call.reason.map_or_else(String::new, name))
        .text("curated", |(.., call)| call.curated.clone().unwrap_or_default())
        .number("p_so_far", |(.., call)| call.p_so_far)
        .done()
}

/// The table of links: one row per link, in the order given.
///
/// ```
/// use gemmule::io::{links_table, write_links_csv};
/// use gemmule::model::{Link, Session};
/// let sessions = ["day0", "day2"].map(|name| Session { name: name.into(), day: None });
/// let links = [Link { session_a: 0, spine_a: 4, session_b: 1, spine_b: 5, track_id: 1, p_same: 0.97 }];
/// let table = links_table(&sessions, &links);
/// assert_eq!(table.to_csv().lines().nth(1), Some("day0,4,day2,5,1,0.9700"));
///
/// let dir = tempfile::tempdir().unwrap();
/// write_links_csv(dir.path().join("links.csv"), &sessions, &links)?;
/// assert_eq!(std::fs::read_to_string(dir.path().join("links.csv")).unwrap(), table.to_csv());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub fn links_table(sessions: &[Session], links: &[Link]) -> Columns {
    Columns::of(links, DECIMALS)
        .text("session_a", |l| sessions[l.session_a].name.clone())
        .integer("spine_row_a", |l| Some(l.spine_a))
        .text("session_b", |l| sessions[l.session_b].name.clone())
        .integer("spine_row_b", |l| Some(l.spine_b))
        .integer("track_id", |l| Some(l.track_id.into()))
        .number("p_same", |l| Some(l.p_same))
        .done()
}

/// Writes `tracks.csv`: [`tracks_table`]. See the example of [`tracks_table`].
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be written.
pub fn write_tracks_csv(path: impl AsRef<Path>, sessions: &[Session], tracks: &[Track]) -> Result<()> {
    tracks_table(sessions, tracks).write_csv(path)
}

/// Writes `links.csv`: [`links_table`]. See the example of [`links_table`].
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be written.
pub fn write_links_csv(path: impl AsRef<Path>, sessions: &[Session], links: &[Link]) -> Result<()> {
    links_table(sessions, links).write_csv(path)
}
