//! Tables of tracks and links.

use std::path::Path;

use crate::error::Result;
use crate::io::tables::{decimals, name, write};
use crate::model::{Link, Session, Track};

/// Columns of `tracks.csv`.
const TRACK_COLUMNS: [&str; 16] = [
    "track_id",
    "session",
    "day",
    "dendrite_id",
    "s_um",
    "status",
    "p_present",
    "z_um",
    "y_um",
    "x_um",
    "spine_id",
    "head_width_um",
    "brightness",
    "contrast",
    "reason",
    "curated",
];

/// Columns of `links.csv`.
const LINK_COLUMNS: [&str; 6] = ["session_a", "spine_row_a", "session_b", "spine_row_b", "track_id", "p_same"];

/// Writes `tracks.csv`: one row per site and session, in the order given; what is not known is empty.
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be written.
pub fn write_tracks_csv(path: impl AsRef<Path>, sessions: &[Session], tracks: &[Track]) -> Result<()> {
    let or_empty = |value: Option<f64>| value.map_or_else(String::new, decimals);
    let rows = tracks.iter().flat_map(|track| {
        sessions.iter().zip(&track.calls).map(move |(session, call)| {
            let [z, y, x] = call.place.map_or([None; 3], |p| [Some(p.z), Some(p.y), Some(p.x)]);
            vec![
                track.track_id.to_string(),
                session.name.clone(),
                or_empty(session.day),
                track.dendrite_id.to_string(),
                decimals(track.s_um),
                name(call.status),
                or_empty(call.p_present),
                or_empty(z),
                or_empty(y),
                or_empty(x),
                call.spine.map_or_else(String::new, |spine| spine.to_string()),
                or_empty(call.head_width_um),
                or_empty(call.brightness),
                or_empty(call.contrast),
                call.reason.map_or_else(String::new, name),
                call.curated.clone().unwrap_or_default(),
            ]
        })
    });
    write(path.as_ref(), &TRACK_COLUMNS, rows)
}

/// Writes `links.csv`: one row per link, in the order given.
///
/// # Errors
/// [`crate::error::Error::File`] if the file cannot be written.
pub fn write_links_csv(path: impl AsRef<Path>, sessions: &[Session], links: &[Link]) -> Result<()> {
    let rows = links.iter().map(|link| {
        vec![
            sessions[link.session_a].name.clone(),
            link.spine_a.to_string(),
            sessions[link.session_b].name.clone(),
            link.spine_b.to_string(),
            link.track_id.to_string(),
            decimals(link.p_same),
        ]
    });
    write(path.as_ref(), &LINK_COLUMNS, rows)
}
