//! Dendrites as SWC, the exchange format of traced neurons.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::model::Dendrite;

/// Structure identifier of a (basal) dendrite.
const TYPE_DENDRITE: u8 = 3;

/// Writes dendrites as SWC: `id type x y z radius parent`, µm, type 3 (dendrite).
///
/// The first point of a branch has the point of its parent as parent sample, so that trees hang together; every sample
/// comes after its parent, as readers of the format expect (Cannon et al. 1998,
/// <https://doi.org/10.1016/S0165-0270(98)00091-0>).
///
/// ```
/// use gemmule::io::write_swc;
/// use gemmule::model::Dendrite;
/// use gemmule::units::PointUm;
/// let points = vec![PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 8.0)];
/// let dendrite = Dendrite { dendrite_id: 1, points, s_um: vec![0.0, 8.0], radius_um: vec![0.4; 2], parent: None, unscorable: vec![] };
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("dendrites.swc");
/// write_swc(&path, &[dendrite])?;
/// let text = std::fs::read_to_string(&path).unwrap();
/// assert_eq!(text.lines().last(), Some("2 3 8.0000 10.0000 5.0000 0.4000 1")); // x first; its parent is sample 1
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] if the file cannot be written; [`Error::Parameter`] if a dendrite's parent is not among `dendrites`,
/// has no such point, or is its own descendant.
pub fn write_swc(path: impl AsRef<Path>, dendrites: &[Dendrite]) -> Result<()> {
    let path = path.as_ref();
    let mut text = format!(
        "# gemmule {}\n# unit: micrometre; origin: centre of the first voxel of the stack\n# id type x y z radius parent\n",
        env!("CARGO_PKG_VERSION")
    );
    let mut first_sample = BTreeMap::new();
    let mut next = 1_usize;
    for dendrite in parents_first(dendrites)? {
        // parents_first put the parent before its branches.
        let joins = dendrite.parent.map(|(id, point)| first_sample[&id] + point);
        first_sample.insert(dendrite.dendrite_id, next);
        for (i, (p, radius)) in dendrite.points.iter().zip(&dendrite.radius_um).enumerate() {
            let parent = match (i, joins) {
                (0, None) => "-1".to_owned(),
                (0, Some(sample)) => sample.to_string(),
                _ => (next - 1).to_string(),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{next} {TYPE_DENDRITE} {:.4} {:.4} {:.4} {radius:.4} {parent}", p.x, p.y, p.z);
            next += 1;
        }
    }
    std::fs::write(path, text).map_err(|e| {
        Error::file(path, format!("cannot be written ({e})"), "check the folder, its permissions and the space left")
    })
}

/// The dendrites in an order in which each comes after its parent, otherwise as given.
fn parents_first(dendrites: &[Dendrite]) -> Result<Vec<&Dendrite>> {
    let bad = |dendrite: &Dendrite, value: String| {
        let name = format!("parent of dendrite {}", dendrite.dendrite_id);
        Error::parameter(&name, value, "a point of another dendrite that does not hang on it", "correct the dendrites")
    };
    let by_id: BTreeMap<u32, &Dendrite> = dendrites.iter().map(|d| (d.dendrite_id, d)).collect();
    if let Some(twice) = dendrites.iter().find(|d| !std::ptr::eq(by_id[&d.dendrite_id], *d)) {
        return Err(Error::parameter("dendrite_id", twice.dendrite_id, "each once", "number the dendrites anew"));
    }
    let mut waiting: BTreeMap<u32, Vec<&Dendrite>> = BTreeMap::new();
    let mut ordered = Vec::with_capacity(dendrites.len());
    for dendrite in dendrites {
        match dendrite.parent {
            None => ordered.push(dendrite),
            Some((id, point)) => match by_id.get(&id) {
                Some(parent) if point < parent.points.len() => waiting.entry(id).or_default().push(dendrite),
                _ => return Err(bad(dendrite, format!("point {point} of dendrite {id}"))),
            },
        }
    }
    let mut done = 0;
    while done < ordered.len() {
        ordered.extend(waiting.remove(&ordered[done].dendrite_id).into_iter().flatten());
        done += 1;
    }
    match waiting.into_iter().next() {
        Some((id, on_it)) => Err(bad(on_it[0], format!("dendrite {id}, in a circle"))),
        None => Ok(ordered),
    }
}
