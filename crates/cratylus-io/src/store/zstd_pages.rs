//! The pages of a Parquet column that is compressed with zstd, decompressed in Rust.
//!
//! Most tools write zstd by default, and the parquet crate reads it only through a C library. Pages are
//! the seam where that can be changed: their headers are read here (Parquet's thrift definition,
//! `PageHeader`), and everything behind them by the crate.

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use std::io::{Cursor, Read};
use thrift::protocol::{TCompactInputProtocol, TInputProtocol, TType};

pub struct ZstdPages {
    bytes: bytes::Bytes,
    at: usize,
    /// How many values the column still owes.
    left: i64,
    /// Whether the dictionary has been read, without which some pages cannot be.
    dictionary: bool,
}

/// No page that any writer makes is larger than this once decompressed.
const PAGE_MAX: usize = 1 << 30;

impl ZstdPages {
    pub fn new(bytes: bytes::Bytes, values: i64) -> ZstdPages {
        ZstdPages { bytes, at: 0, left: values, dictionary: false }
    }

    fn next(&mut self) -> Result<Option<Page>> {
        if self.left <= 0 || self.at >= self.bytes.len() {
            return Ok(None);
        }
        let (header, len) = Header::read(&self.bytes[self.at..])?;
        let body = self.at + len;
        let end = body.checked_add(header.compressed).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| error("a page reaches beyond its column"))?;
        let packed = &self.bytes[body..end];
        self.at = end;
        let encoding = |code: i32| encoding(code).ok_or_else(|| error("a page has an encoding that is not known"));
        let by_dictionary = matches!(encoding(header.encoding)?, Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY);
        if header.kind == DICTIONARY {
            self.dictionary = true;
        } else if by_dictionary && !self.dictionary {
            return Err(error("a page refers to a dictionary that is not there"));
        }
        let page = match header.kind {
            DICTIONARY => Page::DictionaryPage {
                buf: unpack(packed, header.unpacked)?,
                num_values: header.values,
                encoding: encoding(header.encoding)?,
                is_sorted: false,
            },
            DATA => Page::DataPage {
                buf: unpack(packed, header.unpacked)?,
                num_values: header.values,
                encoding: encoding(header.encoding)?,
                def_level_encoding: encoding(header.definition)?,
                rep_level_encoding: encoding(header.repetition)?,
                statistics: None,
            },
            DATA_V2 => {
                // Levels come first and are never compressed.
                let levels = header.definition_len as usize + header.repetition_len as usize;
                let bare = levels.min(packed.len());
                let mut buf = packed[..bare].to_vec();
                match header.compressed_v2 {
                    true => buf.extend_from_slice(&unpack(&packed[bare..], header.unpacked.saturating_sub(bare))?),
                    false => buf.extend_from_slice(&packed[bare..]),
                }
                Page::DataPageV2 {
                    buf: buf.into(),
                    num_values: header.values,
                    encoding: encoding(header.encoding)?,
                    num_nulls: header.nulls,
                    num_rows: header.rows,
                    def_levels_byte_len: header.definition_len,
                    rep_levels_byte_len: header.repetition_len,
                    is_compressed: false,
                    statistics: None,
                }
            }
            _ => return self.next(),
        };
        if header.kind != DICTIONARY {
            self.left -= i64::from(header.values);
        }
        Ok(Some(page))
    }
}

impl PageReader for ZstdPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.next()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(error("these pages are read in order"))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.next().map(|_| ())
    }
}

impl Iterator for ZstdPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

fn unpack(packed: &[u8], len: usize) -> Result<bytes::Bytes> {
    if len > PAGE_MAX {
        return Err(error("a page claims to be larger than 1 GiB"));
    }
    let mut out = Vec::new();
    if !packed.is_empty() {
        let mut decoder = ruzstd::decoding::StreamingDecoder::new(packed).map_err(|e| error(&e.to_string()))?;
        let read = decoder.by_ref().take(len as u64 + 1).read_to_end(&mut out);
        read.map_err(|e| error(&e.to_string()))?;
    }
    if out.len() != len {
        return Err(error("a page is not as long as it claims"));
    }
    Ok(out.into())
}

const DATA: i32 = 0;
const DICTIONARY: i32 = 2;
const DATA_V2: i32 = 3;

#[derive(Default)]
struct Header {
    kind: i32,
    unpacked: usize,
    compressed: usize,
    values: u32,
    encoding: i32,
    definition: i32,
    repetition: i32,
    nulls: u32,
    rows: u32,
    definition_len: u32,
    repetition_len: u32,
    compressed_v2: bool,
}

impl Header {
    /// A header and how many bytes it took.
    fn read(bytes: &[u8]) -> Result<(Header, usize)> {
        let mut header = Header { kind: -1, compressed_v2: true, ..Header::default() };
        let mut cursor = Cursor::new(bytes);
        let read = header.fields(&mut TCompactInputProtocol::new(&mut cursor));
        read.map_err(|e| error(&format!("a page's header: {e}")))?;
        Ok((header, cursor.position() as usize))
    }

    fn fields(&mut self, protocol: &mut dyn TInputProtocol) -> thrift::Result<()> {
        protocol.read_struct_begin()?;
        loop {
            let field = protocol.read_field_begin()?;
            match (field.field_type, field.id) {
                (TType::Stop, _) => break,
                (TType::I32, Some(1)) => self.kind = protocol.read_i32()?,
                (TType::I32, Some(2)) => self.unpacked = protocol.read_i32()?.max(0) as usize,
                (TType::I32, Some(3)) => self.compressed = protocol.read_i32()?.max(0) as usize,
                (TType::Struct, Some(id @ (5 | 7 | 8))) => self.page(id, protocol)?,
                (other, _) => protocol.skip(other)?,
            }
            protocol.read_field_end()?;
        }
        protocol.read_struct_end()
    }

    /// DataPageHeader (5), DictionaryPageHeader (7) or DataPageHeaderV2 (8).
    fn page(&mut self, kind: i16, protocol: &mut dyn TInputProtocol) -> thrift::Result<()> {
        protocol.read_struct_begin()?;
        loop {
            let field = protocol.read_field_begin()?;
            if field.field_type == TType::Stop {
                break;
            }
            match (field.field_type, kind, field.id) {
                (TType::I32, _, Some(1)) => self.values = protocol.read_i32()?.max(0) as u32,
                (TType::I32, 5 | 7, Some(2)) | (TType::I32, 8, Some(4)) => self.encoding = protocol.read_i32()?,
                (TType::I32, 5, Some(3)) => self.definition = protocol.read_i32()?,
                (TType::I32, 5, Some(4)) => self.repetition = protocol.read_i32()?,
                (TType::I32, 8, Some(2)) => self.nulls = protocol.read_i32()?.max(0) as u32,
                (TType::I32, 8, Some(3)) => self.rows = protocol.read_i32()?.max(0) as u32,
                (TType::I32, 8, Some(5)) => self.definition_len = protocol.read_i32()?.max(0) as u32,
                (TType::I32, 8, Some(6)) => self.repetition_len = protocol.read_i32()?.max(0) as u32,
                (TType::Bool, 8, Some(7)) => self.compressed_v2 = protocol.read_bool()?,
                (other, ..) => protocol.skip(other)?,
            }
            protocol.read_field_end()?;
        }
        protocol.read_struct_end()
    }
}

fn encoding(code: i32) -> Option<Encoding> {
    Some(match code {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return None,
    })
}

fn error(why: &str) -> ParquetError {
    ParquetError::General(why.to_string())
}
