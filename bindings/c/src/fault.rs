//! What went wrong, as a number and a text.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use gemmule::error::Error;

/// How a call ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum gemmule_status {
    /// Done.
    Ok = 0,
    /// A value that is not allowed.
    BadParameter = 1,
    /// A file that cannot be read, written or understood.
    BadFile = 2,
    /// The size of a voxel is neither in the file nor given.
    VoxelSizeUnknown = 3,
    /// No adapter, a lost device, or anything else that the GPU side reports.
    Gpu = 4,
    /// More memory needed than there is or than was allowed.
    Memory = 5,
    /// The progress callback stopped the work.
    Cancelled = 6,
    /// Anything else.
    Failed = 7,
    /// A pointer that must not be null is.
    NullPointer = 8,
    /// A handle that never was, that was freed, or that is of another kind.
    BadHandle = 9,
    /// A fault of gemmule itself: please report it with the message.
    Internal = 10,
}

/// A status and its message.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) gemmule_status, pub(crate) String);

pub(crate) type Outcome<T> = Result<T, Fault>;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Parameter { .. } => gemmule_status::BadParameter,
            Error::File { .. } => gemmule_status::BadFile,
            Error::VoxelSizeUnknown { .. } => gemmule_status::VoxelSizeUnknown,
            Error::Gpu { .. } => gemmule_status::Gpu,
            Error::Memory { .. } => gemmule_status::Memory,
            Error::Cancelled => gemmule_status::Cancelled,
            _ => gemmule_status::Failed,
        };
        Self(status, error.to_string())
    }
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// What was wrong with the last call on this thread that failed; empty if none has. The text is good until the next call on this thread.
#[unsafe(no_mangle)]
pub extern "C" fn gemmule_last_error() -> *const c_char {
    LAST.with_borrow(|text| text.as_ptr())
}

/// Runs the work of one call; nothing unwinds beyond it.
pub(crate) fn guarded(work: impl FnOnce() -> Outcome<()>) -> gemmule_status {
    // What a panic leaves behind is thrown away with the call: handles are entered into the table last.
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Fault(gemmule_status::Internal, format!("gemmule failed: {}", text.unwrap_or("no message"))))
    });
    match outcome {
        Ok(()) => gemmule_status::Ok,
        Err(Fault(status, message)) => {
            let text = CString::new(message.replace('\0', " ")).unwrap_or_default();
            LAST.with_borrow_mut(|last| *last = text);
            status
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use crate::fault::{gemmule_last_error, gemmule_status, guarded};

    #[test]
    fn a_panic_becomes_a_status_with_its_message() {
        let status = guarded(|| panic!("index {} out of range", 7));
        assert_eq!(status, gemmule_status::Internal);
        // SAFETY: the text is good until the next call on this thread.
        let text = unsafe { CStr::from_ptr(gemmule_last_error()) }.to_str().unwrap();
        assert!(text.contains("index 7 out of range"), "{text}");
    }
}
