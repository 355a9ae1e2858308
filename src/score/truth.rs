//! Truth folders: `meta.json`, `spines.csv`, `dendrites.csv`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::table::Table;
use crate::units::{PointUm, VoxelSize};

/// Whether a head is a maximum of its own in the image. See the example of [`Truth::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadKind {
    /// It is.
    Peak,
    /// It merges with the blur of the shaft.
    Shoulder,
}

/// One true spine, µm. See the example of [`Truth::read`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TruthSpine {
    /// Outer tip.
    pub tip: PointUm,
    /// Centre of the head, where known.
    pub head: Option<PointUm>,
    /// Kind of the head, where known.
    pub head_kind: Option<HeadKind>,
    /// Excluded: may be found or not.
    pub is_bad: bool,
}

/// The truth of one session. See the example of [`Truth::read`].
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// The session.
    pub session: i64,
    /// All spines, also the bad ones.
    pub spines: Vec<TruthSpine>,
    /// Annotated centrelines, µm.
    pub centrelines: Vec<Vec<PointUm>>,
}

#[derive(Deserialize)]
struct Meta {
    voxel_um: VoxelUm,
}

#[derive(Deserialize)]
struct VoxelUm {
    z: f64,
    y: f64,
    x: f64,
}

impl Truth {
    /// Reads one session of a truth folder.
    ///
    /// - `meta.json`: `voxel_um` with `z`, `y`, `x`.
    /// - `spines.csv`: `session`, `spine_row`, `z`, `y`, `x` (tip, in voxels), `is_bad`; if there, `head_z`, `head_y`,
    ///   `head_x` and `head_kind` (peak, shoulder or empty).
    /// - `dendrites.csv`: `session`, `dendrite_id`, `order`, `z`, `y`, `x` (in voxels).
    ///
    /// Other columns are ignored.
    ///
    /// ```
    /// use gemmule::score::{HeadKind, Truth};
    /// let dir = tempfile::tempdir().unwrap();
    /// let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    /// write("meta.json", r#"{"voxel_um": {"z": 1.0, "y": 0.5, "x": 0.25}}"#);
    /// write("spines.csv", "session,spine_row,z,y,x,is_bad,head_z,head_y,head_x,head_kind\n0,1,5,20,40,0,5,19,40,peak\n");
    /// write("dendrites.csv", "session,dendrite_id,order,z,y,x\n0,1,0,5,16,0\n0,1,1,5,16,80\n");
    /// let truth = Truth::read(dir.path(), 0)?;
    /// assert_eq!((truth.spines[0].tip.x, truth.spines[0].head_kind), (10.0, Some(HeadKind::Peak)));
    /// assert_eq!(truth.centrelines[0][1].x, 20.0);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] if a file cannot be read, lacks a column, holds a value that is no number or the same spine or
    /// centreline point twice, or if the session is not in both tables; [`Error::Parameter`] for an impossible voxel size.
    pub fn read(folder: impl AsRef<Path>, session: i64) -> Result<Self> {
        let folder = folder.as_ref();
        let voxel_size = voxel_size(&folder.join("meta.json"))?;
        let spines = spines(&folder.join("spines.csv"), session, voxel_size)?;
        let centrelines = centrelines(&folder.join("dendrites.csv"), session, voxel_size)?;
        Ok(Self { session, spines, centrelines })
    }

    /// Checks that every place is finite.
    pub(super) fn check(&self) -> Result<()> {
        let finite = |p: &PointUm| [p.z, p.y, p.x].iter().all(|v| v.is_finite());
        let places = self.spines.iter().flat_map(|s| std::iter::once(&s.tip).chain(&s.head));
        match places.chain(self.centrelines.iter().flatten()).find(|p| !finite(p)) {
            None => Ok(()),
            Some(p) => {
                Err(Error::parameter("truth", format!("{p:?}"), "finite positions", "leave out what is not known"))
            }
        }
    }
}

fn voxel_size(path: &Path) -> Result<VoxelSize> {
    let remedy = "give a JSON file with \"voxel_um\": {\"z\": .., \"y\": .., \"x\": ..}";
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, format!("cannot be read ({e})"), remedy))?;
    let meta: Meta = serde_json::from_str(&text).map_err(|e| Error::file(path, e, remedy))?;
    VoxelSize::new(meta.voxel_um.z, meta.voxel_um.y, meta.voxel_um.x)
}

/// The place in three columns of voxels.
fn place(table: &Table<'_>, row: usize, columns: [&str; 3], voxel: VoxelSize) -> Result<PointUm> {
    let [z, y, x] = columns;
    Ok(PointUm::new(
        table.number(row, z)? * voxel.z_um,
        table.number(row, y)? * voxel.y_um,
        table.number(row, x)? * voxel.x_um,
    ))
}

/// Rows of a session, and an error if there is none.
fn rows_of(table: &Table<'_>, path: &Path, session: i64) -> Result<Vec<usize>> {
    let mut known = BTreeSet::new();
    let mut rows = Vec::new();
    for row in 0..table.len() {
        let this = table.whole(row, "session")?;
        known.insert(this);
        if this == session {
            rows.push(row);
        }
    }
    if rows.is_empty() {
        return Err(Error::file(path, format!("has no session {session}, only {known:?}"), "give one of its sessions"));
    }
    Ok(rows)
}

fn spines(path: &Path, session: i64, voxel: VoxelSize) -> Result<Vec<TruthSpine>> {
    const HEAD: [&str; 3] = ["head_z", "head_y", "head_x"];
    let table = Table::read(path)?;
    table.need(&["session", "spine_row", "z", "y", "x", "is_bad"])?;
    let mut seen = BTreeSet::new();
    let spine = |row| {
        if !seen.insert(table.whole(row, "spine_row")?) {
            return Err(table.bad(row, "spine_row", "each spine of a session once"));
        }
        let no_head = HEAD.iter().all(|c| table.text(row, c).is_empty());
        Ok(TruthSpine {
            tip: place(&table, row, ["z", "y", "x"], voxel)?,
            head: if no_head { None } else { Some(place(&table, row, HEAD, voxel)?) },
            head_kind: match table.text(row, "head_kind") {
                "peak" => Some(HeadKind::Peak),
                "shoulder" => Some(HeadKind::Shoulder),
                "" => None,
                _ => return Err(table.bad(row, "head_kind", "peak, shoulder or nothing")),
            },
            is_bad: match table.text(row, "is_bad") {
                "1" | "1.0" => true,
                "0" | "0.0" | "" => false,
                _ => return Err(table.bad(row, "is_bad", "0 or 1")),
            },
        })
    };
    rows_of(&table, path, session)?.into_iter().map(spine).collect()
}

fn centrelines(path: &Path, session: i64, voxel: VoxelSize) -> Result<Vec<Vec<PointUm>>> {
    let table = Table::read(path)?;
    table.need(&["session", "dendrite_id", "order", "z", "y", "x"])?;
    let mut lines: BTreeMap<i64, BTreeMap<i64, PointUm>> = BTreeMap::new();
    for row in rows_of(&table, path, session)? {
        let line = lines.entry(table.whole(row, "dendrite_id")?).or_default();
        let point = place(&table, row, ["z", "y", "x"], voxel)?;
        if line.insert(table.whole(row, "order")?, point).is_some() {
            return Err(table.bad(row, "order", "each point of a dendrite once"));
        }
    }
    Ok(lines.into_values().map(|line| line.into_values().collect()).collect())
}
