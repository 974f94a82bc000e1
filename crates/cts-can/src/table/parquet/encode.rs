//! A group of rows to its encoded columns, in memory: the work that a second thread does.

use std::sync::Arc;

use ::parquet::column::writer::{ColumnCloseResult, ColumnWriterImpl, get_column_writer, get_typed_column_writer};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use ::parquet::errors::Result;
use ::parquet::file::properties::WriterPropertiesPtr;
use ::parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use ::parquet::schema::types::SchemaDescPtr;
use bytes::Bytes;

/// Values that are given to the encoder at once.
const BATCH: usize = 4096;

/// Rows that are encoded together.
pub(super) trait Group: Default + Send + 'static {
    /// Gives each column to the encoder, in the order of the schema.
    fn encode(&self, encoder: &mut GroupEncoder) -> Result<()>;

    /// Makes it empty, with its memory kept.
    fn clear(&mut self);
}

/// The columns of a group as they stand in the file.
pub(super) struct Encoded {
    pub(super) bytes: Bytes,
    pub(super) columns: Vec<ColumnCloseResult>,
}

/// Encodes the columns of one group.
pub(super) struct GroupEncoder {
    schema: SchemaDescPtr,
    properties: WriterPropertiesPtr,
    out: TrackedWrite<Vec<u8>>,
    columns: Vec<ColumnCloseResult>,
}

/// What every group of a file is encoded with.
#[derive(Clone)]
pub(super) struct Encoding {
    pub(super) schema: SchemaDescPtr,
    pub(super) properties: WriterPropertiesPtr,
}

impl Encoding {
    /// Encodes a group.
    pub(super) fn encode(&self, group: &impl Group) -> Result<Encoded> {
        let mut encoder = GroupEncoder {
            schema: Arc::clone(&self.schema),
            properties: Arc::clone(&self.properties),
            out: TrackedWrite::new(Vec::new()),
            columns: Vec::new(),
        };
        group.encode(&mut encoder)?;
        Ok(Encoded { bytes: encoder.out.into_inner()?.into(), columns: encoder.columns })
    }
}

impl GroupEncoder {
    pub(super) fn doubles(&mut self, values: &[f64]) -> Result<()> {
        self.column::<DoubleType>(values.chunks(BATCH))
    }

    /// A column of numbers of which some are not there. `levels` has a 1 or a 0 for each row, and is empty where all
    /// are there.
    pub(super) fn optional_doubles(&mut self, values: &[f64], levels: &[i16]) -> Result<()> {
        let all = [1; BATCH];
        let mut writer = self.writer::<DoubleType>();
        if levels.is_empty() {
            for values in values.chunks(BATCH) {
                writer.write_batch(values, Some(&all[..values.len()]), None)?;
            }
        } else {
            let mut rest = values;
            for levels in levels.chunks(BATCH) {
                let count = levels.iter().filter(|level| **level == 1).count();
                let (values, after) = rest.split_at(count);
                writer.write_batch(values, Some(levels), None)?;
                rest = after;
            }
        }
        let closed = writer.close()?;
        self.columns.push(closed);
        Ok(())
    }

    pub(super) fn int64s(&mut self, values: &[i64]) -> Result<()> {
        self.column::<Int64Type>(values.chunks(BATCH))
    }

    pub(super) fn int32s(&mut self, values: &[i32]) -> Result<()> {
        self.column::<Int32Type>(values.chunks(BATCH))
    }

    /// A column of words, each given by its number.
    pub(super) fn words(&mut self, picks: &[u8], words: &[&'static str]) -> Result<()> {
        let words: Vec<ByteArray> = words.iter().map(|word| Bytes::from_static(word.as_bytes()).into()).collect();
        let word = |pick: &u8| words[usize::from(*pick)].clone();
        self.column::<ByteArrayType>(picks.chunks(BATCH).map(|picks| picks.iter().map(word).collect::<Vec<_>>()))
    }

    /// A column of bytes; each ends where its end says and begins where the one before ended.
    pub(super) fn payloads(&mut self, bytes: &[u8], ends: &[usize]) -> Result<()> {
        let mut start = 0;
        self.column::<ByteArrayType>(ends.chunks(BATCH).map(|ends| {
            // One allocation for all of them.
            let first = start;
            start = ends.last().copied().unwrap_or(start);
            let shared = Bytes::copy_from_slice(&bytes[first..start]);
            let mut from = 0;
            let payload = |end: &usize| {
                let range = from..end - first;
                from = range.end;
                ByteArray::from(shared.slice(range))
            };
            ends.iter().map(payload).collect::<Vec<_>>()
        }))
    }

    fn column<T: DataType>(&mut self, batches: impl Iterator<Item = impl AsRef<[T::T]>>) -> Result<()> {
        let mut writer = self.writer::<T>();
        for batch in batches {
            writer.write_batch(batch.as_ref(), None, None)?;
        }
        let closed = writer.close()?;
        self.columns.push(closed);
        Ok(())
    }

    /// Returns the writer of the next column.
    fn writer<T: DataType>(&mut self) -> ColumnWriterImpl<'_, T> {
        let description = self.schema.column(self.columns.len());
        let pages = Box::new(SerializedPageWriter::new(&mut self.out));
        get_typed_column_writer(get_column_writer(description, Arc::clone(&self.properties), pages))
    }
}
