//! Columns of a row group as the pages of a Parquet file, for tables that are as long as runs.
//!
//! The parquet crate's writer takes one value after another through general machinery, which costs several times what
//! playing an interaction does. Here a column is packed 32 or 64 values at a time, without compression: whole numbers as
//! differences, which leaves counters a few bits a page and agents the bits of their number, and words as places in a
//! dictionary. What is written are encodings that all readers know (Parquet's `Encodings.md`: DELTA_BINARY_PACKED,
//! RLE_DICTIONARY, PLAIN); footers are the crate's.

use crate::store::bits::Bits;
use cratylus_core::AgentId;
use cratylus_core::fault::Fault;
use cratylus_core::kept::{self, Keep, Keeper};
use cratylus_core::machine::{self, Work};
use parquet::basic::{Compression, Encoding, EncodingMask, Type as Physical};
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::BitOr;

/// Rows of a row group at most. Part of what makes the bytes of a directory's tables the same.
pub const GROUP: usize = 1 << 17;

/// Rows of a page. What waits to be packed then stays near the processor. Part of what makes the bytes of a directory's
/// tables the same, as [`GROUP`] is, which is a number of whole pages.
pub const PAGE: usize = 1 << 14;
const _: () = assert!(GROUP.is_multiple_of(PAGE));

/// Rows of a column that make a page: a value for each that has one.
pub struct Packed<'a> {
    pub values: PackedValues<'a>,
    /// Which rows have a value; None where all do.
    pub there: Option<Bits>,
}

/// The values of a column.
pub enum PackedValues<'a> {
    /// Numbers that stay the same for a stretch, or count up by one: the first of each stretch and its length.
    Counters { step: i64, stretches: Vec<(i64, usize)> },
    /// Agents, numbered from 0 and none above a bound; files number them from 1.
    Agents { numbers: Cow<'a, [AgentId]>, bound: AgentId },
    /// Words, as places in a dictionary, which begins with that of the pages before.
    Words { dictionary: &'a [ByteArray], places: Places },
    /// True and false.
    Bools(Bits),
}

/// Places in a dictionary.
pub enum Places {
    /// Of two words.
    Bits(Bits),
    /// Of any number of words.
    Any(Vec<u32>),
}

/// A column of a row group, page by page.
#[derive(Default)]
pub struct Chunk {
    /// The data pages, one after the other.
    pages: Vec<u8>,
    rows: usize,
    missing: usize,
    encoding: Option<Encoding>,
    /// The least of its whole numbers and the largest, where it holds any.
    within: Option<[i64; 2]>,
    /// Of words, how many it holds, and those themselves; where there are words, the page of them in the end.
    dictionary: Option<(usize, Vec<u8>)>,
}

/// What a column here can be written as.
const ENCODINGS: [Encoding; 3] = [Encoding::DELTA_BINARY_PACKED, Encoding::RLE_DICTIONARY, Encoding::PLAIN];

impl Keep for Chunk {
    fn keep(&self, out: &mut Keeper<'_>) {
        let Chunk { pages, rows, missing, encoding, within, dictionary } = self;
        let encoding = encoding.and_then(|encoding| ENCODINGS.iter().position(|&known| known == encoding));
        kept::keep(&(pages, rows, missing, encoding, within, dictionary), out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> std::result::Result<(), Fault> {
        let (pages, rows, missing, encoding, within, dictionary) = kept::take(from)?;
        let encoding: Option<usize> = encoding;
        let encoding = encoding.and_then(|place| ENCODINGS.get(place).copied());
        *self = Chunk { pages, rows, missing, encoding, within, dictionary };
        Ok(())
    }
}

impl Chunk {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Appends a page.
    pub fn push(&mut self, page: &Packed<'_>) {
        let len = match &page.values {
            PackedValues::Counters { stretches, .. } => stretches.iter().map(|(_, n)| n).sum(),
            PackedValues::Agents { numbers, .. } => numbers.len(),
            PackedValues::Words { places: Places::Bits(bits), .. } | PackedValues::Bools(bits) => bits.len(),
            PackedValues::Words { places: Places::Any(places), .. } => places.len(),
        };
        let rows = page.there.as_ref().map_or(len, Bits::len);
        let out = &mut self.pages;
        let start = out.len();
        levels(rows, page.there.as_ref(), out);
        let mut within = [None; 2];
        let encoding = match &page.values {
            PackedValues::Counters { step, stretches } => {
                within = differences(len, 0, Counting { step: *step, stretches, used: 0, last: 0 }, out);
                Encoding::DELTA_BINARY_PACKED
            }
            PackedValues::Agents { numbers, bound } => {
                within = agents(numbers, *bound, out);
                Encoding::DELTA_BINARY_PACKED
            }
            PackedValues::Words { dictionary, places } => {
                let (known, words) = self.dictionary.get_or_insert_default();
                for word in &dictionary[*known..] {
                    words.extend((word.len() as u32).to_le_bytes());
                    words.extend(word.data());
                }
                *known = dictionary.len();
                let width = bits(dictionary.len().saturating_sub(1) as u64).max(1);
                out.push(width as u8);
                match places {
                    Places::Bits(bits) => hybrid_bits(bits, out),
                    Places::Any(places) => hybrid_any(places, width, out),
                }
                Encoding::RLE_DICTIONARY
            }
            PackedValues::Bools(bits) => {
                let whole = out.len() + len.div_ceil(8);
                bits.words().iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
                out.truncate(whole);
                Encoding::PLAIN
            }
        };
        // How long its header is, a page says when it is done.
        let header = header(DATA, out.len() - start, &[rows as i32, encoding as i32, RLE, RLE]);
        out.splice(start..start, header);
        self.encoding = Some(encoding);
        self.rows += rows;
        self.missing += rows - len;
        if let [Some(least), Some(most)] = within {
            let [before, after] = self.within.unwrap_or([least, most]);
            self.within = Some([before.min(least), after.max(most)]);
        }
    }

    /// Ends it. Gives what a footer would say of it, were it at the beginning of the file.
    pub fn close(&mut self, column: &ColumnDescPtr) -> Result<ColumnChunkMetaData> {
        let mut encodings = vec![Encoding::RLE];
        encodings.extend(self.encoding);
        let mut dictionary = 0;
        if let Some((words, bytes)) = &mut self.dictionary {
            encodings.push(Encoding::PLAIN);
            let header = header(DICTIONARY, bytes.len(), &[*words as i32, Encoding::PLAIN as i32]);
            bytes.splice(0..0, header);
            dictionary = bytes.len();
        }
        let missing = Some(self.missing as u64);
        let [least, most] = self.within.map_or([None; 2], |within| within.map(Some));
        let statistics = match column.physical_type() {
            Physical::INT64 => Statistics::int64(least, most, None, missing, false),
            Physical::BOOLEAN => Statistics::boolean(None, None, None, missing, false),
            _ => Statistics::byte_array(None, None, None, missing, false),
        };
        let size = (dictionary + self.pages.len()) as i64;
        ColumnChunkMetaData::builder(column.clone())
            .set_compression(Compression::UNCOMPRESSED)
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_num_values(self.rows as i64)
            .set_total_compressed_size(size)
            .set_total_uncompressed_size(size)
            .set_dictionary_page_offset(self.dictionary.as_ref().map(|_| 0))
            .set_data_page_offset(dictionary as i64)
            .set_statistics(statistics)
            .build()
    }

    /// What it holds once it is ended, one after the other: the page of words and the others.
    pub fn bytes(&self) -> [&[u8]; 2] {
        [self.dictionary.as_ref().map_or(&[], |(_, bytes)| bytes), &self.pages]
    }

    /// Forgets its rows, and keeps the room that they took.
    pub fn clear(&mut self) {
        self.pages.clear();
        *self = Chunk { pages: std::mem::take(&mut self.pages), ..Chunk::default() };
    }
}

/// The kinds of pages: the number of each, and the field of a header that says more of it.
const DATA: [i32; 2] = [0, 5];
const DICTIONARY: [i32; 2] = [2, 7];
const RLE: i32 = Encoding::RLE as i32;

/// A `PageHeader` in Thrift's compact protocol: the page's kind, its size twice, as it is not compressed, and a struct of
/// what is said of its kind, all whole numbers.
fn header([kind, field]: [i32; 2], size: usize, fields: &[i32]) -> Vec<u8> {
    // A field's byte: how much larger its number is than that of the field before, and its type.
    const NEXT_INT: u8 = 1 << 4 | 5;
    const STRUCT: u8 = 12;
    const STOP: u8 = 0;
    let mut out = Vec::with_capacity(32);
    let ints = |values: &[i32], out: &mut Vec<u8>| {
        for &value in values {
            out.push(NEXT_INT);
            zigzag(value.into(), out);
        }
    };
    ints(&[kind, size as i32, size as i32], &mut out);
    out.push(((field - 3) as u8) << 4 | STRUCT);
    ints(fields, &mut out);
    out.extend([STOP; 2]);
    out
}

/// Which rows have a value, as the definition levels of a data page: their length, and runs or bits.
fn levels(rows: usize, there: Option<&Bits>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; 4]);
    match there {
        None => run(rows, 1, 1, out),
        Some(there) => hybrid_bits(there, out),
    }
    let len = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
}

/// How many bits a number takes.
fn bits(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 127 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

fn zigzag(value: i64, out: &mut Vec<u8>) {
    varint((value << 1 ^ value >> 63) as u64, out);
}

/// `n` times the same value.
fn run(n: usize, value: u32, width: u32, out: &mut Vec<u8>) {
    varint((n as u64) << 1, out);
    out.extend(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Values that stand together in a hybrid: all equal, or packed.
const STRETCH: usize = 64;

/// RLE/bit-packing hybrid: stretches of equal values as runs, others packed. `equal` gives the value that a stretch holds
/// throughout, and `put` packs one, its last eight filled up.
fn hybrid(len: usize, width: u32, equal: impl Fn(usize) -> Option<u32>, put: impl Fn(usize, &mut Vec<u8>), out: &mut Vec<u8>) {
    let stretches = len.div_ceil(STRETCH);
    let mut i = 0;
    while i < stretches {
        let value = equal(i);
        let like = (i + 1..stretches).take_while(|&j| equal(j) == value).count();
        let end = i + 1 + like;
        let values = (end * STRETCH).min(len) - i * STRETCH;
        match value {
            Some(value) => run(values, value, width, out),
            None => {
                varint((values.div_ceil(8) as u64) << 1 | 1, out);
                (i..end).for_each(|i| put(i, out));
            }
        }
        i = end;
    }
}

fn hybrid_bits(bits: &Bits, out: &mut Vec<u8>) {
    let (words, len) = (bits.words(), bits.len());
    let equal = |i: usize| match words[i] {
        0 => Some(0),
        word if word.trailing_ones() as usize >= STRETCH.min(len - i * STRETCH) => Some(1),
        _ => None,
    };
    let put = |i: usize, out: &mut Vec<u8>| {
        let bytes = words[i].to_le_bytes();
        match len - i * STRETCH {
            STRETCH.. => out.extend_from_slice(&bytes),
            last => out.extend_from_slice(&bytes[..last.div_ceil(8)]),
        }
    };
    hybrid(len, 1, equal, put, out);
}

fn hybrid_any(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let stretch = |i: usize| &values[i * STRETCH..values.len().min((i + 1) * STRETCH)];
    let equal = |i: usize| {
        let all = stretch(i);
        let differ = all.iter().fold(0, |differ, &value| differ | (value ^ all[0]));
        (differ == 0).then_some(all[0])
    };
    let put = |i: usize, out: &mut Vec<u8>| {
        for few in stretch(i).chunks(QUARTER) {
            let mut all = [0; QUARTER];
            all[..few.len()].copy_from_slice(few);
            pack(&all, width, few.len().div_ceil(8) * width as usize, out);
        }
    };
    hybrid(values.len(), width, equal, put, out);
}

/// Whole numbers, one after the other.
trait Numbers {
    /// What differences are worked out in.
    type Lane: Lane;

    /// The first of them, where there is one.
    fn first(&mut self) -> Self::Lane;

    /// By how much each of the next `n` numbers is larger than the one before. Widens what all numbers so far are within.
    fn next(&mut self, n: usize, into: &mut [Self::Lane; DIFFERENCES], within: &mut [Self::Lane; 2]);

    /// How many of those that come next are each so much larger than the one before, as far as that is known, and by how
    /// much.
    fn steady(&self) -> (usize, i64) {
        (0, 0)
    }

    /// Passes over numbers that are steady.
    fn skip(&mut self, _: usize, _: &mut [Self::Lane; 2]) {}
}

/// A whole number of a width in which neither the numbers nor their differences overflow.
trait Lane: Copy + Default + Ord + Into<i64> {
    /// The same without a sign.
    type Above: Copy + Default + BitOr<Output = Self::Above> + Into<u64>;
    const LARGEST: Self;
    fn less(self, other: Self) -> Self;
    /// How far it lies above a smaller one.
    fn above(self, least: Self) -> Self::Above;
}

macro_rules! lane {
    ($signed:ty, $unsigned:ty) => {
        impl Lane for $signed {
            type Above = $unsigned;
            const LARGEST: Self = <$signed>::MAX;
            #[inline(always)]
            fn less(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn above(self, least: Self) -> $unsigned {
                self.wrapping_sub(least) as $unsigned
            }
        }
    };
}
lane!(i32, u32);
lane!(i64, u64);

/// Widens what numbers are within.
#[inline(always)]
fn widen<L: Lane>(within: &mut [L; 2], value: L) {
    *within = [within[0].min(value), within[1].max(value)];
}

struct Counting<'a> {
    step: i64,
    stretches: &'a [(i64, usize)],
    /// How many numbers of the first stretch are used.
    used: usize,
    /// The last that was used.
    last: i64,
}

impl Counting<'_> {
    #[inline(always)]
    fn pass(&mut self, n: usize) -> i64 {
        self.used += n;
        self.last = self.stretches[0].0 + self.step * (self.used as i64 - 1);
        if self.used == self.stretches[0].1 {
            (self.stretches, self.used) = (&self.stretches[1..], 0);
        }
        self.last
    }
}

impl Numbers for Counting<'_> {
    type Lane = i64;

    fn first(&mut self) -> i64 {
        self.pass(1)
    }

    #[inline(always)]
    fn next(&mut self, n: usize, into: &mut [i64; DIFFERENCES], within: &mut [i64; 2]) {
        for difference in &mut into[..n] {
            let before = self.last;
            let value = self.pass(1);
            *difference = value.less(before);
            widen(within, value);
        }
    }

    #[inline(always)]
    fn steady(&self) -> (usize, i64) {
        match self.stretches.first() {
            Some((_, n)) if self.used > 0 => (n - self.used, self.step),
            _ => (0, 0),
        }
    }

    #[inline(always)]
    fn skip(&mut self, n: usize, within: &mut [i64; 2]) {
        let value = self.pass(n);
        widen(within, value);
    }
}

/// Agents as they are numbered here, in lanes that hold them.
struct Numbered<'a, L> {
    numbers: &'a [AgentId],
    lane: PhantomData<L>,
}

macro_rules! numbered {
    ($lane:ty) => {
        impl Numbers for Numbered<'_, $lane> {
            type Lane = $lane;

            fn first(&mut self) -> $lane {
                self.numbers[0] as $lane
            }

            #[inline(always)]
            fn next(&mut self, n: usize, into: &mut [$lane; DIFFERENCES], within: &mut [$lane; 2]) {
                let (before, here) = (&self.numbers[..n], &self.numbers[1..=n]);
                for i in 0..n {
                    into[i] = (here[i] as $lane).less(before[i] as $lane);
                    widen(within, here[i] as $lane);
                }
                self.numbers = &self.numbers[n..];
            }
        }
    };
}
numbered!(i32);
numbered!(i64);

fn agents(numbers: &[AgentId], bound: AgentId, out: &mut Vec<u8>) -> [Option<i64>; 2] {
    match bound < i32::MAX as AgentId {
        true => differences(numbers.len(), 1, Numbered { numbers, lane: PhantomData::<i32> }, out),
        false => differences(numbers.len(), 1, Numbered { numbers, lane: PhantomData::<i64> }, out),
    }
}

/// Differences that share their least, and a quarter of them that share a width.
const DIFFERENCES: usize = 128;
const QUARTER: usize = DIFFERENCES / 4;

/// DELTA_BINARY_PACKED, all numbers larger by `more`. Gives the least of them and the largest.
fn differences<N: Numbers>(len: usize, more: i64, mut numbers: N, out: &mut Vec<u8>) -> [Option<i64>; 2] {
    varint(DIFFERENCES as u64, out);
    varint((DIFFERENCES / QUARTER) as u64, out);
    varint(len as u64, out);
    if len == 0 {
        zigzag(0, out);
        return [None; 2];
    }
    let first = numbers.first();
    zigzag(first.into() + more, out);
    let mut within = [first; 2];
    machine::wide(Blocks { len: len - 1, numbers, out, within: &mut within });
    within.map(|value| Some(value.into() + more))
}

/// All blocks of a column, after its first number.
struct Blocks<'a, N: Numbers> {
    len: usize,
    numbers: N,
    out: &'a mut Vec<u8>,
    within: &'a mut [N::Lane; 2],
}

impl<N: Numbers> Work for Blocks<'_, N> {
    #[inline(always)]
    fn go(self) {
        let Blocks { len, mut numbers, out, within: all } = self;
        let mut within = *all;
        let mut from = 0;
        while from < len {
            let (steady, step) = numbers.steady();
            let blocks = steady / DIFFERENCES;
            if blocks > 0 {
                for _ in 0..blocks {
                    zigzag(step, out);
                    out.extend_from_slice(&[0; DIFFERENCES / QUARTER]);
                }
                numbers.skip(blocks * DIFFERENCES, &mut within);
                from += blocks * DIFFERENCES;
                continue;
            }
            // What fills up the last block is 0 and may be below the others, which then take more bits; no harm is done.
            let mut few = [N::Lane::default(); DIFFERENCES];
            let n = DIFFERENCES.min(len - from);
            // A whole block, as most are, is compiled for itself.
            match n {
                DIFFERENCES => numbers.next(DIFFERENCES, &mut few, &mut within),
                _ => numbers.next(n, &mut few, &mut within),
            }
            block(&few, n, out);
            from += n;
        }
        *all = within;
    }
}

/// One block of differences, of which the first `n` count.
#[inline(always)]
fn block<L: Lane>(all: &[L; DIFFERENCES], n: usize, out: &mut Vec<u8>) {
    let least = all.iter().copied().fold(L::LARGEST, L::min);
    let above = all.map(|value| value.above(least));
    zigzag(least.into(), out);
    let mut widths = [0; DIFFERENCES / QUARTER];
    for (values, width) in above.chunks_exact(QUARTER).zip(&mut widths).take(n.div_ceil(QUARTER)) {
        *width = bits(values.iter().fold(L::Above::default(), |union, &value| union | value).into()) as u8;
    }
    out.extend_from_slice(&widths);
    for (values, &width) in above.chunks_exact(QUARTER).zip(&widths) {
        pack(values.try_into().expect("a quarter"), u32::from(width), QUARTER / 8 * usize::from(width), out);
    }
}

/// Appends the first `bytes` bytes of 32 values packed into `width` bits each, least bits first.
#[inline(always)]
fn pack<T: Copy + Into<u64>>(values: &[T; QUARTER], width: u32, bytes: usize, out: &mut Vec<u8>) {
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                0 => (),
                $($width => {
                    // As many bytes as the compiler knows, and then off what is too much.
                    let whole = out.len() + bytes;
                    out.extend_from_slice(&packed::<T>(values, $width)[..QUARTER / 8 * $width]);
                    out.truncate(whole);
                })*
                _ => out.extend_from_slice(&packed(values, width)[..bytes]),
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
}

#[inline(always)]
fn packed<T: Copy + Into<u64>>(values: &[T; QUARTER], width: u32) -> [u8; 8 * QUARTER] {
    // Two by two, which is one step for several; where two do not fit into a word, one by one.
    if width <= 32 {
        let mut pairs = [0u64; QUARTER / 2];
        for i in 0..QUARTER / 2 {
            let [low, high]: [u64; 2] = [values[2 * i].into(), values[2 * i + 1].into()];
            pairs[i] = low | high << width;
        }
        return laid(&pairs, 2 * width);
    }
    laid(&values.map(T::into), width)
}

/// Values of `width` bits, one after the other.
#[inline(always)]
fn laid<const N: usize>(values: &[u64; N], width: u32) -> [u8; 8 * QUARTER] {
    let mut words = [0u64; QUARTER];
    macro_rules! each {
        ($($i:literal)*) => {
            $(if $i < N {
                let (word, bit) = (($i * width / 64) as usize, $i * width % 64);
                words[word] |= values[$i] << bit;
                if bit + width > 64 {
                    words[word + 1] |= values[$i] >> (64 - bit);
                }
            })*
        };
    }
    each!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
    let mut bytes = [0; 8 * QUARTER];
    bytes.chunks_exact_mut(8).zip(words).for_each(|(into, word)| into.copy_from_slice(&word.to_le_bytes()));
    bytes
}
