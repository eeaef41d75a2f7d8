//! A run in the midst of it, as bytes, from which it can go on: in no form that another version of the program must know.

use crate::fault::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Write};

/// Where what is kept goes, piece by piece, as a population may be most of what fits into memory. What fails is told at
/// the end.
pub struct Keeper<'o> {
    out: &'o mut dyn Write,
    failed: Option<io::Error>,
}

impl<'o> Keeper<'o> {
    /// Appends to a list of bytes, or to a file.
    pub fn new(out: &'o mut dyn Write) -> Keeper<'o> {
        Keeper { out, failed: None }
    }

    /// Whether all of it was written.
    pub fn end(self) -> io::Result<()> {
        self.failed.map_or(Ok(()), Err)
    }
}

impl Write for Keeper<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.is_none() {
            self.failed = self.out.write_all(bytes).err();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Appends a value.
pub fn keep<T: Serialize + ?Sized>(value: &T, out: &mut Keeper<'_>) {
    postcard::to_io(value, out).expect("plain data can be written, and what fails besides is told at the end");
}

/// Takes off a value that was appended.
pub fn take<T: DeserializeOwned>(from: &mut &[u8]) -> Result<T, Fault> {
    let (value, rest) = postcard::take_from_bytes(from).map_err(|why| Fault(format!("what was kept of a run: {why}")))?;
    *from = rest;
    Ok(value)
}

/// A number of which a population has very many.
pub(crate) trait Plain: Copy {
    type Bytes: AsRef<[u8]> + for<'b> TryFrom<&'b [u8]>;
    fn bytes(self) -> Self::Bytes;
    fn of(bytes: Self::Bytes) -> Self;
}

macro_rules! plain {
    ($($number:ty),*) => {$(
        impl Plain for $number {
            type Bytes = [u8; size_of::<$number>()];
            #[inline(always)]
            fn bytes(self) -> Self::Bytes {
                self.to_le_bytes()
            }
            #[inline(always)]
            fn of(bytes: Self::Bytes) -> $number {
                <$number>::from_le_bytes(bytes)
            }
        }
    )*};
}

plain!(u8, u16, u32, u64, f64);

/// Appends `n` numbers as they lie in memory.
pub(crate) fn keep_all<T: Plain>(n: usize, numbers: impl Iterator<Item = T>, out: &mut Keeper<'_>) {
    const BLOCK: usize = 1 << 16;
    keep(&n, out);
    let mut block = Vec::with_capacity(BLOCK);
    for number in numbers {
        block.extend_from_slice(number.bytes().as_ref());
        if block.len() >= BLOCK {
            let _ = out.write(&block);
            block.clear();
        }
    }
    let _ = out.write(&block);
}

/// Takes them off, one by one.
pub(crate) fn take_all<'f, T: Plain>(from: &mut &'f [u8]) -> Result<impl ExactSizeIterator<Item = T> + use<'f, T>, Fault> {
    let n: usize = take(from)?;
    let size = size_of::<T>();
    let cut = || Fault("what was kept of a run is cut short".into());
    let (all, rest) = from.split_at_checked(n.checked_mul(size).ok_or_else(cut)?).ok_or_else(cut)?;
    *from = rest;
    Ok(all.chunks_exact(size).map(|bytes| T::of(bytes.try_into().unwrap_or_else(|_| unreachable!("it is as long")))))
}

/// Takes off numbers that take the place of as many, in the memory of those.
pub(crate) fn take_into<T: Plain>(list: &mut [T], from: &mut &[u8]) -> Result<(), Fault> {
    let all = take_all(from)?;
    if all.len() != list.len() {
        return Err(Fault("what was kept of a run is of a population of another size".into()));
    }
    list.iter_mut().zip(all).for_each(|(number, kept)| *number = kept);
    Ok(())
}

/// What can be kept and goes on as if nothing had been. All that can be written and read is.
pub trait Keep {
    /// Appends it.
    fn keep(&self, out: &mut Keeper<'_>);

    /// Becomes what was kept.
    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault>;
}

impl<T: Serialize + DeserializeOwned> Keep for T {
    fn keep(&self, out: &mut Keeper<'_>) {
        keep(self, out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        *self = take(from)?;
        Ok(())
    }
}

/// Arrays of any length, for `#[serde(with)]`.
pub(crate) mod array {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<T: Serialize, S: Serializer, const N: usize>(array: &impl AsRef<[T; N]>, to: S) -> Result<S::Ok, S::Error> {
        array.as_ref().as_slice().serialize(to)
    }

    pub fn deserialize<'d, T: Deserialize<'d>, D: Deserializer<'d>, const N: usize>(from: D) -> Result<Box<[T; N]>, D::Error> {
        let list = Vec::<T>::deserialize(from)?.into_boxed_slice();
        list.try_into().map_err(|_| D::Error::custom("a list of another length"))
    }
}

/// Plain data of any shape, as JSON, for `#[serde(with)]`. Numbers come back as they were.
pub(crate) mod json {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::Value;

    pub fn serialize<S: Serializer>(value: &Value, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Value, D::Error> {
        serde_json::from_str(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}
