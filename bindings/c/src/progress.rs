//! The caller's progress callback.

use std::ffi::{CString, c_char, c_void};

use gemmule::progress::Progress;

/// Called now and then with `done` of `total` units of a stage, on the thread that called the function; what is not 0 stops the work, which then ends in
/// GEMMULE_STATUS_CANCELLED.
pub type gemmule_progress =
    Option<unsafe extern "C" fn(user: *mut c_void, stage: *const c_char, done: u64, total: u64) -> i32>;

/// A callback and what it is called with.
pub(crate) struct Callback {
    pub(crate) call: gemmule_progress,
    pub(crate) user: *mut c_void,
}

// SAFETY: `Progress` asks for it, but gemmule reports from the calling thread alone, which the header promises; the pointer is only handed back.
unsafe impl Send for Callback {}

impl Progress for Callback {
    fn report(&mut self, stage: &str, done: u64, total: u64) -> bool {
        let Some(call) = self.call else { return true };
        let stage = CString::new(stage).unwrap_or_default();
        // SAFETY: the caller gave a function of this signature, and says what `user` is.
        unsafe { call(self.user, stage.as_ptr(), done, total) == 0 }
    }
}
