//! Tables as Apache Parquet.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::columns::Column;
use crate::error::{Error, Result};

/// Writes columns of equal length as one row group, uncompressed (repeated texts are stored once by Parquet's dictionaries). The same columns give the same bytes.
///
/// ```
/// use gemmule::columns::Column;
/// use gemmule::io::write_long_parquet;
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("long.parquet");
/// let columns = [("mouse".into(), Column::Text(vec!["a".into(), "b".into()])), ("value".into(), Column::Number(vec![Some(0.5), None]))];
/// write_long_parquet(&path, &columns)?;
/// assert!(std::fs::read(&path).unwrap().starts_with(b"PAR1"));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] if the file cannot be written, or the columns differ in length.
pub fn write_long_parquet(path: impl AsRef<Path>, columns: &[(String, Column)]) -> Result<()> {
    let path = path.as_ref();
    let file = File::create(path).map_err(|e| failed(path, &e))?;
    written(file, columns).map_err(|e| failed(path, &e))
}

fn failed(path: &Path, e: &dyn std::fmt::Display) -> Error {
    Error::file(path, format!("cannot be written ({e})"), "check the folder and the disk")
}

fn written(file: File, columns: &[(String, Column)]) -> std::result::Result<(), ParquetError> {
    let field = |(name, column): &(String, Column)| {
        let made = match column {
            Column::Text(_) => Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
                .with_repetition(Repetition::REQUIRED)
                .with_logical_type(Some(LogicalType::String))
                .with_converted_type(ConvertedType::UTF8),
            Column::Integer(_) => {
                Type::primitive_type_builder(name, Physical::INT64).with_repetition(Repetition::OPTIONAL)
            }
            Column::Number(_) => {
                Type::primitive_type_builder(name, Physical::DOUBLE).with_repetition(Repetition::OPTIONAL)
            }
        };
        made.build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<std::result::Result<Vec<_>, _>>()?;
    let schema = Arc::new(Type::group_type_builder("long").with_fields(fields).build()?);
    let properties =
        WriterProperties::builder().set_created_by(format!("gemmule {}", env!("CARGO_PKG_VERSION"))).build();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for (_, column) in columns {
        let Some(mut to) = group.next_column()? else { break };
        match column {
            Column::Text(cells) => {
                let cells: Vec<ByteArray> = cells.iter().map(|c| ByteArray::from(c.as_str())).collect();
                to.typed::<ByteArrayType>().write_batch(&cells, None, None)?;
            }
            Column::Integer(cells) => {
                let (there, levels) = split(cells);
                to.typed::<Int64Type>().write_batch(&there, Some(&levels), None)?;
            }
            Column::Number(cells) => {
                let (there, levels) = split(cells);
                to.typed::<DoubleType>().write_batch(&there, Some(&levels), None)?;
            }
        }
        to.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

/// What is there, and for every cell whether it is.
fn split<T: Copy>(cells: &[Option<T>]) -> (Vec<T>, Vec<i16>) {
    (cells.iter().flatten().copied().collect(), cells.iter().map(|c| i16::from(c.is_some())).collect())
}
