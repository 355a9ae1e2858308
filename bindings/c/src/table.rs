//! Tables as columns that C can read.

use std::ffi::{CString, c_char};
use std::ptr;

use gemmule::columns::{Column, Columns};

use crate::fault::{Fault, Outcome, gemmule_status, guarded};
use crate::handle::{Object, enter, gemmule_handle, get};
use crate::text::{needed, place};

/// Types of columns.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum gemmule_column_type {
    /// Texts.
    Text = 1,
    /// int64_t
    Integer = 2,
    /// double
    Number = 3,
}

/// One column of a table. All pointers are good until the table is freed.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct gemmule_column {
    /// Its name, as in the CSV.
    pub name: *const c_char,
    /// A gemmule_column_type.
    pub column_type: i32,
    /// Number of cells.
    pub rows: usize,
    /// For every cell whether it is known (1) or not (0).
    pub known: *const u8,
    /// The cells of a column of texts, else null; empty where not known.
    pub texts: *const *const c_char,
    /// The cells of a column of whole numbers, else null; 0 where not known.
    pub integers: *const i64,
    /// The cells of a column of numbers, else null; NaN where not known.
    pub numbers: *const f64,
}

/// The cells as C reads them, beside the table they were made from.
pub(crate) struct Table {
    columns: Columns,
    cells: Vec<Cells>,
}

struct Cells {
    name: CString,
    known: Vec<u8>,
    kind: gemmule_column_type,
    texts: Vec<CString>,
    pointers: Vec<*const c_char>,
    integers: Vec<i64>,
    numbers: Vec<f64>,
}

// SAFETY: `pointers` point into `texts` of the same column, which is never changed after it was made.
unsafe impl Send for Cells {}
// SAFETY: as above; nothing is written through a shared reference.
unsafe impl Sync for Cells {}

fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', " ")).unwrap_or_default()
}

impl Cells {
    fn new(name: &str, column: &Column) -> Self {
        let mut cells = Self {
            name: c_text(name),
            known: Vec::new(),
            kind: gemmule_column_type::Text,
            texts: Vec::new(),
            pointers: Vec::new(),
            integers: Vec::new(),
            numbers: Vec::new(),
        };
        match column {
            Column::Text(all) => {
                cells.texts = all.iter().map(|t| c_text(t)).collect();
                cells.pointers = cells.texts.iter().map(|t| t.as_ptr()).collect();
                cells.known = all.iter().map(|t| u8::from(!t.is_empty())).collect();
            }
            Column::Integer(all) => {
                cells.kind = gemmule_column_type::Integer;
                cells.integers = all.iter().map(|v| v.unwrap_or(0)).collect();
                cells.known = all.iter().map(|v| u8::from(v.is_some())).collect();
            }
            Column::Number(all) => {
                cells.kind = gemmule_column_type::Number;
                cells.numbers = all.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
                cells.known = all.iter().map(|v| u8::from(v.is_some())).collect();
            }
        }
        cells
    }

    fn given(&self) -> gemmule_column {
        let is = |kind, pointer| if self.kind == kind { pointer } else { ptr::null() };
        gemmule_column {
            name: self.name.as_ptr(),
            column_type: self.kind as i32,
            rows: self.known.len(),
            known: self.known.as_ptr(),
            texts: is(gemmule_column_type::Text, self.pointers.as_ptr().cast::<u8>()).cast(),
            integers: is(gemmule_column_type::Integer, self.integers.as_ptr().cast::<u8>()).cast(),
            numbers: is(gemmule_column_type::Number, self.numbers.as_ptr().cast::<u8>()).cast(),
        }
    }
}

/// Enters a table.
pub(crate) fn made(columns: Columns) -> gemmule_handle {
    let cells = columns.iter().map(|(name, column)| Cells::new(name, column)).collect();
    enter(Object::Table(Table { columns, cells }.into()))
}

fn table(handle: gemmule_handle) -> Outcome<std::sync::Arc<Table>> {
    get(handle)
}

/// Number of rows and columns of a table.
///
/// # Safety
/// `rows` and `columns` are null or have room for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_table_size(
    table: gemmule_handle,
    rows: *mut usize,
    columns: *mut usize,
) -> gemmule_status {
    guarded(|| {
        let table = self::table(table)?;
        // SAFETY: as promised by the caller.
        let (rows, columns) = unsafe { (place("rows", rows)?, place("columns", columns)?) };
        (*rows, *columns) = (table.columns.rows(), table.cells.len());
        Ok(())
    })
}

/// One column of a table, by its position.
///
/// # Safety
/// `column` is null or has room for a gemmule_column.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_table_column(
    table: gemmule_handle,
    position: usize,
    column: *mut gemmule_column,
) -> gemmule_status {
    guarded(|| {
        let table = self::table(table)?;
        // SAFETY: as promised by the caller.
        let out = unsafe { place("column", column) }?;
        let cells = table.cells.get(position).ok_or_else(|| {
            let text =
                format!("position is {position}, allowed is below {}: ask gemmule_table_size()", table.cells.len());
            Fault(gemmule_status::BadParameter, text)
        })?;
        *out = cells.given();
        Ok(())
    })
}

/// Writes a table as the command line writes it, byte for byte.
///
/// # Safety
/// `path` is null or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_table_write(table: gemmule_handle, path: *const c_char) -> gemmule_status {
    guarded(|| {
        // SAFETY: as promised by the caller.
        let path = unsafe { needed("path", path) }?;
        Ok(self::table(table)?.columns.write_csv(path)?)
    })
}
