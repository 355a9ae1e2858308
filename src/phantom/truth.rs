//! What a perfect analysis would find in a phantom, and its files.

use serde_json::json;

use crate::error::{Error, Result};
use crate::model::{Dendrite, Side, SpineClass};
use crate::phantom::curve::{Vec3, arc_length, difference, length, point, step};
use crate::phantom::scene::{Scene, SceneDendrite};
use crate::phantom::{Lit, Phantom, PhantomSeries, TrueLink};
use crate::units::PointUm;
use crate::volume::{Grid, Volume};

/// A spine is scorable if its far edge lies this far beyond the shaft's edge, in the image plane.
pub(super) const SCORABLE_REACH_UM: f64 = 0.4;

/// A shorter stretch of dendrite in the field is not counted as one.
const MIN_LENGTH_UM: f64 = 2.0;

/// One spine of a phantom.
///
/// ```
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::progress::Silent;
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.density_per_um(1.0)?.seed(7)?;
/// let made = phantom::stack(&small, &mut Silent)?;
/// let spine = made.spines.first().expect("10 µm with a spine per µm");
/// assert_eq!(spine.spine_id, 1);
/// assert!(spine.photons > 0.0 && spine.tip.distance_um(spine.base) >= spine.length_um);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TrueSpine {
    /// Number, from 1, ordered by dendrite and arc length.
    pub spine_id: u32,
    /// Number of its site in the scene: the same in every session of a series.
    pub site: u32,
    /// Whether it is there; while a series is made, also those are listed that are not.
    pub(super) present: bool,
    /// The dendrite it grows from.
    pub dendrite_id: u32,
    /// Centre of the head; of a filopodium, .2 µm before its tip.
    pub head: PointUm,
    /// Outer tip.
    pub tip: PointUm,
    /// On the edge of the shaft.
    pub anchor: PointUm,
    /// On the centreline.
    pub base: PointUm,
    /// Arc length of the base, µm.
    pub s_um: f64,
    /// Side of the dendrite.
    pub side: Side,
    /// From the shaft's edge to the tip, µm.
    pub length_um: f64,
    /// True diameter of the head, without optics, µm; of a filopodium, its width.
    pub head_width_um: f64,
    /// From the shaft's edge to the head, µm; 0 for stubby spines.
    pub neck_length_um: f64,
    /// Diameter of the neck, µm.
    pub neck_width_um: f64,
    /// Shape class.
    pub class: SpineClass,
    /// Photons expected at the centre of the head from this spine alone.
    pub photons: f64,
    /// Whether the head is a maximum of the noise-free stack on the line from the tip to the anchor.
    pub resolved: bool,
    /// Whether a method must find it: its tip is in the stack and lies .4 µm or more beyond the shaft's edge in the
    /// image plane. The others may be found or not.
    pub scorable: bool,
}

/// Dendrites and spines of a scene as far as they lie in the stack.
pub(super) fn of(
    scene: &Scene,
    lit: &Lit,
    expected: &Volume<f32>,
    grid: &Grid,
) -> (Vec<Dendrite>, Vec<usize>, Vec<TrueSpine>) {
    let mut parts: Vec<(usize, Dendrite, Vec<TrueSpine>)> = scene
        .dendrites
        .iter()
        .zip(&lit.spine_photons)
        .enumerate()
        .filter_map(|(course, (dendrite, photons))| {
            let (traced, spines) = part_inside(dendrite, photons, expected, grid)?;
            Some((course, traced, spines))
        })
        .collect();
    parts.sort_by(|a, b| b.1.length_um().total_cmp(&a.1.length_um()));
    let (mut dendrites, mut courses, mut spines) = (Vec::new(), Vec::new(), Vec::new());
    for (dendrite_id, (course, dendrite, on_it)) in (1..).zip(parts) {
        dendrites.push(Dendrite { dendrite_id, ..dendrite });
        courses.push(course);
        spines.extend(on_it.into_iter().map(|spine| TrueSpine { dendrite_id, ..spine }));
    }
    for (spine_id, spine) in (1..).zip(&mut spines) {
        spine.spine_id = spine_id;
    }
    (dendrites, courses, spines)
}

/// The longest run of a dendrite inside the stack, and its spines.
fn part_inside(
    dendrite: &SceneDendrite,
    photons: &[f64],
    expected: &Volume<f32>,
    grid: &Grid,
) -> Option<(Dendrite, Vec<TrueSpine>)> {
    let shaft = &dendrite.shaft;
    let inside = |p: Vec3| grid.contains(point(p));
    let runs = shaft.points.chunk_by(|&a, &b| inside(a) == inside(b)).scan(0, |at, run| {
        *at += run.len();
        Some((*at - run.len(), run))
    });
    let (first, run) = runs.filter(|(_, run)| inside(run[0])).max_by_key(|(_, run)| run.len())?;
    let s_um = arc_length(run);
    let (from, length_um) = (shaft.s_um[first], s_um[s_um.len() - 1]);
    if length_um < MIN_LENGTH_UM {
        return None;
    }
    let spines = dendrite.spines.iter().zip(photons).filter_map(|(site, &photons)| {
        let (placed, s_um) = (site.place(shaft), site.s_um - from);
        let here = (0.0..=length_um).contains(&s_um) && inside(placed.base) && inside(placed.head);
        here.then(|| TrueSpine {
            spine_id: 0,
            site: site.site,
            present: site.present,
            dendrite_id: 0,
            head: point(placed.head),
            tip: point(placed.tip),
            anchor: point(placed.anchor),
            base: point(placed.base),
            s_um,
            side: placed.side,
            length_um: site.shape.length_um(),
            head_width_um: site.shape.head_um,
            neck_length_um: site.shape.neck_length_um.max(0.0),
            neck_width_um: site.shape.neck_width_um,
            class: site.shape.class,
            photons,
            resolved: resolved(placed.tip, placed.anchor, expected, grid),
            scorable: placed.lateral_reach_um >= SCORABLE_REACH_UM && inside(placed.tip),
        })
    });
    let spines = spines.collect();
    let radius_um = shaft.radius_um[first..first + run.len()].to_vec();
    let points = run.iter().map(|&p| point(p)).collect();
    Some((Dendrite { dendrite_id: 0, points, s_um, radius_um, parent: None, unscorable: Vec::new() }, spines))
}

/// Whether brightness has a maximum between the two ends.
fn resolved(tip: Vec3, anchor: Vec3, expected: &Volume<f32>, grid: &Grid) -> bool {
    let line = difference(anchor, tip);
    let n = (length(line) / 0.05).ceil().max(2.0) as usize;
    let profile: Vec<f32> = (0..=n)
        .map(|i| {
            let (z, y, x) = grid.to_voxel(point(step(tip, line, i as f64 / n as f64)));
            expected.sample(z, y, x)
        })
        .collect();
    profile.windows(3).any(|w| w[1] > w[0] && w[1] >= w[2])
}

/// The files of a truth folder, name and text: what [`crate::score`] reads, positions in voxels as human marks have them.
///
/// `meta.json` holds `voxel_um`; `spines.csv` one row per spine, `z, y, x` being its tip, `is_bad` 1 where it is not
/// scorable, `head_kind` peak or shoulder; `dendrites.csv` the centrelines; `links.csv` no row for one session.
///
/// ```
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::progress::Silent;
/// use gemmule::score::Truth;
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.density_per_um(1.0)?.seed(7)?;
/// let made = phantom::stack(&small, &mut Silent)?;
/// let dir = tempfile::tempdir().unwrap();
/// for (name, text) in phantom::truth_files(&made, 0)? {
///     std::fs::write(dir.path().join(name), text).unwrap();
/// }
/// assert_eq!(Truth::read(dir.path(), 0)?.spines.len(), made.spines.len());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] if the rows cannot be written as text.
pub fn truth_files(phantom: &Phantom, session: usize) -> Result<Vec<(&'static str, String)>> {
    files(&[(session, phantom)], &[])
}

/// The same of a series: sessions are numbered from 0, `track_id` is the site.
///
/// ```
/// use gemmule::phantom::{self, PhantomParams, SeriesParams};
/// use gemmule::progress::Silent;
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.axons(0)?.density_per_um(1.0)?.seed(7)?;
/// let made = phantom::series(&small, &SeriesParams::default().days(vec![0.0, 1.0])?, &mut Silent)?;
/// let (_, links) = phantom::series_files(&made)?.into_iter().find(|(name, _)| *name == "links.csv").expect("always there");
/// assert_eq!(links.lines().count(), 1 + made.links().len());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`truth_files`].
pub fn series_files(series: &PhantomSeries) -> Result<Vec<(&'static str, String)>> {
    let sessions: Vec<(usize, &Phantom)> = series.sessions.iter().enumerate().collect();
    files(&sessions, &series.links())
}

fn files(sessions: &[(usize, &Phantom)], links: &[TrueLink]) -> Result<Vec<(&'static str, String)>> {
    let stack = &sessions[0].1.stack;
    let (v, shape) = (stack.voxel_size, stack.voxels.shape());
    let meta = json!({
        "name": "gemmule phantom",
        "axis_order": "ZYX",
        "voxel_um": { "z": v.z_um, "y": v.y_um, "x": v.x_um },
        "shape": [shape.z, shape.y, shape.x],
        "coordinates": "z, y, x are 0-based voxels of the stack; times voxel_um they are µm",
        "spine_point": "z, y, x is the outer tip; head_* the centre of the head; is_bad 1: need not be found",
    });
    let grid = stack.grid();
    let rows = sessions.iter().flat_map(|&(k, p)| p.spines.iter().map(move |s| spine_row(s, p, &grid, k)));
    let spines = table(&SPINE_COLUMNS, rows)?;
    let points = sessions.iter().flat_map(|&(k, p)| p.dendrites.iter().flat_map(move |d| dendrite_rows(d, grid, k)));
    let dendrites = table(&["session", "dendrite_id", "order", "z", "y", "x", "s_um"], points)?;
    let link = |&((a, i), (b, j)): &TrueLink| {
        let (from, to) = (&sessions[a].1.spines[i], &sessions[b].1.spines[j]);
        vec![a.to_string(), from.spine_id.to_string(), b.to_string(), to.spine_id.to_string(), from.site.to_string()]
    };
    let columns = ["session_a", "spine_row_a", "session_b", "spine_row_b", "track_id"];
    let links = table(&columns, links.iter().map(link))?;
    Ok(vec![
        ("meta.json", format!("{meta:#}\n")),
        ("spines.csv", spines),
        ("dendrites.csv", dendrites),
        ("links.csv", links),
    ])
}

fn dendrite_rows(d: &Dendrite, grid: Grid, session: usize) -> impl Iterator<Item = Vec<String>> {
    d.points.iter().zip(&d.s_um).enumerate().map(move |(order, (&p, &s))| {
        let mut row = vec![session.to_string(), d.dendrite_id.to_string(), order.to_string()];
        row.extend(voxels(&grid, p));
        row.push(number(s));
        row
    })
}

/// The columns of human marks, then those that only a phantom knows.
#[rustfmt::skip]
const SPINE_COLUMNS: [&str; 27] = [
    "session", "spine_row", "track_id", "dendrite_id", "z", "y", "x", "anchor_z", "anchor_y", "anchor_x",
    "base_z", "base_y", "base_x", "base_order", "side", "s_um", "head_z", "head_y", "head_x", "head_kind",
    "is_bad", "class", "length_um", "head_width_um", "neck_length_um", "neck_width_um", "photons",
];

fn spine_row(spine: &TrueSpine, phantom: &Phantom, grid: &Grid, session: usize) -> Vec<String> {
    let dendrite = phantom.dendrites.iter().find(|d| d.dendrite_id == spine.dendrite_id);
    let base_order = dendrite.map_or(0, |d| d.s_um.partition_point(|&s| s < spine.s_um));
    let id = spine.spine_id.to_string();
    let mut row = vec![session.to_string(), id, spine.site.to_string(), spine.dendrite_id.to_string()];
    row.extend([spine.tip, spine.anchor, spine.base].into_iter().flat_map(|p| voxels(grid, p)));
    row.extend([base_order.to_string(), format!("{:?}", spine.side).to_lowercase(), number(spine.s_um)]);
    row.extend(voxels(grid, spine.head));
    row.push(if spine.resolved { "peak" } else { "shoulder" }.into());
    row.push(u8::from(!spine.scorable).to_string());
    row.push(format!("{:?}", spine.class).to_lowercase());
    let sizes = [spine.length_um, spine.head_width_um, spine.neck_length_um, spine.neck_width_um, spine.photons];
    row.extend(sizes.map(number));
    row
}

fn voxels(grid: &Grid, p: PointUm) -> [String; 3] {
    let (z, y, x) = grid.to_voxel(p);
    [z, y, x].map(number)
}

fn number(value: f64) -> String {
    format!("{value:.4}")
}

fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<String> {
    let failed = |problem: String| Error::parameter("truth table", problem, "rows of text", "report this as a fault");
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns).map_err(|e| failed(e.to_string()))?;
    for row in rows {
        writer.write_record(&row).map_err(|e| failed(e.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| failed(e.to_string()))
}
