//! The C ABI under any arguments: bytes are read as a program of calls (which function, which handles, pointers, texts, volumes), and every call must end in a
//! status that fits what it was given. Also run on its seeds by `bindings/c/tests/fuzz_seeds.rs`.

mod arguments;
mod calls;

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr;

use gemmule_c::*;

use arguments::{Files, Memory, Words};

/// Calls that filter, trace or test, at most: they take as long as a thousand others.
const HEAVY: usize = 3;
/// Calls in one program.
const CALLS: usize = 64;

/// What calls need that stays the same from program to program.
pub(crate) struct CAbi {
    files: Files,
    memory: Memory,
}

/// One program under way.
struct Program<'a> {
    host: &'a CAbi,
    words: Words<'a>,
    /// Every handle made, and whether it lives.
    handles: Vec<(gemmule_handle, bool)>,
    /// A volume that gemmule gave out, good as long as its handle lives.
    given: Option<(gemmule_handle, gemmule_volume)>,
    heavy: usize,
    /// How often the callback has been called, and at which call it stops the work.
    progress: [u32; 2],
}

/// What must come of a call.
#[derive(Clone, Copy, PartialEq)]
enum Must {
    Fail,
    Succeed,
    Either,
}
use Must::{Either, Fail, Succeed};

fn fails_if(wrong: bool) -> Must {
    if wrong { Fail } else { Either }
}

unsafe extern "C" fn count(user: *mut c_void, stage: *const c_char, done: u64, total: u64) -> i32 {
    // SAFETY: `user` is the program's counter, `stage` a text for the time of the call.
    let (calls, stage) = unsafe { (&mut *user.cast::<[u32; 2]>(), CStr::from_ptr(stage)) };
    assert!(stage.to_str().is_ok() && done <= total, "{stage:?}: {done} of {total}");
    calls[0] += 1;
    i32::from(calls[0] == calls[1])
}

fn raw(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |t| t.as_ptr())
}

fn as_str(text: &Option<CString>) -> Option<&str> {
    text.as_ref()?.to_str().ok()
}

fn is_utf8(text: &Option<CString>) -> bool {
    text.as_ref().is_none_or(|t| t.to_str().is_ok())
}

impl CAbi {
    /// `folder` is empty and in memory, `fixtures` has the recordings.
    pub(crate) fn new(folder: &Path, fixtures: &Path) -> Self {
        Self { files: Files::new(folder, fixtures), memory: Memory::new() }
    }

    /// Runs one program, and frees what it made.
    ///
    /// # Panics
    /// If a call ends otherwise than its arguments ask for.
    pub(crate) fn run(&self, data: &[u8]) {
        let words = Words(data);
        let mut program = Program { host: self, words, handles: Vec::new(), given: None, heavy: 0, progress: [0; 2] };
        for _ in 0..CALLS {
            if program.words.is_empty() {
                break;
            }
            program.step();
        }
        for k in 0..program.handles.len() {
            let (handle, lives) = program.handles[k];
            let status = gemmule_free(handle);
            assert_eq!(status == gemmule_status::Ok, lives, "free of {handle}: {status:?}");
        }
        assert_eq!(gemmule_live_handles(), 0, "handles that no call gave out");
    }
}

impl Program<'_> {
    fn handle(&mut self) -> gemmule_handle {
        match self.words.byte() {
            0 => 0,
            1 => self.words.number(),
            n if self.handles.is_empty() => u64::from(n),
            // The latest first: most calls work with what the one before them made.
            n => self.handles[self.handles.len() - 1 - usize::from(n - 2) % self.handles.len()].0,
        }
    }

    fn lives(&self, handle: gemmule_handle) -> bool {
        self.handles.contains(&(handle, true))
    }

    /// Notes how a call ended.
    fn ended(&self, what: &str, status: gemmule_status, must: Must) -> bool {
        let done = status == gemmule_status::Ok;
        // SAFETY: the text is good until the next call on this thread.
        let text = unsafe { CStr::from_ptr(gemmule_last_error()) }.to_str().expect("UTF-8");
        assert!(status != gemmule_status::Internal, "{what}: {text}");
        assert!(done || !text.is_empty(), "{what} says nothing of {status:?}");
        assert!(must == Either || done == (must == Succeed), "{what} ended in {status:?}: {text}");
        done
    }

    /// A call that makes a handle; the place for it is null now and then.
    fn makes(&mut self, what: &str, must: Must, call: impl FnOnce(&mut Self, *mut gemmule_handle) -> gemmule_status) {
        let mut out = 0;
        let null = self.words.below(16) == 15;
        let place = if null { ptr::null_mut() } else { &raw mut out };
        let status = call(self, place);
        let done = self.ended(what, status, if null { Fail } else { must });
        assert_eq!(done, out != 0, "{what} ended in {status:?} and made {out}");
        if done {
            assert!(self.handles.iter().all(|(h, _)| *h != out), "{what} made {out} again");
            self.handles.push((out, true));
        }
    }

    /// A call that writes a text into a buffer of the size asked for.
    fn writes(&mut self, what: &str, wrong: bool, call: impl FnOnce(*mut c_char, usize, *mut usize) -> gemmule_status) {
        let capacity = [0, 1, 2, 30, 100_000][self.words.below(5)];
        let mut buffer = vec![b'#'; capacity];
        let (no_buffer, no_length) = (self.words.below(4) == 0, self.words.below(4) == 0);
        let mut length = usize::MAX;
        let place = if no_buffer { ptr::null_mut() } else { buffer.as_mut_ptr().cast() };
        let at = if no_length { ptr::null_mut() } else { &raw mut length };
        let status = call(place, capacity, at);
        let wrong = wrong || (no_buffer && (capacity > 0 || no_length));
        if self.ended(what, status, fails_if(wrong)) && capacity > 0 {
            let end = buffer.iter().position(|b| *b == 0).expect("a 0 at the end");
            assert!(std::str::from_utf8(&buffer[..end]).is_ok(), "{what} cuts a letter in two");
            assert!(no_length || end <= length, "{what}: {end} of {length}");
        }
    }

    /// A volume and whether it is certainly wrong.
    fn volume(&mut self) -> (gemmule_volume, bool) {
        match self.given {
            Some((handle, volume)) if self.words.below(2) == 0 && self.lives(handle) => (volume, false),
            _ => self.host.memory.volume(&mut self.words),
        }
    }

    /// A call that works on a volume.
    fn works(
        &mut self,
        what: &str,
        call: impl FnOnce(
            &mut Self,
            *const gemmule_volume,
            gemmule_progress,
            *mut c_void,
            *mut gemmule_handle,
        ) -> gemmule_status,
    ) {
        self.heavy += 1;
        if self.heavy > HEAVY {
            return;
        }
        let (volume, wrong) = self.volume();
        let null = self.words.below(16) == 0;
        let place = if null { ptr::null() } else { &raw const volume };
        self.progress = [0, u32::from(self.words.byte())];
        let progress: gemmule_progress = if self.words.below(3) == 0 { None } else { Some(count) };
        self.makes(what, fails_if(wrong || null), |program, out| {
            let user = (&raw mut program.progress).cast();
            call(program, place, progress, user, out)
        });
    }

    fn is_given(
        &mut self,
        what: &str,
        handle: gemmule_handle,
        call: unsafe extern "C" fn(gemmule_handle, *mut gemmule_volume) -> gemmule_status,
    ) {
        let mut volume = gemmule_volume {
            data: ptr::null(),
            voxel_type: 0,
            shape: [0; 3],
            strides: [0; 3],
            voxel_um: [0.0; 3],
            origin_um: [0.0; 3],
        };
        let null = self.words.below(16) == 0;
        // SAFETY: null, or room for a volume.
        let status = unsafe { call(handle, if null { ptr::null_mut() } else { &raw mut volume }) };
        if self.ended(what, status, fails_if(null || !self.lives(handle))) {
            let bytes = volume.shape[0] * volume.strides[0] as usize;
            // SAFETY: what was given out can be read until its handle is freed.
            let sum = unsafe { std::slice::from_raw_parts(volume.data.cast::<u8>(), bytes) }
                .iter()
                .map(|b| u64::from(*b))
                .sum();
            std::hint::black_box::<u64>(sum);
            self.given = Some((handle, volume));
        }
    }
}
