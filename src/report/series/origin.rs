//! What a result rests on: registration, what could not be judged, files, parameters.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::model::Call;
use crate::report::html::{details, table};
use crate::report::series::{SeriesReportData, session_name};
use crate::report::style;

/// How one session fits the next. See the example of [`Origin`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registration {
    /// Name of the earlier session.
    pub session_a: String,
    /// Name of the later one.
    pub session_b: String,
    /// Median distance between the centrelines where they agree, µm.
    pub median_um: f64,
    /// Share of the centrelines that lie along the other session's.
    pub inlier_share: f64,
    /// Shift (z, y, x), µm.
    pub shift_um: [f64; 3],
    /// Turn in the image plane, degrees.
    pub turn_deg: f64,
    /// Tilt of the optical axis, degrees.
    pub tilt_deg: f64,
    /// What a reader should know about it.
    pub remark: String,
}

/// What a report says of where its numbers come from.
///
/// ```
/// use gemmule::report::{Origin, Registration, SeriesReport, SeriesReportData};
/// # use gemmule::dynamics::DynamicsParams;
/// # use gemmule::model::{Call, Session, Status, Track};
/// # use gemmule::units::{PointUm, VoxelSize};
/// # use gemmule::volume::{Shape, Stack, Volume, Voxels};
/// # let sessions = ["day0", "day2"].map(|name| Session { name: name.into(), day: None });
/// # let calls = vec![Call::bare(Status::Present, Some(PointUm::new(1.0, 2.0, 2.0))); 2];
/// # let tracks = [Track { track_id: 1, dendrite_id: 1, s_um: 3.0, calls }];
/// # let dynamics = DynamicsParams::default();
/// # let voxels = Voxels::U16(Volume::filled(Shape::new(3, 40, 50)?, 100));
/// # let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
/// let data = SeriesReportData { fov: "m1", sessions: &sessions, tracks: &tracks, lengths: &[], dynamics: &dynamics, blind: None };
/// let mut report = SeriesReport::new(data);
/// (0..2).try_for_each(|k| report.session(k, &stack))?;
/// let fit = Registration {
///     session_a: "day0".into(),
///     session_b: "day2".into(),
///     median_um: 0.3,
///     inlier_share: 0.9,
///     shift_um: [0.5, -1.2, 2.0],
///     turn_deg: 1.1,
///     tilt_deg: 0.4,
///     remark: "slides along its only dendrite".into(),
/// };
/// let file = ["day0", "day0.tif", "ba7816bf", "1 x 0.1 x 0.1 µm"].map(String::from);
/// let origin = Origin { engine: "CPU".into(), inputs: vec![file], registration: vec![fit], ..Origin::default() };
/// let page = report.page(&origin)?;
/// assert!(page.contains("day0.tif") && page.contains("slides along its only dendrite"));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// The engine, in its own words.
    pub engine: String,
    /// Per session: name, file, SHA-256, voxel size.
    pub inputs: Vec<[String; 4]>,
    /// Each session to the next.
    pub registration: Vec<Registration>,
    /// Parameters that are not at their default: name, value, default.
    pub changed: Vec<[String; 3]>,
    /// All parameters, as a TOML that can be read back.
    pub parameters: String,
    /// What else was fitted or found: name, value.
    pub facts: Vec<[String; 2]>,
    /// What a reader should know first.
    pub remarks: Vec<String>,
}

pub(super) fn registration(origin: &Origin) -> Markup {
    let row = |r: &Registration| {
        let [z, y, x] = r.shift_um.map(|v| format!("{v:.2}"));
        vec![
            format!("{} to {}", r.session_a, r.session_b),
            format!("{:.2}", r.median_um),
            format!("{:.0}", 100.0 * r.inlier_share),
            format!("{z}, {y}, {x}"),
            format!("{:.2}", r.turn_deg),
            format!("{:.2}", r.tilt_deg),
            r.remark.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = origin.registration.iter().map(row).collect();
    html! {
        p { "Each session is brought to the next by its dendrites; coordinates move, pixels do not. A session whose fit cannot be trusted is refused, and the run
             ends with an error that names it: what is listed here was accepted." }
        (table(&["sessions", "residual µm", "lines that agree %", "shift z, y, x µm", "turn °", "tilt °", "remark"], &rows))
    }
}

pub(super) fn unscorable(data: &SeriesReportData<'_>) -> Markup {
    let mut counts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for track in data.tracks {
        for (k, reason) in track.calls.iter().map(|c: &Call| c.reason).enumerate() {
            if let Some(reason) = reason {
                counts.entry(style::reason_name(reason)).or_insert_with(|| vec![0; data.sessions.len()])[k] += 1;
            }
        }
    }
    let names: Vec<String> = data.sessions.iter().map(session_name).collect();
    let columns: Vec<&str> = std::iter::once("reason").chain(names.iter().map(String::as_str)).collect();
    let row = |(reason, of): (&&str, &Vec<usize>)| {
        std::iter::once((*reason).to_owned()).chain(of.iter().map(ToString::to_string)).collect()
    };
    let rows: Vec<Vec<String>> = counts.iter().map(row).collect();
    html! {
        p { "A site that cannot be judged in a session counts neither for nor against in any rate of that session." }
        @if rows.is_empty() { p { "Every site could be judged in every session." } } @else { (table(&columns, &rows)) }
    }
}

pub(super) fn section(origin: &Origin) -> Markup {
    let rows = |of: &[[String; 2]]| of.iter().map(|r| r.to_vec()).collect::<Vec<_>>();
    let mut facts = vec![
        ["gemmule".to_owned(), env!("CARGO_PKG_VERSION").to_owned()],
        ["engine".to_owned(), origin.engine.clone()],
    ];
    facts.extend(origin.facts.iter().cloned());
    let changed: Vec<Vec<String>> = origin.changed.iter().map(|r| r.to_vec()).collect();
    html! {
        h3 { "Files" }
        div.scroll tabindex="0" { table {
            thead { tr { @for name in ["session", "file", "SHA-256", "voxel z, y, x µm"] { th scope="col" { (name) } } } }
            tbody { @for [session, file, sum, voxel] in &origin.inputs {
                tr { td { (session) } td.path { (file) } td.sum { code { (sum) } } td { (voxel) } }
            } }
        } }
        h3 { "Program" }
        (table(&["what", "value"], &rows(&facts)))
        h3 { "Parameters" }
        @if changed.is_empty() { p { "All at their defaults." } } @else { (table(&["changed parameter", "value", "default"], &changed)) }
        (details("Every parameter, with unit, range and source", &html! { pre { (origin.parameters) } }))
    }
}
