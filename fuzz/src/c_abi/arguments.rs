//! Arguments of the C ABI, drawn from bytes: handles, texts, paths, buffers and volumes, of which most are wrong in one way.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::ptr;

use gemmule_c::{gemmule_column_type, gemmule_volume};

/// Voxels along an axis, at most: what is called must be cheap.
const LONGEST: usize = 12;
/// Bytes of the memory that volumes point into.
const BYTES: usize = 16 << 10;

/// Bytes that are read as one argument after the other; zeros once they have ended.
pub(crate) struct Words<'a>(pub(crate) &'a [u8]);

impl Words<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    pub(crate) fn number(&mut self) -> u64 {
        (0..8).fold(0, |n, _| n << 8 | u64::from(self.byte()))
    }

    /// One of some numbers at the edges of what is allowed, or any.
    pub(crate) fn float(&mut self) -> f64 {
        let edges = [1.0, 0.1, 0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300, 1e300, 0.05, 1000.0];
        let n = self.below(edges.len() + 2);
        edges.get(n).copied().unwrap_or_else(|| f64::from_bits(self.number()))
    }

    /// None (a null), one of `known`, or whatever bytes follow, which need not be UTF-8.
    pub(crate) fn text(&mut self, known: &[&str]) -> Option<CString> {
        let n = self.below(known.len() + 4);
        if n < known.len() {
            return CString::new(known[n]).ok();
        }
        if n == known.len() {
            return None;
        }
        let length = self.below(40);
        let bytes = (0..length).map(|_| self.byte()).take_while(|&b| b != 0).collect::<Vec<_>>();
        CString::new(bytes).ok()
    }

    /// As [`Self::text`], but a path in `folder`, or none at all.
    pub(crate) fn path(&mut self, folder: &Path, known: &[&str]) -> Option<CString> {
        let text = self.text(known)?;
        if text.is_empty() {
            return Some(text);
        }
        let inside = |name: &[u8]| [folder.as_os_str().as_encoded_bytes(), b"/", name].concat();
        if known.iter().any(|k| k.as_bytes() == text.as_bytes()) {
            return CString::new(inside(text.as_bytes())).ok();
        }
        // Neither "/" nor "..": no way out of the folder.
        let plain = |&b: &u8| if matches!(b, b'/' | b'.') { b'_' } else { b };
        CString::new(inside(&text.as_bytes().iter().map(plain).collect::<Vec<_>>())).ok()
    }
}

/// Memory of the host, as volumes of any type.
pub(crate) struct Memory {
    /// Finite floats, and whole numbers in which something bright runs along x.
    floats: Vec<u64>,
    whole: Vec<u64>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let bright = |i: usize| if i / LONGEST % LONGEST == 5 { 900.0 } else { 100.0 } + (i * 7919 % 31) as f32;
        let pack = |bytes: Vec<u8>| {
            bytes.chunks_exact(8).map(|c| u64::from_ne_bytes(c.try_into().expect("8 bytes"))).collect()
        };
        Self {
            floats: pack((0..BYTES / 4).flat_map(|i| bright(i).to_ne_bytes()).collect()),
            whole: pack((0..BYTES / 2).flat_map(|i| (bright(i) as u16).to_ne_bytes()).collect()),
        }
    }

    /// A volume, and whether it is certainly wrong.
    ///
    /// A host promises that shape and strides stay in its memory, which nobody can check: where they would not, and are not wrong in themselves, the pointer is null.
    pub(crate) fn volume(&self, words: &mut Words) -> (gemmule_volume, bool) {
        let kind = words.below(8);
        let voxel_type = if kind < 5 { kind as i32 } else { words.number() as i32 };
        let size = match voxel_type {
            1 => 1,
            2 | 3 => 2,
            _ => 4_i128,
        };
        let memory = if voxel_type == 4 && kind != 7 { &self.floats } else { &self.whole };
        let offset = words.below(4);
        let data = match words.below(12) {
            0 => ptr::null(),
            1 => memory.as_ptr().wrapping_byte_add(1),
            _ => memory.as_ptr().wrapping_byte_add(offset * 8),
        };
        let shape = [(); 3].map(|()| match words.below(10) {
            0 => 0,
            1 => words.number() as usize,
            2 => 1 << words.below(64),
            3 => 1,
            _ => 1 + words.below(LONGEST),
        });
        let step = size as isize;
        let c_order = [shape[1].wrapping_mul(shape[2]) as isize, shape[2] as isize, 1].map(|s| s.wrapping_mul(step));
        let strides = match words.below(6) {
            0 => c_order,
            1 => [c_order[0].wrapping_add(step * words.below(9) as isize), c_order[1], c_order[2]],
            2 => [c_order[2], c_order[1], c_order[0]],
            3 => [(); 3].map(|()| words.byte() as i8 as isize * step),
            4 => [(); 3].map(|()| words.number() as isize),
            _ => [0; 3],
        };
        let voxel_um = if words.below(4) == 0 { [(); 3].map(|()| words.float()) } else { [1.0, 0.1, 0.1] };
        let mut volume =
            gemmule_volume { data: data.cast(), voxel_type, shape, strides, voxel_um, origin_um: [0.0; 3] };
        let wrong = !(1..=4).contains(&voxel_type)
            || data.is_null()
            || !data.addr().is_multiple_of(size as usize)
            || voxel_um.iter().any(|v| !(v.is_finite() && *v > 0.0));
        match reach(&volume, size) {
            None => (volume, true),
            Some(reach) => {
                if reach > (BYTES - 3 * 8 - 1) as i128 {
                    volume.data = ptr::null();
                }
                (volume, wrong || volume.data.is_null())
            }
        }
    }
}

/// Bytes from the first voxel to the end of the last; none if shape or strides are wrong, which is said here independently of the library.
fn reach(volume: &gemmule_volume, size: i128) -> Option<i128> {
    let [z, y, x] = volume.shape.map(|n| n as i128);
    let voxels = z.checked_mul(y)?.checked_mul(x)?;
    if voxels == 0 || voxels > i128::from(i64::MAX) / 8 {
        return None;
    }
    if volume.strides == [0; 3] {
        return Some(voxels * size);
    }
    let strides = volume.strides.map(|s| s as i128);
    if strides.iter().any(|s| *s <= 0 || s % size != 0) {
        return None;
    }
    let reach = [z, y, x].iter().zip(strides).map(|(n, s)| (n - 1) * s).sum::<i128>() + size;
    // More voxels than there is room for lie on each other.
    (reach <= i128::from(i64::MAX) && reach >= voxels * size).then_some(reach)
}

/// The files that calls may name.
pub(crate) struct Files {
    pub(crate) folder: PathBuf,
    /// Every `section.name` of the parameters.
    pub(crate) parameters: Vec<String>,
}

impl Files {
    /// Writes the files into a folder.
    pub(crate) fn new(folder: &Path, fixtures: &Path) -> Self {
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file in memory");
        std::fs::copy(fixtures.join("tifffile-imagej.tif"), folder.join("a.tif")).expect("a fixture");
        write("p.toml", "[phantom]\nplanes = 4\nrows = 32\ncolumns = 32\ndendrites = 1\n");
        write("curation.csv", "verdict,session,z_um,y_um,x_um\npresent,0,1,1,1\n");
        let mut long = String::from("treatment,mouse,dendrite,metric,day,value\n");
        for (mouse, arm) in ["vehicle", "vehicle", "drug", "drug"].iter().enumerate() {
            for day in [-1, 0, 1] {
                long += &format!("{arm},{mouse},1,density,{day},{}.{}\n", 1 + mouse % 2, 3 + day);
            }
        }
        write("long.csv", &long);
        write("lives.csv", "treatment,mouse,day,eliminated\nvehicle,1,2,1\nvehicle,2,4,0\ndrug,3,2,0\ndrug,4,4,1\n");
        let mut section = String::new();
        let mut parameters = Vec::new();
        for line in gemmule::pipeline::Params::default().to_toml().lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                section = name.into();
            } else if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
                parameters.push(format!("{section}.{name}"));
            }
        }
        Self { folder: folder.into(), parameters }
    }
}

/// Whether a number is a type of column.
pub(crate) fn is_column_type(n: i32) -> bool {
    [gemmule_column_type::Text, gemmule_column_type::Integer, gemmule_column_type::Number]
        .iter()
        .any(|t| *t as i32 == n)
}
