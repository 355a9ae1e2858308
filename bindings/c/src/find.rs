//! Engines, stacks, and from a stack to its spines.

use std::ffi::{c_char, c_void};
use std::sync::{Arc, OnceLock};

use gemmule::engine::{Backend, Engine};
use gemmule::error::Error;
use gemmule::io::{self, ReadOptions};
use gemmule::phantom;
use gemmule::pipeline::{self, Found};
use gemmule::progress::Silent;
use gemmule::units::{PointUm, VoxelSize};
use gemmule::volume::{Stack, Volume};

use crate::fault::{Fault, Outcome, gemmule_status, guarded};
use crate::handle::{Object, enter, gemmule_handle, get};
use crate::params;
use crate::progress::{Callback, gemmule_progress};
use crate::table;
use crate::text::{borrowed, give, needed, optional, place};
use crate::volume::{gemmule_volume, gemmule_voxel_type};

/// What was found, and its label image from when it is first asked for.
pub(crate) struct FoundSpines {
    found: Found,
    labels: OnceLock<Volume<u16>>,
}

impl From<Found> for FoundSpines {
    fn from(found: Found) -> Self {
        Self { found, labels: OnceLock::new() }
    }
}

/// The version of gemmule, as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn gemmule_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Makes an engine: "auto" takes a hardware GPU if one works and the CPU otherwise, "gpu" a hardware GPU or, with part of its name, the adapter named, "cpu" the CPU.
/// `backend` null is "auto", `adapter` may be null. An engine can be used by many threads at once.
///
/// # Safety
/// `backend` and `adapter` are null or texts, `engine` is null or has room for a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_engine_create(
    backend: *const c_char,
    adapter: *const c_char,
    engine: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        // SAFETY: as promised by the caller.
        let (backend, adapter, out) =
            unsafe { (optional("backend", backend)?, optional("adapter", adapter)?, place("engine", engine)?) };
        let backend = match (backend.unwrap_or("auto"), adapter) {
            ("auto", None) => Backend::Auto,
            ("cpu", None) => Backend::Cpu,
            ("gpu" | "auto", adapter) => Backend::Gpu { adapter: adapter.map(Into::into) },
            (other, _) => {
                let remedy = "give one of these; an adapter only without \"cpu\"";
                return Err(Error::parameter("backend", other, "auto, gpu or cpu", remedy).into());
            }
        };
        *out = enter(Object::Engine(Arc::new(Engine::new(backend)?)));
        Ok(())
    })
}

/// Writes one line on adapter and driver, and why it was chosen, or why the CPU, into a buffer: what fits of it, with a 0 at the end. `length` gets the whole length
/// without the 0.
///
/// # Safety
/// `buffer` has room for `capacity` bytes, or is null and `capacity` 0; `length` is null or has room for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_engine_describe(
    engine: gemmule_handle,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> gemmule_status {
    guarded(|| {
        let engine: Arc<Engine> = get(engine)?;
        // SAFETY: as promised by the caller.
        unsafe { give(&engine.describe(), buffer, capacity, length) }
    })
}

/// Reads a stack from a file, as the command line does. `voxel_um` (z, y, x) is null where the file says it; `channel` and `time` are below 0 where the file has one.
///
/// # Safety
/// `path` is null or a text, `voxel_um` is null or three numbers, `stack` is null or has room for a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_stack_read(
    path: *const c_char,
    voxel_um: *const f64,
    channel: i64,
    time: i64,
    stack: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        // SAFETY: as promised by the caller.
        let (path, size, out) =
            unsafe { (needed("path", path)?, voxel_um.cast::<[f64; 3]>().as_ref(), place("stack", stack)?) };
        let voxel_size = size.map(|&[z, y, x]| VoxelSize::new(z, y, x)).transpose()?;
        let chosen = |n: i64| usize::try_from(n).ok();
        let options =
            ReadOptions { voxel_size, channel: chosen(channel), time: chosen(time), ..ReadOptions::default() };
        *out = enter(Object::Stack(Arc::new(io::read_stack(path, &options)?)));
        Ok(())
    })
}

/// Makes a synthetic stack with the section [phantom] of the parameters.
///
/// # Safety
/// `stack` is null or has room for a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_phantom(params: gemmule_handle, stack: *mut gemmule_handle) -> gemmule_status {
    guarded(|| {
        // SAFETY: as promised by the caller.
        let out = unsafe { place("stack", stack) }?;
        let made = phantom::stack(&params::of(params)?.phantom, &mut Silent)?;
        *out = enter(Object::Stack(Arc::new(made.stack)));
        Ok(())
    })
}

/// The voxels of a stack, good until it is freed: to show, and to hand to the functions that take a volume.
///
/// # Safety
/// `volume` is null or has room for a gemmule_volume.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_stack_volume(stack: gemmule_handle, volume: *mut gemmule_volume) -> gemmule_status {
    guarded(|| {
        let stack: Arc<Stack> = get(stack)?;
        // SAFETY: as promised by the caller.
        *unsafe { place("volume", volume) }? = gemmule_volume::of_stack(&stack);
        Ok(())
    })
}

/// Finds the dendrites and spines of a stack.
///
/// # Safety
/// `volume` is null, or its voxels are there and nobody writes to them during the call; `progress` is null or a function that may be called with `user`; `found` is null
/// or has room for a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_detect(
    engine: gemmule_handle,
    params: gemmule_handle,
    volume: *const gemmule_volume,
    progress: gemmule_progress,
    user: *mut c_void,
    found: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        let (engine, params): (Arc<Engine>, _) = (get(engine)?, params::of(params)?);
        // SAFETY: as promised by the caller.
        let (out, stack) = unsafe { (place("found", found)?, borrowed("volume", volume)?.stack()?) };
        let made = pipeline::detect(&engine, stack.view(), &params, &mut Callback { call: progress, user })?;
        *out = enter(Object::Found(Arc::new(made.into())));
        Ok(())
    })
}

/// The error for a table there is not.
pub(crate) fn no_table(name: &str, allowed: &str) -> Fault {
    Error::parameter("name of the table", name, allowed, "give one of these").into()
}

fn found(handle: gemmule_handle) -> Outcome<Arc<FoundSpines>> {
    get(handle)
}

/// A table of what was found: "spines" or "dendrites", with the columns of spines.csv and dendrites.csv.
///
/// # Safety
/// `name` is null or a text, `table` is null or has room for a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_found_table(
    found: gemmule_handle,
    name: *const c_char,
    table: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        let found = self::found(found)?;
        // SAFETY: as promised by the caller.
        let (name, out) = unsafe { (needed("name", name)?, place("table", table)?) };
        *out = table::made(match name {
            "spines" => io::spines_table(&found.found.spines),
            "dendrites" => io::dendrites_table(&found.found.dendrites),
            other => return Err(no_table(other, "spines or dendrites")),
        });
        Ok(())
    })
}

/// The label image: number of the spine at each voxel (uint16_t), 0 where there is none. Good until `found` is freed. Its voxel_um is 0: it is that of the stack.
///
/// # Safety
/// `labels` is null or has room for a gemmule_volume.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_found_labels(found: gemmule_handle, labels: *mut gemmule_volume) -> gemmule_status {
    guarded(|| {
        let found = self::found(found)?;
        // SAFETY: as promised by the caller.
        let out = unsafe { place("labels", labels) }?;
        let all = found.labels.get_or_init(|| found.found.labels.to_volume());
        let size = VoxelSize { z_um: 0.0, y_um: 0.0, x_um: 0.0 };
        *out = gemmule_volume::given(all.as_slice(), gemmule_voxel_type::U16, all.shape(), size, PointUm::default());
        Ok(())
    })
}
