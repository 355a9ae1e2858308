//! Texts in and out, and pointers that must be there.

use std::ffi::{CStr, c_char};

use crate::fault::{Fault, Outcome, gemmule_status};

fn null(name: &str) -> Fault {
    Fault(gemmule_status::NullPointer, format!("{name} is null, allowed is a pointer to it: give one"))
}

/// A text that must be there.
///
/// # Safety
/// `text` is null or ends in 0 and stays as it is for `'a`.
pub(crate) unsafe fn needed<'a>(name: &str, text: *const c_char) -> Outcome<&'a str> {
    // SAFETY: as promised by the caller.
    unsafe { optional(name, text) }?.ok_or_else(|| null(name))
}

/// A text that may be null.
///
/// # Safety
/// As [`needed`].
pub(crate) unsafe fn optional<'a>(name: &str, text: *const c_char) -> Outcome<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not null; the caller promises that it ends in 0.
    let text = unsafe { CStr::from_ptr(text) };
    let shown = || format!("{name} is {text:?}, allowed is UTF-8: convert it");
    text.to_str().map(Some).map_err(|_| Fault(gemmule_status::BadParameter, shown()))
}

/// What a pointer points to.
///
/// # Safety
/// `pointer` is null, or points to a value that stays as it is for `'a`.
pub(crate) unsafe fn borrowed<'a, T>(name: &str, pointer: *const T) -> Outcome<&'a T> {
    // SAFETY: as promised by the caller.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(name))
}

/// Where a result goes.
///
/// # Safety
/// `pointer` is null, or points to memory for a `T` that is the caller's alone for `'a`.
pub(crate) unsafe fn place<'a, T>(name: &str, pointer: *mut T) -> Outcome<&'a mut T> {
    // SAFETY: as promised by the caller; every `T` here is plain data, for which any bytes are a value.
    unsafe { pointer.as_mut() }.ok_or_else(|| null(name))
}

/// Writes what fits of a text, and its whole length without the 0 at its end.
///
/// # Safety
/// `buffer` has room for `capacity` bytes, or is null and `capacity` 0; `length` is null or has room for a number.
pub(crate) unsafe fn give(text: &str, buffer: *mut c_char, capacity: usize, length: *mut usize) -> Outcome<()> {
    if buffer.is_null() && capacity > 0 {
        return Err(null("buffer"));
    }
    if length.is_null() && buffer.is_null() {
        return Err(null("length"));
    }
    if !length.is_null() {
        // SAFETY: not null, and the caller promises the room.
        unsafe { *length = text.len() };
    }
    if capacity > 0 {
        let end = text.floor_char_boundary(capacity - 1);
        // SAFETY: at most capacity bytes are written, which the caller promises are there.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, end);
            *buffer.add(end) = 0;
        }
    }
    Ok(())
}
