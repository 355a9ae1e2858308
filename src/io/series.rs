//! Tables of tracks and links.

use std::path::Path;

use crate::columns::Columns;
use crate::error::Result;
use crate::io::tables::{DECIMALS, name};
use crate::model::{Call, Link, Session, Track};

/// The table of tracks: one row per site and session, in the order given. Written, numbers have four decimals.
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
        .done()
}

/// The table of links: one row per link, in the order given.
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

/// Writes `tracks.csv`: [`tracks_table`].
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be written.
pub fn write_tracks_csv(path: impl AsRef<Path>, sessions: &[Session], tracks: &[Track]) -> Result<()> {
    tracks_table(sessions, tracks).write_csv(path)
}

/// Writes `links.csv`: [`links_table`].
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be written.
pub fn write_links_csv(path: impl AsRef<Path>, sessions: &[Session], links: &[Link]) -> Result<()> {
    links_table(sessions, links).write_csv(path)
}
