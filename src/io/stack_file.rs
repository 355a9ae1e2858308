//! A recording that is open, to be read whole or in parts.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::io::ReadOptions;
use crate::io::checksum::{sha256, sha256_of};
use crate::io::fault::Found;
use crate::io::memory::MemoryLimit;
use crate::io::source::{Described, Source, open};
use crate::units::VoxelSize;
use crate::volume::{Shape, Stack, StackParts, Voxels};

/// One channel of one time point of a recording, open to be read whole ([`StackFile::read`]) or some planes at a time ([`StackParts`]).
///
/// ```
/// use gemmule::io::{ReadOptions, StackFile, write_stack};
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Stack, StackParts, Volume, Voxels};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("day0.tif");
/// # let voxels = Voxels::U8(Volume::new(Shape::new(3, 4, 5)?, (0..60).collect())?);
/// # write_stack(&path, &Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? })?;
/// let file = StackFile::open(&path, &ReadOptions::default())?;
/// assert_eq!(file.planes(1..3)?.value(0), 20.0); // the first voxel of the second plane
/// file.check_unchanged()?; // nobody wrote to it meanwhile
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub struct StackFile {
    path: PathBuf,
    source: Box<dyn Source>,
    files: Vec<PathBuf>,
    before: Stamp,
    shape: Shape,
    voxel_size: VoxelSize,
    channel: usize,
    time: usize,
    limit: MemoryLimit,
}

impl StackFile {
    /// Opens a recording; what can be read and which errors there are is said at [`crate::io::read_stack`]. See the example of [`StackFile`].
    ///
    /// # Errors
    /// As [`crate::io::read_stack`], but those of its voxels.
    pub fn open(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self> {
        let path = path.as_ref();
        let source = open(path).map_err(|fault| fault.at(path))?;
        let said = source.described();
        let channel = choose("channel", "channels", options.channel, said.channels, path, said)?;
        let time = choose("time", "time points", options.time, said.times, path, said)?;
        let voxel_size = options
            .voxel_size
            .or(said.voxel.size)
            .ok_or_else(|| Error::VoxelSizeUnknown { path: path.into(), problem: said.voxel.source.clone() })?;
        let shape = said.shape()?;
        let files = source.files().map_err(|fault| fault.at(path))?;
        let before = Stamp::of(&files).map_err(|fault| fault.at(path))?;
        let limit = MemoryLimit::of(options.memory_limit);
        Ok(Self { path: path.into(), source, files, before, shape, voxel_size, channel, time, limit })
    }

    /// Bytes of all voxels. See the example of [`StackFile::read`].
    pub fn bytes(&self) -> u64 {
        (self.shape.len() as u64).saturating_mul(self.source.described().voxel_type.bytes())
    }

    /// The most memory to use, bytes: [`ReadOptions::memory_limit`], or what was free on this machine when the file was opened. See the example of [`StackFile::read`].
    pub fn memory_limit(&self) -> u64 {
        self.limit.0
    }

    /// Bytes that reading in parts keeps from one part to the next. See the example of [`StackFile`].
    pub fn kept_bytes(&self) -> u64 {
        self.source.kept_bytes(self.limit)
    }

    /// Where it lies. See the example of [`StackFile::read`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All planes.
    ///
    /// ```
    /// use gemmule::io::{ReadOptions, StackFile, sha256, write_stack};
    /// use gemmule::units::VoxelSize;
    /// use gemmule::volume::{Shape, Stack, Volume, Voxels};
    /// let voxels = Voxels::U16(Volume::new(Shape::new(3, 4, 5)?, (0..60).collect())?);
    /// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
    /// let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("day0.tif");
    /// write_stack(&path, &stack)?;
    /// let file = StackFile::open(&path, &ReadOptions { memory_limit: Some(1000), ..ReadOptions::default() })?;
    /// assert_eq!((file.bytes(), file.memory_limit()), (120, 1000));
    /// assert_eq!(file.read()?, stack);
    /// assert_eq!((file.path(), file.sha256()?), (path.as_path(), sha256(&path)?));
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`crate::io::read_stack`].
    pub fn read(&self) -> Result<Stack> {
        self.limit.check(format!("{} with {} voxels", self.path.display(), self.shape), self.bytes())?;
        Ok(Stack { voxels: self.planes(0..self.shape.z)?, voxel_size: self.voxel_size })
    }

    /// The SHA-256 of the file, or of the checksums of all files of a recording. See the example of [`StackFile::read`].
    ///
    /// # Errors
    /// [`Error::File`] if a file cannot be read.
    pub fn sha256(&self) -> Result<String> {
        sum(&self.path, &self.files)
    }

    /// That no file has changed since it was opened: what was read in parts is of one recording. See the example of [`StackFile`].
    ///
    /// # Errors
    /// [`Error::File`] if one has.
    pub fn check_unchanged(&self) -> Result<()> {
        let now = self.source.files().and_then(|files| Stamp::of(&files)).map_err(|fault| fault.at(&self.path))?;
        if now == self.before {
            return Ok(());
        }
        let problem = "has changed while it was read";
        let remedy = "wait until it is written or copied, then run the same command again";
        Err(Error::file(&self.path, problem, remedy))
    }
}

impl std::fmt::Debug for StackFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StackFile({}, {} {})", self.path.display(), self.shape, self.type_name())
    }
}

impl StackParts for StackFile {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn voxel_size(&self) -> VoxelSize {
        self.voxel_size
    }

    fn type_name(&self) -> &'static str {
        self.source.described().voxel_type.name()
    }

    fn planes(&self, z: Range<usize>) -> Result<Voxels> {
        self.source.read(self.channel, self.time, z, self.limit).map_err(|fault| fault.at(&self.path))
    }
}

/// Length and time of the last change of every file.
#[derive(PartialEq)]
struct Stamp(Vec<(PathBuf, u64, Option<SystemTime>)>);

impl Stamp {
    fn of(files: &[PathBuf]) -> Found<Self> {
        let one = |path: &PathBuf| -> Found<_> {
            let metadata = std::fs::metadata(path)?;
            Ok((path.clone(), metadata.len(), metadata.modified().ok()))
        };
        files.iter().map(one).collect::<Found<_>>().map(Self)
    }
}

/// The checksum of one file, or of the names and checksums of several.
pub(super) fn sum(path: &Path, files: &[PathBuf]) -> Result<String> {
    if let [one] = files {
        return sha256(one);
    }
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let mut lines = Vec::with_capacity(files.len());
    for file in files {
        let name = folder.and_then(|f| file.strip_prefix(f).ok()).unwrap_or(file);
        lines.push(format!("{}  {}\n", sha256(file)?, name.display()));
    }
    lines.sort();
    Ok(sha256_of(lines.concat().as_bytes()))
}

/// The one there is, or the one chosen.
fn choose(name: &str, plural: &str, chosen: Option<usize>, n: usize, path: &Path, said: &Described) -> Result<usize> {
    let value = chosen.map_or("not given".to_owned(), |c| c.to_string());
    match chosen {
        Some(c) if c < n => Ok(c),
        None if n == 1 => Ok(0),
        _ => Err(Error::parameter(
            name,
            value,
            &format!("0 to {} for {} ({n} {plural}, {} planes each)", n - 1, path.display(), said.slices),
            &match (name, said.slices) {
                ("time", 1) => {
                    format!("give --{name} N; if these are planes of a stack, set slices in Fiji's Image > Properties")
                }
                _ => format!("give --{name} N"),
            },
        )),
    }
}
