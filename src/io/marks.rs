//! Tables of a user's marks on given stacks, for learning from them.

use std::path::Path;

use crate::error::{Error, Result};
use crate::io::points::Places;
use crate::table::Table;
use crate::units::{PointUm, VoxelSize};

/// A spine that a person marked. See the example of [`read_marks`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpineMark {
    /// Which stack, from 0.
    pub session: usize,
    /// The marked place, mostly the tip, µm.
    pub place: PointUm,
    /// Centre of the head, where it is known, µm.
    pub head: Option<PointUm>,
    /// The user's number of the dendrite; the same in all sessions.
    pub dendrite_id: Option<i64>,
    /// Marked as doubtful: counts neither for nor against.
    pub is_bad: bool,
}

/// Reads marks on the stacks whose voxel sizes are given: `session` (0 is the first stack) and `z_um`, `y_um`, `x_um` or voxels `z`, `y`, `x`; if there,
/// `dendrite_id`, `is_bad` (0 or 1) and the head, `head_z`, `head_y`, `head_x` (voxels; with `z_um` also `head_z_um` and so on). Other columns are
/// ignored. The marks are returned sorted, whatever their order in the table.
///
/// ```
/// use gemmule::io::read_marks;
/// use gemmule::units::VoxelSize;
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("marks.csv");
/// std::fs::write(&path, "session,z,y,x,dendrite_id\n0,4,100,200,3\n").unwrap();
/// let marks = read_marks(&path, &[VoxelSize::new(1.0, 0.5, 0.25)?])?;
/// assert_eq!((marks[0].place.y, marks[0].place.x, marks[0].dendrite_id), (50.0, 50.0, Some(3)));
/// assert!(read_marks(&path, &[]).is_err()); // there is no stack 0
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] for a file that cannot be read, lacks a column, has a cell of the wrong kind or a session without a stack.
pub fn read_marks(path: impl AsRef<Path>, voxel_sizes: &[VoxelSize]) -> Result<Vec<SpineMark>> {
    let path = path.as_ref();
    let table = Table::read(path)?;
    let mut marks: Vec<SpineMark> =
        (0..table.len()).map(|row| mark(&table, path, row, voxel_sizes)).collect::<Result<_>>()?;
    let key = |m: &SpineMark| (m.session, m.dendrite_id, m.is_bad);
    let place = |m: &SpineMark| [m.place.z, m.place.y, m.place.x];
    marks.sort_by(|a, b| {
        let by_place = place(a).iter().zip(place(b)).map(|(a, b)| a.total_cmp(&b)).find(|o| o.is_ne());
        key(a).cmp(&key(b)).then(by_place.unwrap_or(std::cmp::Ordering::Equal))
    });
    Ok(marks)
}

fn mark(table: &Table<'_>, path: &Path, row: usize, voxel_sizes: &[VoxelSize]) -> Result<SpineMark> {
    table.need(&["session"])?;
    let named = table.whole(row, "session")?;
    let session = usize::try_from(named).ok().filter(|&s| s < voxel_sizes.len());
    let Some(session) = session else {
        let problem = format!("has a session {named}, but {} stack(s) were given", voxel_sizes.len());
        return Err(Error::file(path, problem, "give one stack per session; session 0 is the first stack"));
    };
    let size = Some(voxel_sizes[session]);
    let place = Places::new(table, path, &[], size)?.at(table, row)?;
    let filled = |columns: [&str; 3]| columns.iter().any(|c| !table.text(row, c).is_empty());
    let (um, voxels) = (["head_z_um", "head_y_um", "head_x_um"], ["head_z", "head_y", "head_x"]);
    let head = if filled(um) {
        Some(Places::of(um, None).at(table, row)?)
    } else if filled(voxels) {
        Some(Places::of(voxels, size).at(table, row)?)
    } else {
        None
    };
    let dendrite_id =
        if table.text(row, "dendrite_id").is_empty() { None } else { Some(table.whole(row, "dendrite_id")?) };
    let is_bad = match table.text(row, "is_bad") {
        "" | "0" | "0.0" => false,
        "1" | "1.0" => true,
        _ => return Err(table.bad(row, "is_bad", "0 or 1")),
    };
    Ok(SpineMark { session, place, head, dendrite_id, is_bad })
}

#[cfg(test)]
mod tests {
    use crate::io::{SpineMark, read_marks};
    use crate::units::VoxelSize;

    fn read(text: &str) -> Result<Vec<SpineMark>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("marks.csv");
        std::fs::write(&path, text).unwrap();
        let sizes = [VoxelSize::new(1.0, 0.1, 0.1).unwrap(), VoxelSize::new(2.0, 0.5, 0.5).unwrap()];
        read_marks(path, &sizes).map_err(|e| e.to_string())
    }

    #[test]
    fn voxels_are_those_of_the_stack_and_order_does_not_matter() {
        let marks = read("session,z,y,x,is_bad\n1,3,10,20,1\n0,3,10,20,0\n").unwrap();
        assert_eq!(
            marks.iter().map(|m| (m.session, m.place.z, m.is_bad)).collect::<Vec<_>>(),
            [(0, 3.0, false), (1, 6.0, true)]
        );
        assert_eq!((marks[0].head, marks[0].dendrite_id), (None, None));
        let um = read("session,z_um,y_um,x_um,head_z_um,head_y_um,head_x_um,dendrite_id\n1,3,4,5,3,4,6,7\n").unwrap();
        assert_eq!((um[0].place.y, um[0].head.unwrap().x, um[0].dendrite_id), (4.0, 6.0, Some(7)));
    }

    #[test]
    fn faults_name_what_was_met() {
        assert!(read("session,z,y,x\n2,1,1,1\n").unwrap_err().contains("has a session 2, but 2 stack(s)"));
        assert!(read("session,z,y,x,is_bad\n0,1,1,1,maybe\n").unwrap_err().contains("column is_bad is \"maybe\""));
        assert!(read("session,z,y\n0,1,1\n").unwrap_err().contains("lacks the columns x"));
    }
}
