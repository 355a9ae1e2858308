//! The manifest of a cohort: which stack is which animal, field, day and treatment.

mod check;
mod files;
mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::io::ReadOptions;
use crate::io::manifest::rows::Row;
use crate::model::Session;
use crate::units::VoxelSize;

/// Columns that gemmule knows, in the order they are written; all others are carried through to the long table.
pub const MANIFEST_COLUMNS: [&str; 17] = [
    "study",
    "group",
    "treatment",
    "animal",
    "sex",
    "fov",
    "session",
    "day",
    "path",
    "channel",
    "time",
    "voxel_um",
    "dose",
    "regimen",
    "cell_type",
    "notes",
    "crossover",
];

/// Columns without which a cohort cannot be run.
const REQUIRED: [&str; 5] = ["animal", "treatment", "fov", "day", "path"];

/// All series of a cohort, checked.
///
/// ```
/// use gemmule::io::{Manifest, ReadOptions, write_stack};
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Stack, Volume, Voxels};
/// let dir = tempfile::tempdir().unwrap();
/// let voxels = Voxels::U8(Volume::filled(Shape::new(2, 3, 4)?, 1));
/// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
/// for name in ["a.tif", "b.tif"] {
///     write_stack(dir.path().join(name), &stack)?;
/// }
/// let path = dir.path().join("manifest.csv");
/// std::fs::write(&path, "animal,treatment,fov,day,path,cage\nm1,saline,1,-1,a.tif,4\nm1,saline,1,2,b.tif,4\n").unwrap();
/// let manifest = Manifest::read(&path, &ReadOptions::default(), false)?;
/// let series = &manifest.series[0];
/// assert_eq!((series.name().as_str(), manifest.largest_stack_voxels), ("m1/1", 24));
/// assert_eq!(series.sessions[0].session.day, Some(-1.0));
/// assert_eq!((series.sessions[0].value("cage"), manifest.carried.as_slice()), ("4", &["cage".to_owned()][..]));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Series by animal and field of view.
    pub series: Vec<CohortSeries>,
    /// Columns carried through to the long table, in the order of the file: dose, regimen, cell_type, notes and those gemmule does not know.
    pub carried: Vec<String>,
    /// Voxels of the largest stack, all channels and times left out but one.
    pub largest_stack_voxels: u64,
}

/// The sessions of one field of view of one animal. See the example of [`Manifest`].
#[derive(Clone, Debug, PartialEq)]
pub struct CohortSeries {
    /// The animal.
    pub animal: String,
    /// The field of view, unique within the animal.
    pub fov: String,
    /// Sessions by day.
    pub sessions: Vec<CohortSession>,
}

/// One stack of a cohort. See the example of [`Manifest`].
#[derive(Clone, Debug, PartialEq)]
pub struct CohortSession {
    /// Where in the manifest, for messages: `line 7` or `[[session]] 6`.
    pub row: String,
    order: usize,
    /// Name, and day relative to the dose.
    pub session: Session,
    /// The stack, relative paths taken from the manifest's folder.
    pub path: PathBuf,
    /// Channel, time and voxel size, where the manifest or the caller gives them.
    pub options: ReadOptions,
    /// Every other cell by column; empty cells are left out.
    pub values: BTreeMap<String, String>,
}

impl CohortSeries {
    /// `animal/fov`: the folder of its results, and its name in messages. See the example of [`Manifest`].
    pub fn name(&self) -> String {
        format!("{}/{}", self.animal, self.fov)
    }
}

impl CohortSession {
    /// A cell's text; empty where the manifest has none. See the example of [`Manifest`].
    pub fn value(&self, column: &str) -> &str {
        self.values.get(column).map_or("", String::as_str)
    }
}

impl Manifest {
    /// Reads a manifest and checks it together with the headers of all its stacks, before any work.
    ///
    /// A CSV has one row per stack; a TOML one `[[session]]` per stack, and keys above them hold for all. Required: `animal`, `treatment`,
    /// `fov` (unique within the animal), `day` (relative to the dose) and `path` (relative to the manifest). Known: see [`MANIFEST_COLUMNS`];
    /// `voxel_um` is Z,Y,X. `default` gives channel, time and voxel size where the manifest does not. `crossover` (here or a column
    /// that is `true` for all rows of an animal) says that an animal may get several treatments.
    ///
    /// ```
    /// use gemmule::io::{Manifest, ReadOptions};
    /// let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("manifest.csv");
    /// std::fs::write(&path, "animal,treatment,fov,day,path\nm1,saline,1,-1,a.tif\nm1,saline,1,x,b.tif\n").unwrap();
    /// let message = Manifest::read(&path, &ReadOptions::default(), false).unwrap_err().to_string();
    /// assert!(message.contains("3 faults") && message.contains("a.tif is not there") && message.contains("line 3: day is \"x\""), "{message}");
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] with every fault and the row it is in: missing columns and cells, days that are no numbers, that do not ascend or are there twice
    /// in a field, several treatments of an animal without `crossover`, stacks that are not there, cannot be read, have no voxel size or not the
    /// same one within a field, or lack the channel.
    pub fn read(path: impl AsRef<Path>, default: &ReadOptions, crossover: bool) -> Result<Self> {
        Self::read_part(path, default, crossover, &|_| true)
    }

    /// As [`Manifest::read`], but only the stacks of the series `wanted`, by their position, are looked into: one job of ten thousand need not read the headers of all.
    ///
    /// ```
    /// use gemmule::io::{Manifest, ReadOptions};
    /// let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("manifest.csv");
    /// std::fs::write(&path, "animal,treatment,fov,day,path\nm1,saline,1,-1,a.tif\nm1,saline,1,1,b.tif\n").unwrap();
    /// // The stacks of no series are looked into, so it does not matter that they are not there.
    /// let manifest = Manifest::read_part(&path, &ReadOptions::default(), false, &|_| false)?;
    /// assert_eq!(manifest.series[0].sessions.len(), 2);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn read_part(
        path: impl AsRef<Path>,
        default: &ReadOptions,
        crossover: bool,
        wanted: &(dyn Fn(usize) -> bool + Sync),
    ) -> Result<Self> {
        let path = path.as_ref();
        let (names, rows) = rows::read(path)?;
        let missing: Vec<&str> = REQUIRED.into_iter().filter(|c| !names.iter().any(|n| n == c)).collect();
        if !missing.is_empty() || rows.is_empty() {
            let problem = match missing[..] {
                [] => "has no rows".to_owned(),
                _ => format!("lacks the columns {}", missing.join(", ")),
            };
            return Err(Error::file(path, problem, &format!("give one row per stack with {}", REQUIRED.join(", "))));
        }
        let mut faults = Vec::new();
        let folder = path.parent().unwrap_or(Path::new(""));
        let series = check::series(&rows, folder, default, crossover, &mut faults);
        let largest_stack_voxels = files::check(&series, wanted, &mut faults);
        if !faults.is_empty() {
            faults.sort_by_key(|f| f.order);
            let list: String = faults.iter().map(|f| format!("\n  {}: {}", f.row, f.text)).collect();
            let counted = if faults.len() == 1 { "1 fault".into() } else { format!("{} faults", faults.len()) };
            return Err(Error::file(path, format!("{counted}, nothing was run{list}\n"), "correct the rows named"));
        }
        let own = |c: &&String| !MANIFEST_COLUMNS[..12].contains(&c.as_str()) && c.as_str() != "crossover";
        let carried = names.iter().filter(own).cloned().collect();
        Ok(Self { series, carried, largest_stack_voxels })
    }
}

/// What is wrong with a row.
struct Fault {
    order: usize,
    row: String,
    text: String,
}

impl Fault {
    fn of(row: &Row, text: String) -> Self {
        Self { order: row.order, row: row.label.clone(), text }
    }
}

/// `Z,Y,X` in µm; spaces or x may stand for commas, so that no quotes are needed in a CSV.
fn voxel_size(text: &str) -> Option<VoxelSize> {
    let edges: Vec<f64> =
        text.split([',', ' ', 'x', ';']).filter(|e| !e.is_empty()).map(|e| e.parse().ok()).collect::<Option<_>>()?;
    let [z, y, x] = edges[..] else { return None };
    VoxelSize::new(z, y, x).ok()
}
