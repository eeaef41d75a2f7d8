//! Pickles, read as data. A pickle is a program for a stack machine that can call anything, repeat a value a
//! million-fold in a few bytes, and claim any length. So before it is read it is walked once, without
//! keeping anything: instructions that name or build objects are refused, lengths are held against the
//! bytes that are there, and depth and expanded size are bounded. What passes is parsed by `serde-pickle`, which takes a
//! container that is referred to twice for one that holds itself; so where the memo gives a value again, the
//! instructions that made it are written again in its place, and no memo is left.

use cratylus_core::fault::{Fault, at};
use serde_pickle::{DeOptions, HashableValue, Value};
use std::collections::BTreeMap;
use std::path::Path;

const FILE_MAX: u64 = 64 << 20;
/// Values that one pickle may push, and may hold once references are followed.
const VALUES_MAX: u64 = 16 << 20;
const DEPTH_MAX: u32 = 32;

/// Reads a pickle file.
pub fn read(path: &Path) -> Result<Value, Fault> {
    let size = std::fs::metadata(path).map_err(at("reading", path))?.len();
    if size > FILE_MAX {
        return Err(Fault::new(format!("{}: {size} bytes are more than any published file has; refused", path.display())));
    }
    let bytes = std::fs::read(path).map_err(at("reading", path))?;
    if let Some(what) = crate::text::in_place_of_data(&bytes).filter(|what| what != "text" || bytes.starts_with(b"<")) {
        return Err(Fault::new(format!("{} is {what}", path.display())));
    }
    parse(&bytes).map_err(|why| Fault::new(format!("{}: {why}", path.display())))
}

/// Parses a pickle. An error names the offset.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    let walk =
        Walk { bytes, at: 0, nodes: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: BTreeMap::new(), out: Vec::new() };
    serde_pickle::value_from_slice(&walk.walk()?, DeOptions::new()).map_err(|error| error.to_string())
}

/// What the walk knows of a value.
struct Node {
    depth: u32,
    /// How many values it holds, itself and references included.
    weight: u64,
    /// Something refers to it, so it must not grow any more: what refers would grow uncounted.
    settled: bool,
    /// Where the instructions that made it stand among those that are written.
    made: std::ops::Range<usize>,
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    /// Values, and where the instructions begin that put each there.
    stack: Vec<(u32, usize)>,
    /// How many values lay below, and where the mark stands among the instructions.
    marks: Vec<(usize, usize)>,
    memo: BTreeMap<u32, u32>,
    /// The same pickle without a memo.
    out: Vec<u8>,
}

impl Walk<'_> {
    fn walk(mut self) -> Result<Vec<u8>, String> {
        loop {
            let start = self.at;
            let done = self.step().map_err(|why| format!("offset {start}: {why}"))?;
            if done {
                return Ok(self.out);
            }
        }
    }

    /// Writes an instruction that was walked. `makes` says that it belongs to what now lies on top.
    fn write(&mut self, instruction: &[u8], makes: bool) {
        self.out.extend_from_slice(instruction);
        if let Some(&(top, _)) = self.stack.last().filter(|_| makes) {
            let node = &mut self.nodes[top as usize];
            // What refers to a value later does not make it.
            if !node.settled {
                node.made.end = self.out.len();
            }
        }
    }

    /// One instruction; true for the last.
    fn step(&mut self) -> Result<bool, String> {
        let (start, bytes) = (self.at, self.bytes);
        let code = self.take(1)?[0];
        let done = self.instruct(code)?;
        let makes = match code {
            b'p' | b'q' | b'r' | 0x94 => return Ok(done),
            b'g' | b'h' | b'j' => {
                let &(top, _) = self.stack.last().expect("just recalled");
                let made = self.nodes[top as usize].made.clone();
                if made.start > made.end {
                    return Err("it refers to what is not made yet; refused".into());
                }
                if self.out.len() + made.len() > 2 * FILE_MAX as usize {
                    return Err("it is too large once references are followed; refused".into());
                }
                self.out.extend_from_within(made);
                return Ok(done);
            }
            b'(' | b'0' | b'1' | b'2' | 0x80 | 0x95 | b'.' => false,
            _ => true,
        };
        self.write(&bytes[start..self.at], makes);
        Ok(done)
    }

    fn instruct(&mut self, code: u8) -> Result<bool, String> {
        match code {
            b'.' => {
                self.pop()?;
                return Ok(true);
            }
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push((self.stack.len(), self.out.len())),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'2' => {
                let (top, _) = *self.stack.last().ok_or("the stack is empty")?;
                self.nodes[top as usize].settled = true;
                self.stack.push((top, self.out.len()));
            }
            // Numbers, None, True, False.
            b'N' | 0x88 | 0x89 => self.push(1)?,
            b'K' => self.skip_and_push(1)?,
            b'M' => self.skip_and_push(2)?,
            b'J' => self.skip_and_push(4)?,
            b'G' => self.skip_and_push(8)?,
            b'I' | b'L' | b'F' => {
                let len = self.line()?.len();
                self.push(len as u64)?;
            }
            0x8a => self.counted(1)?,
            0x8b => self.counted(4)?,
            // Text and bytes.
            b'S' | b'V' => {
                let len = self.line()?.len();
                self.push(len as u64)?;
            }
            b'U' | 0x8c | b'C' => self.counted(1)?,
            b'T' | b'X' | b'B' => self.counted(4)?,
            0x8d | 0x8e | 0x96 => self.counted(8)?,
            // Containers.
            b')' | b']' | b'}' | 0x8f => self.push(1)?,
            0x85 => self.gather(1)?,
            0x86 => self.gather(2)?,
            0x87 => self.gather(3)?,
            b't' | b'l' | b'd' | 0x91 => {
                let (items, begin) = self.pop_mark()?;
                self.hold(items, begin)?;
            }
            b'a' => self.grow(1)?,
            b's' => self.grow(2)?,
            b'e' | b'u' | 0x90 => {
                let (items, _) = self.pop_mark()?;
                self.grow_by(items)?;
            }
            // The memo.
            b'p' => {
                let id = self.number()?;
                self.memoize(id)?;
            }
            b'q' => {
                let id = u32::from(self.take(1)?[0]);
                self.memoize(id)?;
            }
            b'r' => {
                let id = self.u32()?;
                self.memoize(id)?;
            }
            0x94 => self.memoize(self.memo.len() as u32)?,
            b'g' => {
                let id = self.number()?;
                self.recall(id)?;
            }
            b'h' => {
                let id = u32::from(self.take(1)?[0]);
                self.recall(id)?;
            }
            b'j' => {
                let id = self.u32()?;
                self.recall(id)?;
            }
            b'c' | 0x93 | b'R' | b'b' | b'i' | b'o' | 0x81 | 0x92 | b'P' | b'Q' | 0x82 | 0x83 | 0x84 => {
                return Err("it asks to build an object, which data never does; refused".into());
            }
            other => return Err(format!("there is no instruction {other:#04x}")),
        }
        Ok(false)
    }

    fn take(&mut self, n: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(n).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| {
            format!("{n} bytes are needed and {} are left; the file is cut short or lies", self.bytes.len() - self.at)
        })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.take(4)?.try_into().expect("four bytes")))
    }

    fn line(&mut self) -> Result<&[u8], String> {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().position(|&byte| byte == b'\n').ok_or("a line does not end; the file is cut short")?;
        // Decimal numbers take time that grows with the square of their length.
        if len > 4096 {
            return Err("a line is longer than 4,096 bytes; refused".into());
        }
        self.at += len + 1;
        Ok(&rest[..len])
    }

    fn number(&mut self) -> Result<u32, String> {
        let line = self.line()?;
        std::str::from_utf8(line).ok().and_then(|text| text.trim().parse().ok()).ok_or_else(|| "a number was expected".into())
    }

    fn counted(&mut self, width: usize) -> Result<(), String> {
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(self.take(width)?);
        let len = usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX);
        self.take(len)?;
        self.push(len as u64)
    }

    fn skip_and_push(&mut self, n: usize) -> Result<(), String> {
        self.take(n)?;
        self.push(1)
    }

    fn push(&mut self, bytes: u64) -> Result<(), String> {
        let made = self.out.len()..0;
        self.node(Node { depth: 0, weight: 1 + bytes / 16, settled: false, made })
    }

    fn node(&mut self, node: Node) -> Result<(), String> {
        if node.weight > VALUES_MAX || self.nodes.len() as u64 >= VALUES_MAX {
            return Err(format!("it holds more than {VALUES_MAX} values; refused"));
        }
        if node.depth > DEPTH_MAX {
            return Err(format!("it nests deeper than {DEPTH_MAX}; refused"));
        }
        self.stack.push((self.nodes.len() as u32, node.made.start));
        self.nodes.push(node);
        Ok(())
    }

    fn pop(&mut self) -> Result<u32, String> {
        Ok(self.pop_made()?.0)
    }

    /// The value on top, and where the instructions begin that put it there.
    fn pop_made(&mut self) -> Result<(u32, usize), String> {
        if self.marks.last().is_some_and(|&(mark, _)| mark >= self.stack.len()) {
            return Err("the stack is empty down to a mark".into());
        }
        self.stack.pop().ok_or_else(|| "the stack is empty".into())
    }

    /// The values down to the last mark, and where it stands.
    fn pop_mark(&mut self) -> Result<(Vec<u32>, usize), String> {
        let (mark, begin) = self.marks.pop().ok_or("there is no mark")?;
        Ok((self.stack.split_off(mark).into_iter().map(|(node, _)| node).collect(), begin))
    }

    fn gather(&mut self, n: usize) -> Result<(), String> {
        let items = (0..n).map(|_| self.pop_made()).collect::<Result<Vec<_>, _>>()?;
        let begin = items.last().map_or(self.out.len(), |&(_, begin)| begin);
        self.hold(items.into_iter().map(|(node, _)| node).collect(), begin)
    }

    /// A new container of these items, whose instructions begin there.
    fn hold(&mut self, items: Vec<u32>, begin: usize) -> Result<(), String> {
        self.push(1)?;
        self.nodes.last_mut().expect("just pushed").made.start = begin;
        self.stack.last_mut().expect("just pushed").1 = begin;
        self.grow_by(items)
    }

    fn grow(&mut self, n: usize) -> Result<(), String> {
        let items = (0..n).map(|_| self.pop()).collect::<Result<_, _>>()?;
        self.grow_by(items)
    }

    /// Puts items into the container on top.
    fn grow_by(&mut self, items: Vec<u32>) -> Result<(), String> {
        let top = self.stack.last().ok_or("the stack is empty")?.0 as usize;
        if self.nodes[top].settled {
            return Err("a container grows after something referred to it; refused".into());
        }
        for item in items {
            let item = &mut self.nodes[item as usize];
            item.settled = true;
            let (depth, weight) = (item.depth, item.weight);
            let into = &mut self.nodes[top];
            into.depth = into.depth.max(depth + 1);
            into.weight = into.weight.saturating_add(weight);
            if into.weight > VALUES_MAX {
                return Err(format!("it holds more than {VALUES_MAX} values once references are followed; refused"));
            }
            if into.depth > DEPTH_MAX {
                return Err(format!("it nests deeper than {DEPTH_MAX}; refused"));
            }
        }
        Ok(())
    }

    fn memoize(&mut self, id: u32) -> Result<(), String> {
        let (top, _) = *self.stack.last().ok_or("the stack is empty")?;
        self.memo.insert(id, top);
        Ok(())
    }

    fn recall(&mut self, id: u32) -> Result<(), String> {
        let node = *self.memo.get(&id).ok_or_else(|| format!("the memo holds no {id}"))?;
        self.nodes[node as usize].settled = true;
        self.stack.push((node, self.out.len()));
        if self.stack.len() as u64 > VALUES_MAX {
            return Err(format!("it holds more than {VALUES_MAX} values; refused"));
        }
        Ok(())
    }
}

/// The entry of a dictionary under a text key.
pub fn get<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match value {
        Value::Dict(entries) => entries.get(&HashableValue::String(key.into())),
        _ => None,
    }
}

/// A list of texts.
pub fn texts(value: &Value) -> Option<Vec<&str>> {
    list(value)?.iter().map(|item| if let Value::String(text) = item { Some(text.as_str()) } else { None }).collect()
}

/// A list or tuple.
pub fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::List(items) | Value::Tuple(items) => Some(items),
        _ => None,
    }
}

/// A whole number.
pub fn int(value: &Value) -> Option<i64> {
    if let Value::I64(number) = value { Some(*number) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(bytes: &[u8], why: &str) {
        let error = parse(bytes).unwrap_err();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn plain_data_is_read() {
        // pickle.dumps({'a': [1, 2.5, None, True], 'b': ('x', 'x')}, protocol=4)
        let bytes = b"\x80\x04\x95(\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01G@\x04\x00\x00\x00\x00\x00\x00N\x88e\x8c\x01b\x94\x8c\x01x\x94h\x04\x86\x94u.";
        let value = parse(bytes).unwrap();
        assert_eq!(list(get(&value, "a").unwrap()).unwrap().len(), 4);
        assert_eq!(texts(get(&value, "b").unwrap()).unwrap(), ["x", "x"]);
    }

    /// Shared is not recursive: Python writes a memo for a list that is there twice.
    #[test]
    fn what_is_there_twice_is_read_twice() {
        // a, b = ['Q', 'M'], ('Q', ['x']); pickle.dumps({'l': [a, b, a, [a, b]], 'again': b, 'n': 'Q'}, protocol=4)
        let four = b"\x80\x04\x95\x3e\x00\x00\x00\x00\x00\x00\x00\x7d\x94\x28\x8c\x01\x6c\x94\x5d\x94\x28\x5d\x94\x28\x8c\x01\x51\x94\x8c\x01\x4d\x94\x65\x68\x04\x5d\x94\x8c\x01\x78\x94\x61\x86\x94\x68\x03\x5d\x94\x28\x68\x03\x68\x08\x65\x65\x8c\x05again\x94\x68\x08\x8c\x01\x6e\x94\x68\x04\x75\x2e";
        // The same with protocol 0 of Python.
        let zero = b"(dp0\nVl\np1\n(lp2\n(lp3\nVQ\np4\naVM\np5\naa(g4\n(lp6\nVx\np7\natp8\nag3\na(lp9\ng3\nag8\naasVagain\np10\ng8\nsVn\np11\ng4\ns.";
        for bytes in [&four[..], &zero[..]] {
            let value = parse(bytes).unwrap();
            let l = list(get(&value, "l").unwrap()).unwrap();
            assert_eq!(
                (texts(&l[0]).unwrap(), &l[2], &l[3]),
                (vec!["Q", "M"], &l[0], &Value::List(vec![l[0].clone(), l[1].clone()]))
            );
            assert_eq!(get(&value, "again").unwrap(), &l[1]);
            assert_eq!(get(&value, "n").unwrap(), &Value::String("Q".into()));
            assert_eq!(l[1], Value::Tuple(vec![Value::String("Q".into()), Value::List(vec![Value::String("x".into())])]));
        }
    }

    #[test]
    fn nothing_is_ever_called() {
        refused(b"cos\nsystem\n(S'true'\ntR.", "offset 0: it asks to build an object");
        refused(b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "offset 14: it asks to build an object");
    }

    #[test]
    fn a_truncated_file_is_named_with_its_offset() {
        refused(b"\x80\x04]\x94(K\x01K", "offset 7: 1 bytes are needed and 0 are left");
        refused(b"", "offset 0");
        refused(b"\x80\x04]", "offset 3");
    }

    #[test]
    fn a_claimed_length_reserves_nothing() {
        refused(b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc.", "are needed and 4 are left");
    }

    #[test]
    fn references_that_multiply_are_refused() {
        // Each list holds the one before it ten times: 10^30 values in a few hundred bytes.
        let mut bytes = b"]\x94K\x01a".to_vec();
        for level in 0..30u8 {
            bytes.extend(b"]\x94(");
            (0..10).for_each(|_| bytes.extend([b'h', level]));
            bytes.push(b'e');
        }
        bytes.push(b'.');
        refused(&bytes, "once references are followed");
    }

    #[test]
    fn deep_nesting_is_refused_before_it_overflows_a_stack() {
        let mut bytes = vec![b']'; 100_000];
        bytes.extend(vec![b'a'; 99_999]);
        bytes.push(b'.');
        refused(&bytes, "nests deeper");
    }

    #[test]
    fn a_container_that_holds_itself_is_refused() {
        refused(b"]\x94h\x00a.", "grows after something referred to it");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_damage_to_a_real_shape_makes_it_panic(place in 0usize..60, byte in any::<u8>()) {
            let mut bytes = b"\x80\x04\x95(\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01G@\x04\x00\x00\x00\x00\x00\x00N\x88e\x8c\x01b\x94\x8c\x01x\x94h\x04\x86\x94u.".to_vec();
            let n = bytes.len();
            bytes[place % n] = byte;
            let _ = parse(&bytes);
        }
    }
}
