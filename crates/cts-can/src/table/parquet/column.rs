//! The columns of a file: names, types, and how each is encoded.
//!
//! What repeats from row to row (the times of one event) is written plainly, because zstd folds it better than a
//! dictionary; what has few values has a dictionary.

use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType, ZstdLevel};
use ::parquet::errors::Result;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::schema::types::{ColumnPath, SchemaDescriptor, Type};

/// Who wrote a file, in the form that readers take apart.
const CREATED_BY: &str = concat!("cts version ", env!("CARGO_PKG_VERSION"));

/// Higher levels take longer and gain little: half the bytes are payloads, which are nearly noise.
const ZSTD_LEVEL: i32 = 1;

/// Bytes of a page before compression.
const PAGE_BYTES: usize = 1024 * 1024;

/// One column.
pub(super) struct Column {
    name: String,
    physical: PhysicalType,
    logical: Option<LogicalType>,
    repetition: Repetition,
    has_dictionary: bool,
    has_statistics: bool,
}

impl Column {
    fn new(name: &str, physical: PhysicalType) -> Self {
        Self {
            name: name.to_owned(),
            physical,
            logical: None,
            repetition: Repetition::REQUIRED,
            has_dictionary: false,
            has_statistics: true,
        }
    }

    /// A number in every row.
    pub(super) fn double(name: &str) -> Self {
        Self::new(name, PhysicalType::DOUBLE)
    }

    /// A number in some rows. Most signals have few values.
    pub(super) fn optional_double(name: &str) -> Self {
        Self { repetition: Repetition::OPTIONAL, has_dictionary: true, ..Self::double(name) }
    }

    /// A whole number in every row.
    pub(super) fn int64(name: &str) -> Self {
        Self::new(name, PhysicalType::INT64)
    }

    /// A whole number of 32 bits without a sign.
    pub(super) fn uint32(name: &str) -> Self {
        Self { has_dictionary: true, ..Self::unsigned(name, 32) }
    }

    /// A whole number of 8 bits without a sign.
    pub(super) fn uint8(name: &str) -> Self {
        Self { has_dictionary: true, ..Self::unsigned(name, 8) }
    }

    fn unsigned(name: &str, bit_width: i8) -> Self {
        let logical = Some(LogicalType::integer(bit_width, false));
        Self { logical, ..Self::new(name, PhysicalType::INT32) }
    }

    /// One of a few words.
    pub(super) fn word(name: &str) -> Self {
        let logical = Some(LogicalType::String);
        Self { logical, has_dictionary: true, ..Self::new(name, PhysicalType::BYTE_ARRAY) }
    }

    /// Bytes of any length.
    pub(super) fn bytes(name: &str) -> Self {
        Self { has_statistics: false, ..Self::new(name, PhysicalType::BYTE_ARRAY) }
    }

    fn to_type(&self) -> Result<Type> {
        Type::primitive_type_builder(&self.name, self.physical)
            .with_logical_type(self.logical.clone())
            .with_repetition(self.repetition)
            .build()
    }
}

/// Returns the schema of a file with these columns.
pub(super) fn schema(columns: &[Column]) -> Result<SchemaDescriptor> {
    let fields = columns.iter().map(|column| column.to_type().map(Arc::new)).collect::<Result<Vec<_>>>()?;
    let root = Type::group_type_builder("schema").with_fields(fields).build()?;
    Ok(SchemaDescriptor::new(Arc::new(root)))
}

/// Returns how these columns are written. Nothing here depends on when or where that is.
pub(super) fn properties(columns: &[Column]) -> Result<WriterProperties> {
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(usize::MAX)
        .set_offset_index_disabled(true)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for column in columns {
        let path = ColumnPath::from(column.name.as_str());
        properties = properties.set_column_dictionary_enabled(path.clone(), column.has_dictionary);
        if !column.has_statistics {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
    }
    Ok(properties.build())
}
