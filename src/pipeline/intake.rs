//! A stack as it can be had within a limit of memory: whole, or in parts.

use std::path::Path;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::io::{ReadOptions, StackFile};
use crate::volume::{Source, Stack, StackParts as _};

/// Bytes per f32 value of a slab while a stack is filtered: what is read of it, and the buffers of the longest chain of filters.
const SLAB_BYTES: u64 = 24;
/// Bytes per voxel that a stack takes beside itself where it is in memory: three volumes binned by two (the ridge map, what it is made from and that smoothed).
const MAP_BYTES: u64 = 3;
/// What a few millimetres of dendrite and the program itself take.
const REST_BYTES: u64 = 256 << 20;
/// Voxels for each byte that says where bricks are held: 4 bytes per 1024 voxels, of two volumes and of two that are binned by two.
const VOXELS_PER_TABLE_BYTE: u64 = 100;
/// Fewest planes that the filters work on.
const LEAST_PLANES: u64 = 5;

/// An open stack, read whole if that and what is made of it fit the limit, otherwise in parts.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::io::{ReadOptions, read_stack};
/// use gemmule::phantom::PhantomParams;
/// use gemmule::pipeline::{Intake, Params, detect, write_phantom};
/// use gemmule::progress::Silent;
/// let dir = tempfile::tempdir().unwrap();
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.density_per_um(0.8)?.seed(7)?;
/// write_phantom(dir.path(), &small, false, &mut Silent)?;
/// let (path, params) = (dir.path().join("stack.tif"), Params::default().with("trace.min_length_um", 5.0)?);
/// let engine = Engine::new(Backend::Cpu)?;
/// let little = ReadOptions { memory_limit: Some(16 << 20), ..ReadOptions::default() };
/// let intake = Intake::open(&path, &little, &engine)?;
/// assert!(intake.in_parts() && intake.engine().max_buffer_len() < engine.max_buffer_len());
/// let found = detect(intake.engine(), intake.source(), &params, &mut Silent)?;
/// intake.file().check_unchanged()?;
/// let whole = read_stack(&path, &ReadOptions::default())?;
/// assert_eq!(found.spines, detect(&engine, &whole, &params, &mut Silent)?.spines);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Intake {
    file: StackFile,
    whole: Option<Stack>,
    engine: Engine,
}

impl Intake {
    /// Opens a stack, and reads it if it fits [`ReadOptions::memory_limit`]. `slabs` of the engine get smaller where the limit asks for it. See the example of [`Intake`].
    ///
    /// # Errors
    /// As [`crate::io::read_stack`]; [`Error::Memory`] if not even a few planes fit.
    pub fn open(path: impl AsRef<Path>, options: &ReadOptions, engine: &Engine) -> Result<Self> {
        let file = StackFile::open(path, options)?;
        let (limit, shape) = (file.memory_limit(), file.shape());
        let (voxels, plane) = (shape.len() as u64, (shape.y * shape.x) as u64);
        let slab = SLAB_BYTES * engine.max_buffer_len() as u64;
        if file.bytes() + MAP_BYTES * voxels + slab + REST_BYTES <= limit {
            let whole = Some(file.read()?);
            return Ok(Self { file, whole, engine: engine.clone() });
        }
        // A header may claim any size: what says where bricks are grows with it.
        let fixed = file.kept_bytes().saturating_add(voxels / VOXELS_PER_TABLE_BYTE);
        let least = (LEAST_PLANES * SLAB_BYTES).saturating_mul(plane).saturating_add(fixed);
        if least > limit {
            return Err(Error::Memory {
                what: format!("{} with {shape} voxels, {LEAST_PLANES} planes at a time,", file.path().display()),
                needed_bytes: least,
                limit_bytes: limit,
                remedy: "crop or bin it, raise --memory-limit, or use a larger machine".into(),
            });
        }
        let room = (limit.saturating_sub(REST_BYTES).max(least) - fixed) / SLAB_BYTES;
        let engine = engine.clone().with_max_buffer_len(usize::try_from(room).unwrap_or(usize::MAX));
        Ok(Self { file, whole: None, engine })
    }

    /// What [`crate::pipeline::detect()`] takes. See the example of [`Intake`].
    pub fn source(&self) -> Source<'_> {
        self.whole.as_ref().map_or(Source::Parts(&self.file), Source::from)
    }

    /// The engine, with slabs that fit the limit. See the example of [`Intake`].
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The file. See the example of [`Intake`].
    pub fn file(&self) -> &StackFile {
        &self.file
    }

    /// Whether the stack is read in parts. See the example of [`Intake`].
    pub fn in_parts(&self) -> bool {
        self.whole.is_none()
    }
}
