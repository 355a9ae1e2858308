//! One call of the program: which function, with what, and what must come of it.

use std::ffi::CStr;
use std::ptr;

use gemmule_c::*;

use super::arguments::is_column_type;
use super::{Either, Fail, Program, as_str, fails_if, is_utf8, raw};

const VALUES: [&str; 16] = [
    "0",
    "1",
    "2",
    "-1",
    "5.0",
    "0.3",
    "1e300",
    "nan",
    "inf",
    "[0.35, 0.5]",
    "[]",
    "\"sato\"",
    "true",
    "1\n[x]",
    "9223372036854775807",
    "'",
];

impl Program<'_> {
    /// The next call.
    pub(super) fn step(&mut self) {
        match self.words.below(24) {
            0 | 1 => self.engine(),
            2 => self.parameters(),
            3 | 4 => self.set(),
            5 => {
                let params = self.handle();
                let wrong = params != 0 && !self.lives(params);
                // SAFETY: the buffer has the room that is said.
                self.writes("params_text", wrong, |b, n, l| unsafe { gemmule_params_text(params, b, n, l) });
            }
            6 => self.read(),
            7 => {
                let stack = self.handle();
                self.is_given("stack_volume", stack, gemmule_stack_volume);
            }
            8 => self.phantom(),
            9 | 10 => self.detect(),
            11 => {
                let (found, name) = (self.handle(), self.words.text(&["spines", "dendrites"]));
                let must = fails_if(!self.lives(found) || !matches!(as_str(&name), Some("spines" | "dendrites")));
                // SAFETY: a null or a text, and a null or room for a handle.
                self.makes("found_table", must, |_, out| unsafe { gemmule_found_table(found, raw(&name), out) });
            }
            12 => {
                let found = self.handle();
                self.is_given("found_labels", found, gemmule_found_labels);
            }
            13 => self.filter(),
            14 => {
                let map = self.handle();
                self.is_given("map_volume", map, gemmule_map_volume);
            }
            15 => self.series(),
            16 => self.add(),
            17 => self.track(),
            18 => self.stats(),
            19 | 20 => self.table(),
            21 => self.write(),
            _ => self.free(),
        }
    }

    fn engine(&mut self) {
        // Neither "gpu" nor null: looking for adapters is not what is asked here.
        let backend = self.words.text(&["cpu", "cpu", "CPU", ""]).filter(|t| !matches!(t.to_bytes(), b"gpu" | b"auto"));
        let adapter = if self.words.below(4) == 0 { self.words.text(&["llvmpipe"]) } else { None };
        let Some(backend) = backend else { return };
        let must = fails_if(backend.to_bytes() != b"cpu" || adapter.is_some());
        // SAFETY: texts or null, and a null or room for a handle.
        let make = |_: &mut Self, out| unsafe { gemmule_engine_create(backend.as_ptr(), raw(&adapter), out) };
        self.makes("engine_create", must, make);
        let engine = self.handle();
        let wrong = !self.lives(engine);
        // SAFETY: the buffer has the room that is said.
        self.writes("engine_describe", wrong, |b, n, l| unsafe { gemmule_engine_describe(engine, b, n, l) });
    }

    fn parameters(&mut self) {
        if self.words.below(2) == 0 {
            // SAFETY: a null or room for a handle.
            return self.makes("params_create", Either, |_, out| unsafe { gemmule_params_create(out) });
        }
        let path = self.words.path(&self.host.files.folder, &["p.toml", "long.csv", "missing"]);
        // SAFETY: a null or a text, and a null or room for a handle.
        let make = |_: &mut Self, out| unsafe { gemmule_params_read(raw(&path), out) };
        self.makes("params_read", fails_if(path.is_none() || !is_utf8(&path)), make);
    }

    fn set(&mut self) {
        let params = self.handle();
        let known = &self.host.files.parameters;
        let at = usize::from(self.words.byte()) << 8 | usize::from(self.words.byte());
        let name =
            self.words.text(&[&known[at % known.len()], &known[at % known.len()], &known[at % known.len()], "trace"]);
        let value = self.words.text(&VALUES);
        // SAFETY: nulls or texts.
        let status = unsafe { gemmule_params_set(params, raw(&name), raw(&value)) };
        let there = as_str(&name).is_some_and(|name| known.iter().any(|k| k == name));
        self.ended(
            "params_set",
            status,
            fails_if(!self.lives(params) || !there || value.is_none() || !is_utf8(&value)),
        );
    }

    fn read(&mut self) {
        let path = self.words.path(&self.host.files.folder, &["a.tif", "a.tif", "long.csv", "missing", "."]);
        let size = [(); 3].map(|()| self.words.float());
        let size = if self.words.below(2) == 0 { ptr::null() } else { size.as_ptr() };
        let mut index = || match self.words.below(6) {
            0 => self.words.number() as i64,
            n => n as i64 - 4,
        };
        let (channel, time) = (index(), index());
        // SAFETY: nulls, texts, three numbers, room for a handle.
        let make = |_: &mut Self, out| unsafe { gemmule_stack_read(raw(&path), size, channel, time, out) };
        self.makes("stack_read", fails_if(path.is_none() || !is_utf8(&path)), make);
    }

    fn phantom(&mut self) {
        self.heavy += 1;
        // Phantoms of any size are not what is asked here: only the smallest, or a handle that is none.
        let path = self.host.files.folder.join("p.toml");
        let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("no 0 in a path");
        let mut params = self.handle();
        let wrong = !self.lives(params);
        if !wrong || params == 0 {
            if self.heavy > super::HEAVY {
                return;
            }
            // SAFETY: a text, and room for a handle.
            let status = unsafe { gemmule_params_read(path.as_ptr(), &raw mut params) };
            assert_eq!(status, gemmule_status::Ok);
            self.handles.push((params, true));
        }
        // SAFETY: a null or room for a handle.
        self.makes("phantom", fails_if(!self.lives(params)), |_, out| unsafe { gemmule_phantom(params, out) });
    }

    fn detect(&mut self) {
        let (engine, params) = (self.handle(), self.params());
        let wrong = !self.lives(engine);
        self.works("detect", |_, volume, progress, user, out| {
            // SAFETY: a volume in memory or null, and a counter for the callback.
            let status = unsafe { gemmule_detect(engine, params, volume, progress, user, out) };
            assert!(!wrong || status != gemmule_status::Ok, "detect without an engine");
            status
        });
    }

    fn filter(&mut self) {
        let (engine, params, which) = (self.handle(), self.params(), self.words.below(3));
        let sigma = [(); 3].map(|()| self.words.float());
        let no_sigma = self.words.below(8) == 0;
        self.works("filter", |_, volume, progress, user, out| {
            let sigma = if no_sigma { ptr::null() } else { sigma.as_ptr() };
            // SAFETY: a volume in memory or null, three numbers or null, and a counter for the callback.
            unsafe {
                match which {
                    0 => gemmule_ridge(engine, params, volume, progress, user, out),
                    1 => gemmule_blobs(engine, params, volume, progress, user, out),
                    _ => gemmule_smooth(engine, volume, sigma, progress, user, out),
                }
            }
        });
    }

    /// Parameters are mostly the defaults.
    fn params(&mut self) -> gemmule_handle {
        if self.words.below(2) == 0 { 0 } else { self.handle() }
    }

    fn series(&mut self) {
        let (params, fov) = (self.params(), self.words.text(&["field", ""]));
        let must = fails_if(!is_utf8(&fov) || (params != 0 && !self.lives(params)));
        // SAFETY: a null or a text, and a null or room for a handle.
        self.makes("series_create", must, |_, out| unsafe { gemmule_series_create(params, raw(&fov), out) });
    }

    fn add(&mut self) {
        self.heavy += 1;
        if self.heavy > super::HEAVY {
            return;
        }
        let (series, engine) = (self.handle(), self.handle());
        let (volume, wrong) = self.volume();
        let (name, day) = (self.words.text(&["a", "b"]), self.words.float());
        let wrong = wrong || !self.lives(series) || !self.lives(engine) || day.is_infinite() || !is_utf8(&name);
        let (mut found, wanted) = (0, self.words.below(2) == 0);
        let place = if wanted { &raw mut found } else { ptr::null_mut() };
        // SAFETY: a volume in memory, a text or null, room for a handle or null, and no callback.
        let status = unsafe {
            gemmule_series_add(series, engine, &raw const volume, raw(&name), day, None, ptr::null_mut(), place)
        };
        let done = self.ended("series_add", status, fails_if(wrong));
        assert_eq!(done && wanted, found != 0, "series_add ended in {status:?} and made {found}");
        if found != 0 {
            self.handles.push((found, true));
        }
    }

    fn track(&mut self) {
        self.heavy += 1;
        if self.heavy > super::HEAVY {
            return;
        }
        let series = self.handle();
        let curation = if self.words.below(2) == 0 {
            None
        } else {
            self.words.path(&self.host.files.folder, &["curation.csv", "missing"])
        };
        let wrong = !self.lives(series) || !is_utf8(&curation);
        self.makes("series_track", fails_if(wrong), |_, out| {
            // SAFETY: a text or null, no callback, a null or room for a handle.
            unsafe { gemmule_series_track(series, raw(&curation), None, ptr::null_mut(), out) }
        });
        let (tracked, name) = (self.handle(), self.words.text(&["tracks", "links", "dynamics", "survival"]));
        let must = fails_if(!self.lives(tracked) || name.is_none() || !is_utf8(&name));
        // SAFETY: a null or a text, and a null or room for a handle.
        self.makes("tracked_table", must, |_, out| unsafe { gemmule_tracked_table(tracked, raw(&name), out) });
    }

    fn stats(&mut self) {
        self.heavy += 1;
        if self.heavy > super::HEAVY {
            return;
        }
        let params = self.params();
        let folder = &self.host.files.folder;
        let long = self.words.path(folder, &["long.csv", "long.csv", "lives.csv", "missing"]);
        let lives = if self.words.below(2) == 0 { None } else { self.words.path(folder, &["lives.csv", "long.csv"]) };
        let must = fails_if(long.is_none() || !is_utf8(&long) || !is_utf8(&lives));
        // SAFETY: texts or nulls, and a null or room for a handle.
        self.makes("stats", must, |_, out| unsafe { gemmule_stats(params, raw(&long), raw(&lives), out) });
    }

    fn table(&mut self) {
        let table = self.handle();
        let (mut rows, mut columns) = (0, 0);
        let null = self.words.below(16) == 0;
        let place = if null { ptr::null_mut() } else { &raw mut rows };
        // SAFETY: nulls or room for numbers.
        let status = unsafe { gemmule_table_size(table, place, &raw mut columns) };
        let done = self.ended("table_size", status, fails_if(null || !self.lives(table)));
        let position = if self.words.below(4) == 0 { self.words.number() as usize } else { self.words.below(32) };
        let mut column = gemmule_column {
            name: ptr::null(),
            column_type: 0,
            rows: 0,
            known: ptr::null(),
            texts: ptr::null(),
            integers: ptr::null(),
            numbers: ptr::null(),
        };
        // SAFETY: room for a column.
        let status = unsafe { gemmule_table_column(table, position, &raw mut column) };
        let must = fails_if(!self.lives(table) || (done && position >= columns));
        if self.ended("table_column", status, must) {
            assert!(is_column_type(column.column_type) && (!done || column.rows == rows), "{column:?} of {rows} rows");
            // SAFETY: pointers are good until the table is freed, and have as many cells as said.
            unsafe {
                assert!(CStr::from_ptr(column.name).to_str().is_ok_and(|name| !name.is_empty()));
                for k in 0..column.rows {
                    assert!(*column.known.add(k) <= 1);
                    match column.column_type {
                        1 => assert!(CStr::from_ptr(*column.texts.add(k)).to_str().is_ok()),
                        2 => drop(std::hint::black_box(*column.integers.add(k))),
                        _ => assert_eq!(*column.known.add(k) == 0, (*column.numbers.add(k)).is_nan()),
                    }
                }
            }
        }
    }

    fn write(&mut self) {
        let table = self.handle();
        let name = self.words.text(&["out.csv", "missing/out.csv", "."]);
        // What is made up of bytes goes nowhere: only the names above may be written.
        let known = matches!(as_str(&name), Some("out.csv" | "missing/out.csv" | "."));
        let path = name.as_ref().map(|name| {
            let folder = self.host.files.folder.as_os_str().as_encoded_bytes();
            let missing: &[u8] = if known { b"" } else { b"/missing" };
            std::ffi::CString::new([folder, missing, b"/", name.as_bytes()].concat()).expect("no 0 in it")
        });
        // SAFETY: a null or a text.
        let status = unsafe { gemmule_table_write(table, raw(&path)) };
        let wrong = !self.lives(table) || as_str(&name) != Some("out.csv");
        self.ended("table_write", status, if wrong { Fail } else { Either });
    }

    fn free(&mut self) {
        let handle = self.handle();
        let lived = self.lives(handle);
        let status = gemmule_free(handle);
        let done = self.ended("free", status, if lived || handle == 0 { super::Succeed } else { Fail });
        if done && handle != 0 {
            for (made, lives) in &mut self.handles {
                *lives &= *made != handle;
            }
        }
    }
}
