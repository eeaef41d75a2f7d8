//! Parquet files as columns of plain values. What is absent: any knowledge of what the columns mean.
//!
//! Files are written to a temporary name beside their place and moved there once they are whole, so a
//! reader never meets half a file under its name.

use crate::store::pages::{Chunk, GROUP, Packed};
use crate::store::zstd_pages::ZstdPages;
use crate::whole::temporary;
use cratylus_core::fault::{Fault, at};
use cratylus_core::kept::{self, Keep, Keeper};
use parquet::basic::{Compression, ConvertedType, Encoding, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::column::writer::{get_column_writer, get_typed_column_writer_mut};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, ColumnPath, SchemaDescPtr, SchemaDescriptor, Type};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The version of the layout of all tables, kept in each of them.
pub const FORMAT: &str = "2";

/// The versions that are read. In version 1 each reading of `measures.parquet` is a row of its own.
pub const FORMATS: [&str; 2] = ["1", FORMAT];

/// Row groups of fewer rows are gathered when files are joined: a reader would spend its time on headers.
pub const GROUP_LEAST: usize = 1 << 13;

/// Rows of a row group at most, of a table of so many columns: as many as there are values in one of a few columns.
pub fn group(columns: usize) -> usize {
    (GROUP * WIDE / columns.max(WIDE)).max(1 << 9)
}

/// And at least, of those that are copied as they are.
fn group_least(columns: usize) -> usize {
    group(columns) * GROUP_LEAST / GROUP
}

/// Tables of more columns than this have shorter row groups, as many columns of many rows are much to hold.
const WIDE: usize = 64;

/// One column, with None where a value is missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Whole numbers of 64 bits.
    Int(Vec<Option<i64>>),
    /// Whole numbers of 64 bits without a sign.
    UInt(Vec<Option<u64>>),
    /// Numbers in double precision.
    Float(Vec<Option<f64>>),
    /// Text. That it is UTF-8 is seen when it is read.
    Text(Vec<Option<ByteArray>>),
    /// True and false.
    Bool(Vec<Option<bool>>),
}

/// A column of a Parquet file.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// As readers of the file ask for it.
    pub name: String,
    /// One for each row.
    pub values: Values,
}

impl Column {
    /// A column of any type.
    pub fn new(name: impl Into<String>, values: Values) -> Column {
        Column { name: name.into(), values }
    }

    /// Of whole numbers, none of which is missing.
    pub fn ints(name: &str, values: impl IntoIterator<Item = i64>) -> Column {
        Column::new(name, Values::Int(values.into_iter().map(Some).collect()))
    }

    /// Of texts, some of which may be missing.
    pub fn texts<'a>(name: &str, values: impl IntoIterator<Item = Option<&'a str>>) -> Column {
        Column::new(name, Values::Text(values.into_iter().map(|text| text.map(ByteArray::from)).collect()))
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        length(&self.values)
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A column as it is kept of a table in the making.
#[derive(Deserialize, Serialize)]
struct KeptColumn {
    name: String,
    values: KeptValues,
}

#[derive(Deserialize, Serialize)]
enum KeptValues {
    Int(Vec<Option<i64>>),
    UInt(Vec<Option<u64>>),
    Float(Vec<Option<f64>>),
    Text(KeptTexts),
    Bool(Vec<Option<bool>>),
}

/// Texts as they are kept.
#[derive(Deserialize, Serialize)]
pub(super) struct KeptTexts(Vec<Option<Vec<u8>>>);

impl KeptTexts {
    pub fn of(texts: &[Option<ByteArray>]) -> KeptTexts {
        KeptTexts(texts.iter().map(|text| text.as_ref().map(|text| text.data().to_vec())).collect())
    }

    pub fn texts(self) -> Vec<Option<ByteArray>> {
        self.0.into_iter().map(|text| text.map(ByteArray::from)).collect()
    }
}

impl KeptColumn {
    fn of(column: &Column) -> KeptColumn {
        let values = match &column.values {
            Values::Int(values) => KeptValues::Int(values.clone()),
            Values::UInt(values) => KeptValues::UInt(values.clone()),
            Values::Float(values) => KeptValues::Float(values.clone()),
            Values::Text(values) => KeptValues::Text(KeptTexts::of(values)),
            Values::Bool(values) => KeptValues::Bool(values.clone()),
        };
        KeptColumn { name: column.name.clone(), values }
    }

    fn column(self) -> Column {
        let values = match self.values {
            KeptValues::Int(values) => Values::Int(values),
            KeptValues::UInt(values) => Values::UInt(values),
            KeptValues::Float(values) => Values::Float(values),
            KeptValues::Text(values) => Values::Text(values.texts()),
            KeptValues::Bool(values) => Values::Bool(values),
        };
        Column { name: self.name, values }
    }
}

/// Columns of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// In the order of the file.
    pub columns: Vec<Column>,
}

impl Table {
    /// How many rows there are; 0 without columns.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Column::len)
    }

    /// Appends the rows of a table with the same columns.
    fn append(&mut self, other: Table) {
        if self.columns.is_empty() {
            *self = other;
        } else {
            self.columns.iter_mut().zip(other.columns).for_each(|(into, from)| append(&mut into.values, from.values));
        }
    }

    /// Takes off the first rows, at most `n`.
    fn take(&mut self, n: usize) -> Table {
        fn first<T>(values: &mut Vec<T>, n: usize) -> Vec<T> {
            let rest = values.split_off(n.min(values.len()));
            std::mem::replace(values, rest)
        }
        let columns = self.columns.iter_mut().map(|column| {
            let values = match &mut column.values {
                Values::Int(values) => Values::Int(first(values, n)),
                Values::UInt(values) => Values::UInt(first(values, n)),
                Values::Float(values) => Values::Float(first(values, n)),
                Values::Text(values) => Values::Text(first(values, n)),
                Values::Bool(values) => Values::Bool(first(values, n)),
            };
            Column::new(&column.name, values)
        });
        Table { columns: columns.collect() }
    }

    fn values(&self, name: &str) -> Result<&Values, String> {
        let column = self.columns.iter().find(|column| column.name == name);
        column.map(|column| &column.values).ok_or_else(|| {
            let there: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
            format!("there is no column `{name}` of numbers, text or truth values (lists and tables in a column are not read); there are: {}", there.join(", "))
        })
    }

    /// Whether there is a column of this name, of whatever type.
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    /// A column of whole numbers, however they were written. An error says that there is none of the name, or that it holds
    /// something else; so do the next.
    pub fn ints(&self, name: &str) -> Result<Cow<'_, [Option<i64>]>, String> {
        let wrong = || format!("column `{name}` does not hold whole numbers");
        match self.values(name)? {
            Values::Int(values) => Ok(Cow::Borrowed(values)),
            Values::UInt(values) => converted(values, |value| i64::try_from(value).ok()).ok_or_else(wrong),
            Values::Float(values) => converted(values, |value| whole(value).map(|value| value as i64)).ok_or_else(wrong),
            values if nothing(values) => Ok(Cow::Owned(vec![None; length(values)])),
            _ => Err(wrong()),
        }
    }

    /// A column of whole numbers without a sign. Programs that know none write them as such with one.
    pub fn uints(&self, name: &str) -> Result<Cow<'_, [Option<u64>]>, String> {
        let wrong = || format!("column `{name}` does not hold whole numbers without a sign");
        match self.values(name)? {
            Values::UInt(values) => Ok(Cow::Borrowed(values)),
            Values::Int(values) => converted(values, |value| Some(value as u64)).ok_or_else(wrong),
            Values::Float(values) => {
                converted(values, |value| whole(value).filter(|value| *value >= 0.0).map(|value| value as u64)).ok_or_else(wrong)
            }
            values if nothing(values) => Ok(Cow::Owned(vec![None; length(values)])),
            _ => Err(wrong()),
        }
    }

    /// A column of numbers in double precision; whole ones are numbers, too.
    pub fn floats(&self, name: &str) -> Result<Cow<'_, [Option<f64>]>, String> {
        let wrong = || format!("column `{name}` does not hold numbers");
        match self.values(name)? {
            Values::Float(values) => Ok(Cow::Borrowed(values)),
            Values::Int(values) => converted(values, |value| Some(value as f64)).ok_or_else(wrong),
            Values::UInt(values) => converted(values, |value| Some(value as f64)).ok_or_else(wrong),
            values if nothing(values) => Ok(Cow::Owned(vec![None; length(values)])),
            _ => Err(wrong()),
        }
    }

    /// A column of true and false.
    pub fn bools(&self, name: &str) -> Result<Cow<'_, [Option<bool>]>, String> {
        match self.values(name)? {
            Values::Bool(values) => Ok(Cow::Borrowed(values)),
            values if nothing(values) => Ok(Cow::Owned(vec![None; length(values)])),
            _ => Err(format!("column `{name}` does not hold true and false")),
        }
    }

    /// A column of text; one that is not UTF-8 is an error.
    pub fn texts(&self, name: &str) -> Result<Vec<Option<&str>>, String> {
        let values = match self.values(name)? {
            Values::Text(values) => values,
            // A column without a value has no type that would mean anything.
            values if nothing(values) => return Ok(vec![None; length(values)]),
            _ => return Err(format!("column `{name}` does not hold text")),
        };
        let text = |value: &Option<ByteArray>| -> Result<Option<usize>, String> {
            value
                .as_ref()
                .map(|bytes| bytes.as_utf8().map(str::len).map_err(|_| format!("column `{name}` holds text that is not UTF-8")))
                .transpose()
        };
        values.iter().try_for_each(|value| text(value).map(|_| ()))?;
        Ok(values.iter().map(|value| value.as_ref().and_then(|bytes| bytes.as_utf8().ok())).collect())
    }
}

/// A column in another type, if every value has one there.
fn converted<T: Copy, U: Clone>(values: &[Option<T>], convert: impl Fn(T) -> Option<U>) -> Option<Cow<'_, [Option<U>]>> {
    let each = values.iter().map(|value| match value {
        Some(value) => convert(*value).map(Some),
        None => Some(None),
    });
    each.collect::<Option<Vec<Option<U>>>>().map(Cow::Owned)
}

/// A number without anything behind its point, which double precision holds exactly.
fn whole(value: f64) -> Option<f64> {
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value)
}

fn length(values: &Values) -> usize {
    match values {
        Values::Int(values) => values.len(),
        Values::UInt(values) => values.len(),
        Values::Float(values) => values.len(),
        Values::Text(values) => values.len(),
        Values::Bool(values) => values.len(),
    }
}

/// Whether a column holds no value at all.
fn nothing(values: &Values) -> bool {
    match values {
        Values::Int(values) => values.iter().all(Option::is_none),
        Values::UInt(values) => values.iter().all(Option::is_none),
        Values::Float(values) => values.iter().all(Option::is_none),
        Values::Text(values) => values.iter().all(Option::is_none),
        Values::Bool(values) => values.iter().all(Option::is_none),
    }
}

/// How a Parquet file begins.
const MAGIC: &[u8] = b"PAR1";

/// Bytes that go to the system at a time.
const BLOCK: usize = 1 << 18;

/// A file that is written in blocks which start at multiples of their length. The system keeps a file in pages of many
/// sizes, and small pieces, or such as lie across the borders of large pages, take it up to twice as long.
struct Blocks {
    file: File,
    /// How much was written.
    at: usize,
    waiting: Vec<u8>,
}

impl Blocks {
    /// Where the next byte goes.
    fn position(&self) -> usize {
        self.at + self.waiting.len()
    }

    /// How many bytes are left of a block.
    fn room(&self) -> usize {
        BLOCK - self.position() % BLOCK
    }
}

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = self.room();
        let n = room.min(bytes.len());
        self.waiting.extend_from_slice(&bytes[..n]);
        if n == room {
            self.flush()?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.write_all(&self.waiting)?;
        self.at += self.waiting.len();
        self.waiting.clear();
        Ok(())
    }
}

/// Writes a table piece by piece, each piece a row group. The parquet crate writes its footer, and such columns of it as
/// are not packed here.
pub struct TableWriter {
    file: Blocks,
    schema: SchemaDescPtr,
    properties: WriterPropertiesPtr,
    /// What the footer will say.
    groups: Vec<RowGroupMetaData>,
    path: PathBuf,
    temporary: PathBuf,
    scratch: Scratch,
    /// The row group that is gathered page by page: its first columns, and the others.
    chunks: Vec<Chunk>,
    others: Vec<Column>,
}

/// Room for the values of a column that are there, for where they are, and for its pages; kept, as asking for it anew takes
/// longer than filling it.
#[derive(Default)]
struct Scratch {
    ints: Vec<i64>,
    floats: Vec<f64>,
    texts: Vec<ByteArray>,
    bools: Vec<bool>,
    levels: Vec<i16>,
    pages: Vec<u8>,
}

impl Scratch {
    /// Fills in the pages of a column as the parquet crate writes them. Gives what the footer would say of them, were they
    /// at the beginning of the file.
    fn fill(
        &mut self,
        values: &Values,
        column: &ColumnDescPtr,
        properties: &WriterPropertiesPtr,
    ) -> parquet::errors::Result<ColumnChunkMetaData> {
        let Scratch { ints, floats, texts, bools, levels, pages } = self;
        pages.clear();
        let mut pages = TrackedWrite::new(pages);
        let mut out = get_column_writer(column.clone(), properties.clone(), Box::new(SerializedPageWriter::new(&mut pages)));
        macro_rules! write {
            ($values:expr, $kind:ty, $value:expr, $into:expr) => {{
                split($values, $value, $into, levels);
                get_typed_column_writer_mut::<$kind>(&mut out).write_batch($into, Some(levels), None)?;
            }};
        }
        match values {
            Values::Int(values) => write!(values, Int64Type, |&value| value, ints),
            Values::UInt(values) => write!(values, Int64Type, |&value| value as i64, ints),
            Values::Float(values) => write!(values, DoubleType, |&value| value, floats),
            Values::Text(values) => write!(values, ByteArrayType, ByteArray::clone, texts),
            Values::Bool(values) => write!(values, BoolType, |&value| value, bools),
        }
        texts.clear();
        let said = out.close()?.metadata;
        pages.flush()?;
        Ok(said)
    }
}

/// What a footer says of a column that lies further on by so many bytes. What is lost where a footer is read is left out
/// at once, so that row groups that are copied do not differ from others: the extremes as old readers look for them, and
/// counts of pages by their encodings.
fn moved(said: ColumnChunkMetaData, by: i64) -> parquet::errors::Result<ColumnChunkMetaData> {
    let (dictionary, data) = (said.dictionary_page_offset(), said.data_page_offset());
    let statistics = said.statistics().cloned().map(|statistics| match statistics {
        Statistics::Int64(of) => Statistics::Int64(of.with_backwards_compatible_min_max(false)),
        Statistics::Double(of) => Statistics::Double(of.with_backwards_compatible_min_max(false)),
        Statistics::Boolean(of) => Statistics::Boolean(of.with_backwards_compatible_min_max(false)),
        other => other,
    });
    let moved = said.into_builder().clear_page_encoding_stats().set_data_page_offset(data + by);
    let moved = moved.set_dictionary_page_offset(dictionary.map(|at| at + by));
    match statistics {
        Some(statistics) => moved.set_statistics(statistics).build(),
        None => moved.build(),
    }
}

impl TableWriter {
    /// Starts a file whose columns are like those of `sample`, which may be empty.
    pub fn create(path: &Path, sample: &Table) -> Result<TableWriter, Fault> {
        let field = |column: &Column| {
            let (physical, logical) = match &column.values {
                Values::Int(_) => (Physical::INT64, None),
                Values::UInt(_) => (Physical::INT64, Some(LogicalType::integer(64, false))),
                Values::Float(_) => (Physical::DOUBLE, None),
                Values::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
                Values::Bool(_) => (Physical::BOOLEAN, None),
            };
            let field = Type::primitive_type_builder(&column.name, physical).with_logical_type(logical);
            Arc::new(field.with_repetition(Repetition::OPTIONAL).build().expect("these types go together"))
        };
        let fields = sample.columns.iter().map(field).collect();
        let schema = Type::group_type_builder("schema").with_fields(fields).build().expect("a group of fields");
        TableWriter::of(path, Arc::new(schema))
    }

    fn of(path: &Path, schema: Arc<Type>) -> Result<TableWriter, Fault> {
        let temporary = temporary(path);
        let file = File::create(&temporary).map_err(at("writing", &temporary))?;
        Ok(TableWriter::into(path, temporary, Blocks { file, at: 0, waiting: MAGIC.to_vec() }, schema))
    }

    /// Makes sure that what was written is on the disk, and says all else that is needed to go on, in another process too.
    pub fn keep(&mut self, out: &mut Keeper<'_>) -> Result<(), Fault> {
        self.file.file.sync_data().map_err(at("writing", &self.temporary))?;
        let mut footer = Vec::new();
        self.footer(self.groups.clone(), &mut footer).map_err(at("writing", &self.temporary))?;
        let others: Vec<KeptColumn> = self.others.iter().map(KeptColumn::of).collect();
        let name = self.temporary.file_name().map(|name| name.to_string_lossy());
        kept::keep(&(name, self.file.at, &self.file.waiting, footer, others, self.chunks.len()), out);
        self.chunks.iter().for_each(|chunk| chunk.keep(out));
        Ok(())
    }

    /// Goes on with a table as it was when it was kept; what was written since is written again.
    pub fn restore(path: &Path, from: &mut &[u8]) -> Result<TableWriter, Fault> {
        type Kept = (Option<String>, usize, Vec<u8>, Vec<u8>, Vec<KeptColumn>, usize);
        let (name, written, waiting, footer, others, chunks): Kept = kept::take(from)?;
        // A name beside its place and nothing else: whoever wrote this, no other file is cut.
        let name =
            name.filter(|name| name.ends_with(".tmp") && Path::new(name).file_name().is_some_and(|plain| plain == name.as_str()));
        let name = name.ok_or_else(|| Fault::new("what was kept of a run names no table of its own"))?;
        let temporary = path.with_file_name(name);
        let open = || -> std::io::Result<File> {
            // It may have been ended, and others of its unit not.
            if !temporary.exists() && path.exists() {
                std::fs::rename(path, &temporary)?;
            }
            let mut file = File::options().write(true).open(&temporary)?;
            // Another process may be writing it yet, where several share a directory.
            if matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)) {
                return Err(std::io::Error::other("another process is writing it"));
            }
            if file.metadata()?.len() < written as u64 {
                return Err(std::io::Error::other("it is shorter than it was"));
            }
            file.set_len(written as u64)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let file = open().map_err(at("opening", &temporary))?;
        let read = parquet::file::metadata::ParquetMetaDataReader::decode_metadata;
        // What stands behind a footer is its length and what such a file ends with.
        let footer = &footer[..footer.len().saturating_sub(8)];
        let said = read(footer).map_err(at("reading what was kept of", &temporary))?;
        let schema = said.file_metadata().schema_descr().root_schema_ptr();
        let mut writer = TableWriter::into(path, temporary, Blocks { file, at: written, waiting }, schema);
        writer.groups = said.row_groups().to_vec();
        writer.others = others.into_iter().map(KeptColumn::column).collect();
        writer.chunks.resize_with(chunks, Chunk::default);
        writer.chunks.iter_mut().try_for_each(|chunk| chunk.restore(from))?;
        Ok(writer)
    }

    fn into(path: &Path, temporary: PathBuf, file: Blocks, schema: Arc<Type>) -> TableWriter {
        // Where a file cannot be locked, nobody is kept from it.
        let _ = file.file.try_lock();
        // Pages that are packed here are not numbered, and footers say of none where they lie.
        let mut properties = WriterProperties::builder()
            .set_created_by(format!("cratylus version {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_key_value_metadata(Some(vec![KeyValue::new("cratylus.format".into(), FORMAT.to_string())]));
        // Whole numbers are counters and agents: their differences take few bits, and a dictionary of them would be as long
        // as the column.
        let columns = SchemaDescriptor::new(schema.clone());
        for column in columns.columns().iter().filter(|column| matches!(no_values(column), Values::Int(_))) {
            let column = ColumnPath::from(column.name());
            properties = properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
        }
        TableWriter {
            file,
            schema: Arc::new(columns),
            properties: Arc::new(properties.build()),
            groups: Vec::new(),
            path: path.into(),
            temporary,
            scratch: Scratch::default(),
            chunks: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Appends a piece. Its columns are those of the sample, in the same order.
    pub fn write(&mut self, table: &Table) -> Result<(), Fault> {
        debug_assert!(self.chunks.is_empty(), "a file is packed or it is not");
        if table.rows() == 0 {
            return Ok(());
        }
        self.group(&table.columns).map_err(at("writing", &self.temporary))
    }

    /// Appends rows to a piece that is gathered page by page: its first columns, to be packed, and the others. All pages of
    /// a piece have columns of the same kinds.
    pub fn page(&mut self, packed: &[Packed<'_>], others: Vec<Column>) {
        self.chunks.resize_with(packed.len(), Chunk::default);
        self.chunks.iter_mut().zip(packed).for_each(|(chunk, packed)| chunk.push(packed));
        match self.others.is_empty() {
            true => self.others = others,
            false => self.others.iter_mut().zip(others).for_each(|(into, from)| append(&mut into.values, from.values)),
        }
    }

    /// How many rows were gathered so.
    pub fn gathered(&self) -> usize {
        self.chunks.first().map_or(0, Chunk::rows)
    }

    /// Writes what was gathered so.
    pub fn end_group(&mut self) -> Result<(), Fault> {
        if self.gathered() == 0 {
            return Ok(());
        }
        let others = std::mem::take(&mut self.others);
        self.group(&others).map_err(at("writing", &self.temporary))
    }

    fn group(&mut self, others: &[Column]) -> parquet::errors::Result<()> {
        let columns = self.schema.columns();
        let rows = self.gathered().max(others.first().map_or(0, Column::len));
        let mut said = Vec::with_capacity(columns.len());
        for (chunk, column) in self.chunks.iter_mut().zip(columns) {
            said.push(moved(chunk.close(column)?, self.file.position() as i64)?);
            for bytes in chunk.bytes() {
                self.file.write_all(bytes)?;
            }
            chunk.clear();
        }
        let packed = said.len();
        for (others, column) in others.iter().zip(&columns[packed..]) {
            let column = self.scratch.fill(&others.values, column, &self.properties)?;
            said.push(moved(column, self.file.position() as i64)?);
            self.file.write_all(&self.scratch.pages)?;
        }
        self.say(rows as i64, said)
    }

    /// Adds a row group to what the footer will say.
    fn say(&mut self, rows: i64, columns: Vec<ColumnChunkMetaData>) -> parquet::errors::Result<()> {
        if let Some(column) = columns.iter().find(|column| column.num_values() != rows) {
            let (name, has) = (column.column_descr().name(), column.num_values());
            return Err(ParquetError::General(format!("column `{name}` has {has} of {rows} rows")));
        }
        let start = columns.first().map_or(0, |column| column.byte_range().0);
        let group = RowGroupMetaData::builder(self.schema.clone())
            .set_num_rows(rows)
            .set_total_byte_size(columns.iter().map(ColumnChunkMetaData::uncompressed_size).sum())
            .set_file_offset(start as i64)
            .set_ordinal(self.groups.len() as i32)
            .set_column_metadata(columns);
        self.groups.push(group.build()?);
        Ok(())
    }

    /// Appends a row group of another file as it is.
    fn copy(&mut self, from: &Opened<'_>, said: &RowGroupMetaData) -> Result<(), Fault> {
        let ranges = || said.columns().iter().map(|chunk| chunk.byte_range());
        let start = ranges().map(|(start, _)| start).min().unwrap_or(0);
        let end = ranges().map(|(start, len)| start.saturating_add(len)).max().unwrap_or(0);
        let by = self.file.position() as i64 - start as i64;
        let columns: parquet::errors::Result<_> = said.columns().iter().map(|chunk| moved(chunk.clone(), by)).collect();
        columns.and_then(|columns| self.say(said.num_rows(), columns)).map_err(at("reading", from.path))?;
        let mut file = &from.file;
        file.seek(SeekFrom::Start(start)).map_err(at("reading", from.path))?;
        let mut left = end - start;
        while left > 0 {
            let n = left.min(self.file.room() as u64);
            let read = file.take(n).read_to_end(&mut self.file.waiting).map_err(at("reading", from.path))?;
            if (read as u64) < n {
                return Err(Fault::new(format!("reading {}: it became shorter", from.path.display())));
            }
            left -= n;
            if self.file.room() == BLOCK {
                self.file.flush().map_err(at("writing", &self.temporary))?;
            }
        }
        Ok(())
    }

    /// Ends the file, makes sure that it is on the disk, and moves it to its place.
    pub fn finish(mut self) -> Result<(), Fault> {
        self.close().map_err(at("writing", &self.temporary))?;
        self.file.file.sync_all().map_err(at("writing", &self.temporary))?;
        std::fs::rename(&self.temporary, &self.path).map_err(at("moving into place", &self.path))
    }

    fn close(&mut self) -> parquet::errors::Result<()> {
        // Not into the file at once: the crate's writer ends without a word where its last bytes cannot be written.
        let mut footer = Vec::new();
        let groups = std::mem::take(&mut self.groups);
        self.footer(groups, &mut footer)?;
        self.file.write_all(&footer)?;
        Ok(self.file.flush()?)
    }

    fn footer(&self, groups: Vec<RowGroupMetaData>, footer: &mut Vec<u8>) -> parquet::errors::Result<()> {
        let rows = groups.iter().map(RowGroupMetaData::num_rows).sum();
        let (version, by) = (self.properties.writer_version().as_num(), self.properties.created_by().to_string());
        let notes = self.properties.key_value_metadata().cloned();
        let file = FileMetaData::new(version, rows, Some(by), notes, self.schema.clone(), None);
        let said = ParquetMetaData::new(file, groups);
        ParquetMetaDataWriter::new(footer, &said).with_preserve_page_index_locations(false).finish()
    }
}

fn split<T, U>(values: &[Option<T>], value: impl Fn(&T) -> U, some: &mut Vec<U>, levels: &mut Vec<i16>) {
    some.clear();
    some.extend(values.iter().flatten().map(value));
    levels.clear();
    levels.extend(values.iter().map(|value| i16::from(value.is_some())));
}

/// Joins files with the same columns into one. Row groups of at least [`GROUP_LEAST`] rows are copied as they are; smaller
/// ones are gathered, as many as follow one another. The bytes depend on the row groups alone, and not on the files that
/// they came in.
pub fn join(parts: &[PathBuf], to: &Path) -> Result<(), Fault> {
    let Some(first) = parts.first() else { return Ok(()) };
    let schema = Opened::new(first)?.schema().clone();
    let mut out = TableWriter::of(to, schema.root_schema_ptr())?;
    let (mut gathered, columns) = (Table::default(), schema.num_columns());
    for part in parts {
        let part = Opened::new(part)?;
        if part.schema() != &schema {
            let why = format!("{} has other columns than {}", part.path.display(), first.display());
            return Err(Fault::new(why));
        }
        for (g, said) in part.reader.metadata().row_groups().iter().enumerate() {
            if said.num_rows() >= group_least(columns) as i64 {
                out.write(&std::mem::take(&mut gathered))?;
                out.copy(&part, said)?;
                continue;
            }
            gathered.append(part.read(g, None)?);
            if gathered.rows() >= group(columns) {
                out.write(&gathered.take(group(columns)))?;
            }
        }
    }
    out.write(&gathered)?;
    out.finish()
}

/// Whether [`join`] would make of a file alone the same bytes: it is whole, and no row group of it is small.
pub fn is_joined(path: &Path) -> Result<bool, Fault> {
    let part = Opened::new(path)?;
    let stays = |said: &RowGroupMetaData| {
        let rows = said.num_rows();
        rows >= group_least(said.num_columns()) as i64 && said.columns().iter().all(|chunk| chunk.num_values() == rows)
    };
    Ok(part.reader.metadata().row_groups().iter().all(stays))
}

/// Writes a whole table.
pub fn write(path: &Path, table: &Table) -> Result<(), Fault> {
    let mut writer = TableWriter::create(path, table)?;
    writer.write(table)?;
    writer.finish()
}

/// Reads a whole table, or the columns named.
pub fn read(path: &Path, columns: Option<&[&str]>) -> Result<Table, Fault> {
    let mut whole = Table::default();
    read_groups(path, columns, |group| {
        whole.append(group);
        Ok(())
    })?;
    Ok(whole)
}

/// How many rows a file says that it has.
pub fn count(path: &Path) -> Result<u64, Fault> {
    let file = File::open(path).map_err(at("opening", path))?;
    let reader = SerializedFileReader::new(file).map_err(|error| unreadable(path, &error))?;
    Ok(reader.metadata().file_metadata().num_rows().max(0) as u64)
}

/// Reads a table row group by row group, in order. A table without rows is seen once, empty.
pub fn read_groups(path: &Path, columns: Option<&[&str]>, mut see: impl FnMut(Table) -> Result<(), Fault>) -> Result<(), Fault> {
    let mut any = false;
    let see_group = |_: &Group<'_>, table: Table| {
        any = true;
        see(table)
    };
    read_groups_of(path, columns, |_| true, see_group)?;
    // A file without rows has its columns all the same.
    if any { Ok(()) } else { see(Opened::new(path)?.none(columns)) }
}

/// A row group of a file, before it is read.
pub struct Group<'a> {
    /// The number of its first row in the file.
    pub first: u64,
    /// How many rows it holds.
    pub rows: u64,
    said: &'a RowGroupMetaData,
}

impl Group<'_> {
    /// Whether it may hold a value of a column of whole numbers, going by what the file says of it.
    pub fn may_hold(&self, column: &str, value: i64) -> bool {
        let of = self.said.columns().iter().find(|chunk| chunk.column_descr().name() == column);
        match of.and_then(|chunk| chunk.statistics()) {
            Some(Statistics::Int64(within)) => match (within.min_opt(), within.max_opt()) {
                (Some(least), Some(most)) => (least..=most).contains(&&value),
                _ => true,
            },
            _ => true,
        }
    }
}

/// The same for the row groups that are wanted.
pub fn read_groups_of(
    path: &Path,
    columns: Option<&[&str]>,
    wanted_group: impl Fn(&Group<'_>) -> bool,
    mut see: impl FnMut(&Group<'_>, Table) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let part = Opened::new(path)?;
    let mut first = 0;
    for (g, said) in part.reader.metadata().row_groups().iter().enumerate() {
        let here = Group { first, rows: said.num_rows().max(0) as u64, said };
        first += here.rows;
        if wanted_group(&here) {
            see(&here, part.read(g, columns)?)?;
        }
    }
    Ok(())
}

/// Why a file's footer cannot be read, in words for what the file is.
fn unreadable(path: &Path, error: &ParquetError) -> Fault {
    let mut head = Vec::new();
    let _ = File::open(path).and_then(|file| file.take(1024).read_to_end(&mut head));
    let why = match crate::text::in_place_of_data(&head) {
        _ if head.is_empty() => "is empty, and no Parquet file".into(),
        _ if head.starts_with(MAGIC) => format!("is a Parquet file that is damaged or cut off: {error}"),
        Some(what) => format!("is no Parquet file but {what}; a table of text is turned into one with pandas, polars or DuckDB"),
        None => match crate::text::no_text(&head) {
            Some(what) => format!("is no Parquet file but {what}"),
            None => format!("is no Parquet file: {error}"),
        },
    };
    Fault::new(format!("{} {why}", path.display()))
}

/// A file whose footer was read.
struct Opened<'a> {
    path: &'a Path,
    file: File,
    reader: SerializedFileReader<File>,
}

impl Opened<'_> {
    fn new(path: &Path) -> Result<Opened<'_>, Fault> {
        let file = File::open(path).map_err(at("opening", path))?;
        let reader = SerializedFileReader::new(file.try_clone().map_err(at("opening", path))?);
        let reader = reader.map_err(|error| unreadable(path, &error))?;
        // The crate takes a footer at its word, and panics where that makes no sense.
        let size = file.metadata().map_err(at("reading", path))?.len();
        let lies = |chunk: &ColumnChunkMetaData| -> Option<u64> {
            let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
            u64::try_from(start).ok()?.checked_add(u64::try_from(chunk.compressed_size()).ok()?)
        };
        for (g, said) in reader.metadata().row_groups().iter().enumerate() {
            let within = said.columns().iter().all(|chunk| lies(chunk).is_some_and(|end| end <= size));
            if said.num_rows() < 0 || !within {
                let what = format!("the file is damaged: row group {g} reaches beyond it");
                return Err(Fault::new(format!("reading {}: {what}", path.display())));
            }
        }
        Ok(Opened { path, file, reader })
    }

    fn schema(&self) -> &SchemaDescriptor {
        self.reader.metadata().file_metadata().schema_descr()
    }

    /// The places of the columns that are named, or of all.
    fn wanted(&self, columns: Option<&[&str]>) -> impl Iterator<Item = usize> {
        let schema = self.schema();
        // Lists, maps and tables in a column are nobody's here, and so are values without a number, a text or a truth in them.
        let plain = move |i: usize| {
            let column = schema.column(i);
            column.max_rep_level() == 0 && column.path().parts().len() == 1 && readable(&column)
        };
        (0..schema.num_columns())
            .filter(move |&i| plain(i) && columns.is_none_or(|columns| columns.contains(&schema.column(i).name())))
    }

    /// A row group.
    fn read(&self, g: usize, columns: Option<&[&str]>) -> Result<Table, Fault> {
        let path = self.path;
        let group = self.reader.get_row_group(g).map_err(at("reading", path))?;
        let rows = group.metadata().num_rows().max(0) as usize;
        let mut table = Table::default();
        for i in self.wanted(columns) {
            let described = self.schema().column(i);
            let chunk = group.metadata().column(i);
            let column = match chunk.compression() {
                Compression::ZSTD(_) => {
                    let (start, len) = chunk.byte_range();
                    let bytes = self.file.get_bytes(start, len as usize).map_err(at("reading", path))?;
                    get_column_reader(described.clone(), Box::new(ZstdPages::new(bytes, chunk.num_values())))
                }
                Compression::LZO => {
                    let why = "is compressed with LZO, which is not read here; write the table with zstd, snappy or gzip";
                    return Err(Fault::new(format!("reading {}: column `{}` {why}", path.display(), described.name())));
                }
                _ => group.get_column_reader(i).map_err(at("reading", path))?,
            };
            let written = Written::of(&described);
            // The crate trusts a file's headers in places where a damaged one makes it panic.
            let values = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read_column(column, rows, written)));
            let values = values
                .unwrap_or_else(|_| Err("the file is damaged".into()))
                .map_err(|why| Fault::new(format!("reading {}, column `{}`: {why}", path.display(), described.name())))?;
            table.columns.push(Column::new(described.name(), values));
        }
        Ok(table)
    }

    /// The columns without rows.
    fn none(&self, columns: Option<&[&str]>) -> Table {
        let none = |i: usize| Column::new(self.schema().column(i).name(), no_values(&self.schema().column(i)));
        Table { columns: self.wanted(columns).map(none).collect() }
    }
}

fn no_values(column: &parquet::schema::types::ColumnDescriptor) -> Values {
    match (Written::of(column), column.physical_type()) {
        (Written::Decimal(_) | Written::Half, _) => Values::Float(Vec::new()),
        (Written::Unsigned, Physical::INT64) => Values::UInt(Vec::new()),
        (_, Physical::INT32 | Physical::INT64) => Values::Int(Vec::new()),
        (_, Physical::FLOAT | Physical::DOUBLE) => Values::Float(Vec::new()),
        (_, Physical::BOOLEAN) => Values::Bool(Vec::new()),
        _ => Values::Text(Vec::new()),
    }
}

/// What the values of a column mean beside their type in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Written {
    Plain,
    /// Whole numbers without a sign, as the newer marks or the older ones say.
    Unsigned,
    /// Whole numbers of so many decimal places.
    Decimal(i32),
    /// Numbers of 16 bits.
    Half,
}

impl Written {
    fn of(column: &parquet::schema::types::ColumnDescriptor) -> Written {
        let unsigned = |bits: i8| Some(&LogicalType::integer(bits, false)) == column.logical_type_ref();
        match column.logical_type_ref() {
            Some(LogicalType::Float16) => Written::Half,
            Some(LogicalType::Decimal(of)) => Written::Decimal(of.scale),
            _ if column.converted_type() == ConvertedType::DECIMAL => Written::Decimal(column.type_scale()),
            _ if [8, 16, 32, 64].into_iter().any(unsigned) => Written::Unsigned,
            _ => match column.converted_type() {
                ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
                    Written::Unsigned
                }
                _ => Written::Plain,
            },
        }
    }
}

/// Whether values of a column are numbers, texts or truth values.
fn readable(column: &parquet::schema::types::ColumnDescriptor) -> bool {
    match column.physical_type() {
        Physical::INT96 => false,
        Physical::FIXED_LEN_BYTE_ARRAY => Written::of(column) != Written::Plain,
        _ => true,
    }
}

/// The number in the bytes of a decimal one, the first of which is the highest.
fn decimal(bytes: &[u8], scale: i32) -> f64 {
    let start: i128 = if bytes.first().is_some_and(|&byte| byte >= 0x80) { -1 } else { 0 };
    let digits = bytes.iter().fold(start, |digits, &byte| digits.wrapping_shl(8) | i128::from(byte));
    scaled(digits, scale)
}

/// As a decimal text would be read, so that 0.1 is 0.1.
fn scaled(digits: i128, scale: i32) -> f64 {
    format!("{digits}e{}", -scale).parse().unwrap_or(f64::NAN)
}

/// A number of 16 bits: a sign, five bits of an exponent and ten of a fraction.
fn half(bytes: &[u8]) -> f64 {
    let bits = u16::from_le_bytes([bytes.first().copied().unwrap_or(0), bytes.get(1).copied().unwrap_or(0)]);
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    sign * match exponent {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

/// Rows are read in pieces of this many, so that a file's claim of its length reserves nothing.
const PIECE: usize = 1 << 16;

fn read_column(mut column: ColumnReader, rows: usize, written: Written) -> Result<Values, String> {
    macro_rules! values {
        ($reader:expr, $into:path, $value:expr) => {{
            let mut all = Vec::new();
            while all.len() < rows {
                let (mut some, mut levels) = (Vec::new(), Vec::new());
                let piece = PIECE.min(rows - all.len());
                let read = $reader.read_records(piece, Some(&mut levels), None, &mut some).map_err(|e| e.to_string())?;
                if read.0 == 0 {
                    return Err(format!("{} of {rows} rows are missing", rows - all.len()));
                }
                let optional = read.0 > read.1 || !levels.is_empty();
                let mut some = some.into_iter().map($value);
                match optional {
                    true => all.extend(levels.iter().map(|&level| if level > 0 { some.next() } else { None })),
                    false => all.extend(some.map(Some)),
                }
            }
            Ok($into(all))
        }};
    }
    if let Written::Decimal(scale) = written {
        return match &mut column {
            ColumnReader::Int64ColumnReader(reader) => values!(reader, Values::Float, |value: i64| scaled(value.into(), scale)),
            ColumnReader::Int32ColumnReader(reader) => values!(reader, Values::Float, |value: i32| scaled(value.into(), scale)),
            ColumnReader::ByteArrayColumnReader(reader) => {
                values!(reader, Values::Float, |value: ByteArray| decimal(value.data(), scale))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                values!(reader, Values::Float, |value: FixedLenByteArray| decimal(value.data(), scale))
            }
            _ => Err("this type of column is not read here".into()),
        };
    }
    match &mut column {
        ColumnReader::FixedLenByteArrayColumnReader(reader) if written == Written::Half => {
            values!(reader, Values::Float, |value: FixedLenByteArray| half(value.data()))
        }
        ColumnReader::Int64ColumnReader(reader) if written == Written::Unsigned => {
            values!(reader, Values::UInt, |value| value as u64)
        }
        ColumnReader::Int32ColumnReader(reader) if written == Written::Unsigned => {
            values!(reader, Values::Int, |value: i32| i64::from(value as u32))
        }
        ColumnReader::Int64ColumnReader(reader) => values!(reader, Values::Int, |value| value),
        ColumnReader::Int32ColumnReader(reader) => values!(reader, Values::Int, i64::from),
        ColumnReader::DoubleColumnReader(reader) => values!(reader, Values::Float, |value| value),
        ColumnReader::FloatColumnReader(reader) => values!(reader, Values::Float, f64::from),
        ColumnReader::BoolColumnReader(reader) => values!(reader, Values::Bool, |value| value),
        ColumnReader::ByteArrayColumnReader(reader) => values!(reader, Values::Text, |value| value),
        _ => Err("this type of column is not read here".into()),
    }
}

/// The first row in which two columns differ; the end of the shorter, where one is. Numbers are compared as numbers.
pub fn first_difference(a: &Values, b: &Values) -> Option<usize> {
    fn first<T: PartialEq>(a: &[T], b: &[T]) -> Option<usize> {
        let common = a.len().min(b.len());
        (0..common).find(|&i| a[i] != b[i]).or((a.len() != b.len()).then_some(common))
    }
    let number = |values: &Values| -> Option<Vec<Option<u64>>> {
        match values {
            Values::Int(values) => Some(values.iter().map(|value| value.map(|value| (value as f64).to_bits())).collect()),
            Values::UInt(values) => Some(values.iter().map(|value| value.map(|value| (value as f64).to_bits())).collect()),
            Values::Float(values) => Some(values.iter().map(|value| value.map(|value| (value + 0.0).to_bits())).collect()),
            _ => None,
        }
    };
    match (a, b) {
        (Values::Text(a), Values::Text(b)) => first(a, b),
        (Values::Bool(a), Values::Bool(b)) => first(a, b),
        (Values::Int(a), Values::Int(b)) => first(a, b),
        (Values::UInt(a), Values::UInt(b)) => first(a, b),
        // Whole numbers with and without a sign are the same bits.
        (Values::Int(a), Values::UInt(b)) | (Values::UInt(b), Values::Int(a)) => {
            let signed: Vec<Option<i64>> = b.iter().map(|value| value.map(|value| value as i64)).collect();
            first(a, &signed)
        }
        (a, b) => match (number(a), number(b)) {
            (Some(a), Some(b)) => first(&a, &b),
            _ => Some(0),
        },
    }
}

/// The values of the rows that are kept.
pub fn only(values: Values, keep: &[bool]) -> Values {
    fn kept<T>(values: Vec<T>, keep: &[bool]) -> Vec<T> {
        values.into_iter().zip(keep).filter(|(_, keep)| **keep).map(|(value, _)| value).collect()
    }
    match values {
        Values::Int(values) => Values::Int(kept(values, keep)),
        Values::UInt(values) => Values::UInt(kept(values, keep)),
        Values::Float(values) => Values::Float(kept(values, keep)),
        Values::Text(values) => Values::Text(kept(values, keep)),
        Values::Bool(values) => Values::Bool(kept(values, keep)),
    }
}

/// Appends the values of a column to those of one of the same type.
pub fn append(into: &mut Values, from: Values) {
    match (into, from) {
        (Values::Int(into), Values::Int(from)) => into.extend(from),
        (Values::UInt(into), Values::UInt(from)) => into.extend(from),
        (Values::Float(into), Values::Float(from)) => into.extend(from),
        (Values::Text(into), Values::Text(from)) => into.extend(from),
        (Values::Bool(into), Values::Bool(from)) => into.extend(from),
        _ => unreachable!("row groups of one file have the same columns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same row groups make the same bytes, whatever files they come in, and the rows stay in their order.
    #[test]
    fn joined_files_do_not_show_where_they_were_cut() {
        let dir = std::env::temp_dir().join(format!("cratylus-join-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let groups = [3, GROUP_LEAST, 10, 20, GROUP_LEAST - 1, 2 * GROUP_LEAST, GROUP_LEAST, 0, 5];
        let rows = |from: usize, n: usize| Table {
            columns: vec![
                Column::ints("i", (from..from + n).map(|i| i as i64)),
                Column::texts("word", (from..from + n).map(|i| ["even", "odd"].get(i % 3).copied())),
                Column::new("hash", Values::UInt((from..from + n).map(|i| Some(u64::MAX - i as u64)).collect())),
                Column::new("share", Values::Float((from..from + n).map(|i| (i % 5 > 0).then_some(i as f64 / 7.0)).collect())),
                Column::new("success", Values::Bool((from..from + n).map(|i| Some(i % 2 > 0)).collect())),
            ],
        };
        let joined = |name: &str, cuts: &[usize]| {
            let (mut parts, mut from) = (Vec::new(), 0);
            for (i, cut) in cuts.windows(2).enumerate() {
                let part = dir.join(format!("{name}{i}"));
                let mut writer = TableWriter::create(&part, &rows(0, 0)).unwrap();
                for &n in &groups[cut[0]..cut[1]] {
                    writer.write(&rows(from, n)).unwrap();
                    from += n;
                }
                writer.finish().unwrap();
                parts.push(part);
            }
            join(&parts, &dir.join(name)).unwrap();
            assert_eq!(read(&dir.join(name), None).unwrap(), rows(0, from));
            std::fs::read(dir.join(name)).unwrap()
        };
        let whole = joined("whole", &[0, groups.len()]);
        assert!(whole == joined("each", &(0..=groups.len()).collect::<Vec<_>>()));
        assert!(whole == joined("some", &[0, 2, 4, 4, groups.len()]));
        // Where all are small, not even who cut them how does.
        let small = |name: &str, n: usize| {
            let part = dir.join(format!("{name}-part"));
            let mut writer = TableWriter::create(&part, &rows(0, 0)).unwrap();
            (0..150_000).step_by(n).for_each(|from| writer.write(&rows(from, n.min(150_000 - from))).unwrap());
            writer.finish().unwrap();
            join(&[part], &dir.join(name)).unwrap();
            std::fs::read(dir.join(name)).unwrap()
        };
        assert!(small("200", 200) == small("1000", 1000));
        // A file without small row groups is what joining would make of it, and others are not.
        let part = dir.join("large");
        let mut writer = TableWriter::create(&part, &rows(0, 0)).unwrap();
        [0, 1].iter().for_each(|i| writer.write(&rows(i * GROUP, GROUP)).unwrap());
        writer.finish().unwrap();
        join(std::slice::from_ref(&part), &dir.join("again")).unwrap();
        assert!(is_joined(&part).unwrap());
        assert!(std::fs::read(&part).unwrap() == std::fs::read(dir.join("again")).unwrap());
        assert!(!is_joined(&dir.join("whole")).unwrap());
        let other = dir.join("other");
        write(&other, &Table { columns: vec![Column::ints("i", [1])] }).unwrap();
        let why = join(&[dir.join("whole"), other], &dir.join("no")).unwrap_err().to_string();
        assert!(why.contains("has other columns than"), "{why}");
        let mut lengths = Vec::new();
        read_groups(&dir.join("whole"), None, |group| {
            lengths.push(group.rows());
            Ok(())
        })
        .unwrap();
        assert_eq!(lengths, [3, GROUP_LEAST, 30 + GROUP_LEAST - 1, 2 * GROUP_LEAST, GROUP_LEAST, 5]);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
