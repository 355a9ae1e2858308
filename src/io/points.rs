//! Tables of marked points and centrelines, for linking without images.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Error, Result};
use crate::table::Table;
use crate::units::{PointUm, VoxelSize};

/// A marked spine. See the example of [`read_point_sessions`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// `spine_row`: its key in the session.
    pub spine: i64,
    /// Where, µm.
    pub place: PointUm,
}

/// Marks and centrelines of one session. See the example of [`read_point_sessions`].
#[derive(Clone, Debug, PartialEq)]
pub struct PointSession {
    /// Number of the session.
    pub session: i64,
    /// Marks by `spine_row`.
    pub marks: Vec<Mark>,
    /// Centrelines by `dendrite_id`, their points in `order`.
    pub traces: BTreeMap<i64, Vec<PointUm>>,
}

/// Reads marks (`session`, `spine_row`, and `z_um`, `y_um`, `x_um` or voxels `z`, `y`, `x`) and centrelines (`session`,
/// `dendrite_id`, `order` and the same) of all sessions, sorted by session; the order of the rows does not matter. Other columns
/// are ignored. Voxels are turned into µm with `voxel_size`.
///
/// ```
/// use gemmule::io::read_point_sessions;
/// let dir = tempfile::tempdir().unwrap();
/// let (points, lines) = (dir.path().join("points.csv"), dir.path().join("dendrites.csv"));
/// std::fs::write(&points, "session,spine_row,z_um,y_um,x_um\n0,17,5,11.5,8\n").unwrap();
/// std::fs::write(&lines, "session,dendrite_id,order,z_um,y_um,x_um\n0,1,0,5,10,0\n0,1,1,5,10,20\n").unwrap();
/// let sessions = read_point_sessions(&points, &lines, None)?;
/// assert_eq!((sessions[0].session, sessions[0].marks[0].spine), (0, 17));
/// assert_eq!(sessions[0].traces[&1].len(), 2);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] for a file that cannot be read, lacks a column, has a cell that is no number, the same mark or
/// centreline point twice, or a session that is not in both; [`Error::VoxelSizeUnknown`] for voxels without `voxel_size`.
pub fn read_point_sessions(
    points: impl AsRef<Path>,
    dendrites: impl AsRef<Path>,
    voxel_size: Option<VoxelSize>,
) -> Result<Vec<PointSession>> {
    let (points, dendrites) = (points.as_ref(), dendrites.as_ref());
    let mut traces = read_traces(dendrites, voxel_size)?;
    let marks = read_marks(points, voxel_size)?;
    let lacking = |path: &Path, sessions: Vec<i64>, other: &Path| {
        let problem = format!("has no session {sessions:?}, which {} has", other.display());
        Err(Error::file(path, problem, "give marks and centrelines of the same sessions"))
    };
    let without: Vec<i64> = traces.keys().filter(|s| !marks.contains_key(s)).copied().collect();
    if !without.is_empty() {
        return lacking(points, without, dendrites);
    }
    let without: Vec<i64> = marks.keys().filter(|s| !traces.contains_key(s)).copied().collect();
    if !without.is_empty() {
        return lacking(dendrites, without, points);
    }
    let session =
        |(session, marks)| PointSession { session, marks, traces: traces.remove(&session).unwrap_or_default() };
    Ok(marks.into_iter().map(session).collect())
}

/// How the places of a table are written.
pub(super) struct Places {
    columns: [&'static str; 3],
    factor: [f64; 3],
}

impl Places {
    /// Of the named columns: voxels with a voxel size, µm without.
    pub(super) fn of(columns: [&'static str; 3], voxel_size: Option<VoxelSize>) -> Self {
        Self { columns, factor: voxel_size.map_or([1.0; 3], |v| [v.z_um, v.y_um, v.x_um]) }
    }

    pub(super) fn new(
        table: &Table<'_>,
        path: &Path,
        others: &[&'static str],
        voxel_size: Option<VoxelSize>,
    ) -> Result<Self> {
        const UM: [&str; 3] = ["z_um", "y_um", "x_um"];
        const VOXELS: [&str; 3] = ["z", "y", "x"];
        let in_um = UM.iter().all(|c| table.has(c));
        let columns = if in_um { UM } else { VOXELS };
        let needed: Vec<&str> = others.iter().copied().chain(columns).collect();
        table.need(&needed)?;
        let factor = match voxel_size {
            _ if in_um => [1.0; 3],
            Some(v) => [v.z_um, v.y_um, v.x_um],
            None => {
                let problem = "its columns z, y, x are voxels".to_owned();
                return Err(Error::VoxelSizeUnknown { path: path.into(), problem });
            }
        };
        Ok(Self { columns, factor })
    }

    pub(super) fn at(&self, table: &Table<'_>, row: usize) -> Result<PointUm> {
        let axis = |k: usize| Ok(table.number(row, self.columns[k])? * self.factor[k]);
        Ok(PointUm::new(axis(0)?, axis(1)?, axis(2)?))
    }
}

fn read_marks(path: &Path, voxel_size: Option<VoxelSize>) -> Result<BTreeMap<i64, Vec<Mark>>> {
    let table = Table::read(path)?;
    let places = Places::new(&table, path, &["session", "spine_row"], voxel_size)?;
    let mut found: BTreeMap<i64, BTreeMap<i64, PointUm>> = BTreeMap::new();
    for row in 0..table.len() {
        let (session, spine) = (table.whole(row, "session")?, table.whole(row, "spine_row")?);
        if found.entry(session).or_default().insert(spine, places.at(&table, row)?).is_some() {
            return Err(table.bad(row, "spine_row", "each mark of a session once"));
        }
    }
    let marks = |of: BTreeMap<i64, PointUm>| of.into_iter().map(|(spine, place)| Mark { spine, place }).collect();
    Ok(found.into_iter().map(|(session, of)| (session, marks(of))).collect())
}

/// Centrelines by session and dendrite.
type Traces = BTreeMap<i64, BTreeMap<i64, Vec<PointUm>>>;

fn read_traces(path: &Path, voxel_size: Option<VoxelSize>) -> Result<Traces> {
    let table = Table::read(path)?;
    let places = Places::new(&table, path, &["session", "dendrite_id", "order"], voxel_size)?;
    let mut found: BTreeMap<i64, BTreeMap<i64, Vec<(i64, PointUm)>>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for row in 0..table.len() {
        let [session, dendrite, order] = ["session", "dendrite_id", "order"].map(|c| table.whole(row, c));
        let (session, dendrite, order) = (session?, dendrite?, order?);
        if !seen.insert((session, dendrite, order)) {
            return Err(table.bad(row, "order", "each point of a dendrite once"));
        }
        found.entry(session).or_default().entry(dendrite).or_default().push((order, places.at(&table, row)?));
    }
    let line = |mut points: Vec<(i64, PointUm)>| {
        points.sort_by_key(|(order, _)| *order);
        points.into_iter().map(|(_, p)| p).collect()
    };
    let lines = |of: BTreeMap<i64, Vec<_>>| of.into_iter().map(|(dendrite, points)| (dendrite, line(points))).collect();
    Ok(found.into_iter().map(|(session, of)| (session, lines(of))).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::io::read_point_sessions;
    use crate::units::VoxelSize;

    const MARKS: &str = "session,spine_row,z,y,x,pivot_um\n1,7,2,10,20,9\n0,5,1,10,20,\n0,3,1,10,40,\n";
    const LINES: &str = "session,dendrite_id,order,z,y,x\n1,0,1,1,5,9\n1,0,0,1,5,5\n0,4,0,1,5,5\n";

    fn read(marks: &str, lines: &str, size: Option<VoxelSize>) -> Result<Vec<super::PointSession>, String> {
        let dir = tempfile::tempdir().unwrap();
        let (points, dendrites) = (dir.path().join("points.csv"), dir.path().join("lines.csv"));
        fs::write(&points, marks).unwrap();
        fs::write(&dendrites, lines).unwrap();
        read_point_sessions(points, dendrites, size).map_err(|e| e.to_string())
    }

    #[test]
    fn rows_may_come_in_any_order() {
        let size = VoxelSize::new(1.0, 0.1, 0.1).ok();
        let sessions = read(MARKS, LINES, size).unwrap();
        assert_eq!(sessions.iter().map(|s| s.session).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(sessions[0].marks.iter().map(|m| m.spine).collect::<Vec<_>>(), [3, 5]);
        assert_eq!((sessions[0].marks[0].place.x, sessions[1].traces[&0][0].x), (4.0, 0.5));
        let um = MARKS.replace("z,y,x", "z_um,y_um,x_um");
        assert_eq!(read(&um, &LINES.replace("z,y,x", "z_um,y_um,x_um"), None).unwrap()[0].marks[0].place.x, 40.0);
    }

    #[test]
    fn faults_are_named_by_file_line_and_column() {
        let size = VoxelSize::new(1.0, 0.1, 0.1).ok();
        let message = |marks: &str, lines: &str, size| read(marks, lines, size).unwrap_err();
        assert!(message(MARKS, LINES, None).contains("--voxel-um"));
        let bad = message(&MARKS.replace("0,5,1", "0,5,one"), LINES, size);
        assert!(bad.contains("points.csv") && bad.contains("line 3, column z is \"one\""), "{bad}");
        assert!(message(&MARKS.replace("0,5,", "0,3,"), LINES, size).contains("column spine_row is \"3\""));
        assert!(message(MARKS, &LINES.replace("1,0,1,", "1,0,0,"), size).contains("line 3, column order is \"0\""));
        assert!(message(MARKS, &LINES.replace("0,4,0", "2,4,0"), size).contains("points.csv: has no session [2]"));
        assert!(message(&MARKS.replace("spine_row", "row"), LINES, size).contains("lacks the columns spine_row"));
    }
}
