//! Tables of spines and dendrites, and SWC.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::model::{Dendrite, Spine};

/// Names of an enum value as serde writes it.
fn name(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

fn um(value: f64) -> String {
    // Without the sign of a negative zero: results of two backends are compared as text.
    format!("{:.4}", value + 0.0)
}

fn save(path: &Path, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let failed = |e: &dyn std::fmt::Display| {
        Error::file(path, format!("cannot be written ({e})"), "check the folder and the disk")
    };
    let mut writer = csv::Writer::from_path(path).map_err(|e| failed(&e))?;
    writer.write_record(header).map_err(|e| failed(&e))?;
    for row in rows {
        writer.write_record(&row).map_err(|e| failed(&e))?;
    }
    writer.flush().map_err(|e| failed(&e))
}

/// Writes `spines.csv`: one row per spine; the width is empty where the profile could not be fitted, flags are joined by `;`.
///
/// # Errors
/// [`Error::File`] if it cannot be written.
pub fn write_spines_csv(path: impl AsRef<Path>, spines: &[Spine]) -> Result<()> {
    let header = [
        "spine_id",
        "dendrite_id",
        "z_um",
        "y_um",
        "x_um",
        "tip_z_um",
        "tip_y_um",
        "tip_x_um",
        "base_z_um",
        "base_y_um",
        "base_x_um",
        "s_um",
        "side",
        "length_um",
        "head_width_um",
        "brightness",
        "snr",
        "score",
        "class",
        "flags",
    ];
    let rows = spines.iter().map(|spine| {
        let mut row = vec![spine.spine_id.to_string(), spine.dendrite_id.to_string()];
        for p in [spine.head, spine.tip, spine.base] {
            row.extend([um(p.z), um(p.y), um(p.x)]);
        }
        row.extend([um(spine.s_um), name(&spine.side), um(spine.length_um)]);
        row.push(spine.head_width_um.map_or_else(String::new, um));
        row.extend([um(spine.brightness), um(spine.snr), um(spine.score), name(&spine.class)]);
        row.push(spine.flags.iter().map(name).collect::<Vec<_>>().join(";"));
        row
    });
    save(path.as_ref(), &header, rows)
}

/// Writes `dendrites.csv`: one row per centreline point; `unscorable` is the reason where the stretch cannot be judged.
///
/// # Errors
/// [`Error::File`] if it cannot be written.
pub fn write_dendrites_csv(path: impl AsRef<Path>, dendrites: &[Dendrite]) -> Result<()> {
    let header = [
        "dendrite_id",
        "order",
        "z_um",
        "y_um",
        "x_um",
        "s_um",
        "radius_um",
        "parent_id",
        "parent_order",
        "unscorable",
    ];
    let rows = dendrites.iter().flat_map(|d| {
        d.points.iter().enumerate().map(move |(k, p)| {
            let s_um = d.s_um[k];
            let reason = d.unscorable.iter().find(|u| (u.from_um..u.to_um).contains(&s_um)).map(|u| name(&u.reason));
            let (parent, at) = d.parent.map(|(id, at)| (id.to_string(), at.to_string())).unwrap_or_default();
            let mut row = vec![d.dendrite_id.to_string(), k.to_string(), um(p.z), um(p.y), um(p.x)];
            row.extend([um(s_um), um(d.radius_um[k]), parent, at, reason.unwrap_or_default()]);
            row
        })
    });
    save(path.as_ref(), &header, rows)
}

/// Writes `dendrites.swc`: µm, type 3 (dendrite), each branch joined to its parent's point.
///
/// # Errors
/// [`Error::File`] if it cannot be written.
pub fn write_swc(path: impl AsRef<Path>, dendrites: &[Dendrite]) -> Result<()> {
    let mut text =
        String::from("# gemmule: id type x_um y_um z_um radius_um parent; origin is the centre of voxel (0, 0, 0)\n");
    // Parents may come after their branches in the list: number all points first.
    let mut first = Vec::with_capacity(dendrites.len());
    let mut next = 1;
    for d in dendrites {
        first.push((d.dendrite_id, next));
        next += d.points.len();
    }
    let start = |id: u32| first.iter().find(|(other, _)| *other == id).map(|(_, n)| *n);
    for (d, &(_, begin)) in dendrites.iter().zip(&first) {
        let joined = d.parent.and_then(|(id, at)| start(id).map(|n| (n + at) as i64));
        for (k, (p, r)) in d.points.iter().zip(&d.radius_um).enumerate() {
            let parent = if k > 0 { (begin + k - 1) as i64 } else { joined.unwrap_or(-1) };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{} 3 {} {} {} {} {parent}", begin + k, um(p.x), um(p.y), um(p.z), um(*r));
        }
    }
    std::fs::write(&path, text)
        .map_err(|e| Error::file(&path, format!("cannot be written ({e})"), "check the folder and the disk"))
}
