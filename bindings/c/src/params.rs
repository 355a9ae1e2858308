//! Parameters by name.

use std::ffi::c_char;
use std::sync::{Arc, Mutex, PoisonError};

use gemmule::pipeline::Params;

use crate::fault::{Outcome, gemmule_status, guarded};
use crate::handle::{Object, enter, gemmule_handle, get, replace};
use crate::text::{give, needed, place};

/// The parameters of a handle, or the defaults for 0.
pub(crate) fn of(handle: gemmule_handle) -> Outcome<Arc<Params>> {
    if handle == 0 { Ok(Arc::default()) } else { get(handle) }
}

/// Makes parameters, all at their defaults. Where parameters are asked for, 0 means the defaults too.
///
/// # Safety
/// `params` is null or has room for a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_params_create(params: *mut gemmule_handle) -> gemmule_status {
    guarded(|| {
        // SAFETY: as promised by the caller. Before the handle is made: one that nobody is told of could not be freed.
        let out = unsafe { place("params", params) }?;
        *out = enter(Object::Params(Arc::default()));
        Ok(())
    })
}

/// Reads a params TOML, as the command line's --params does.
///
/// # Safety
/// `path` is null or a text, `params` is null or has room for a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_params_read(path: *const c_char, params: *mut gemmule_handle) -> gemmule_status {
    guarded(|| {
        // SAFETY: as promised by the caller.
        let (path, out) = unsafe { (needed("path", path)?, place("params", params)?) };
        *out = enter(Object::Params(Arc::new(Params::read(path)?)));
        Ok(())
    })
}

/// Sets one parameter by the name that `gemmule params` prints ("trace.min_length_um"), to a value written as in a params TOML ("5.0", "[0.3, 0.5]", "\"sato\"").
/// A name there is not, or a value out of range, is an error and changes nothing.
///
/// # Safety
/// `name` and `value` are null or texts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_params_set(
    params: gemmule_handle,
    name: *const c_char,
    value: *const c_char,
) -> gemmule_status {
    /// Between reading the parameters and writing them back no other call may do so.
    static ONE: Mutex<()> = Mutex::new(());
    guarded(|| {
        // SAFETY: as promised by the caller.
        let (name, value) = unsafe { (needed("name", name)?, needed("value", value)?) };
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let now: Arc<Params> = get(params)?;
        replace(params, Object::Params(Arc::new(Params::clone(&now).with_text(name, value)?)));
        Ok(())
    })
}

/// Writes all parameters with meaning, unit, range and source, as `gemmule params` prints them, into a buffer: what fits of them, with a 0 at the end.
/// `length` gets the whole length without the 0.
///
/// # Safety
/// `buffer` has room for `capacity` bytes, or is null and `capacity` 0; `length` is null or has room for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_params_text(
    params: gemmule_handle,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> gemmule_status {
    // SAFETY: as promised by the caller.
    guarded(|| unsafe { give(&of(params)?.to_toml(), buffer, capacity, length) })
}
