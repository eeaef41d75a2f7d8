//! Texts that people and other programs wrote, whatever their system put around the words: marks at the beginning,
//! UTF-16, the encoding that an XML file declares, line ends of Windows. What the text means is absent.

use cratylus_core::fault::{Fault, at};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use std::path::Path;

/// Reads a file as text.
pub fn read(path: &Path) -> Result<String, Fault> {
    let bytes = std::fs::read(path).map_err(at("reading", path))?;
    decode(&bytes).map_err(|why| Fault::new(format!("{} {why}", path.display())))
}

/// The text in a file's bytes, without a mark at its beginning, its lines ended by `\n`. An error continues a sentence that begins with the file.
pub fn decode(bytes: &[u8]) -> Result<String, String> {
    let text = text_of(bytes)?;
    Ok(match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n"),
        false => text,
    })
}

/// The same with its line ends as they are.
pub fn text_of(bytes: &[u8]) -> Result<String, String> {
    if let Some(what) = no_text(bytes) {
        return Err(format!("is no text but {what}"));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decoded(encoding, &bytes[mark..]);
    }
    // Without a mark, every other byte of Western text in UTF-16 is zero.
    let zeros = |odd: usize| bytes.iter().skip(odd).step_by(2).take(64).filter(|&&byte| byte == 0).count();
    let halves = bytes.len().min(128) / 2;
    if bytes.len() >= 4 && bytes.len().is_multiple_of(2) {
        if zeros(1) > halves / 2 && zeros(0) == 0 {
            return decoded(UTF_16LE, bytes);
        }
        if zeros(0) > halves / 2 && zeros(1) == 0 {
            return decoded(UTF_16BE, bytes);
        }
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => Err("is no text: it holds zero bytes".into()),
        Ok(text) => Ok(text.into()),
        Err(error) => match declared(bytes) {
            Some(encoding) if encoding != encoding_rs::UTF_8 => decoded(encoding, bytes),
            _ => {
                let line = bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
                Err(format!("is not UTF-8 (line {line}); save it as UTF-8"))
            }
        },
    }
}

fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    let text = text.ok_or_else(|| format!("says that it is {}, and is not; save it as UTF-8", encoding.name()))?;
    Ok(text.into_owned())
}

/// The encoding that the first line of an XML file declares.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(256)];
    let head: String = head.iter().map(|&byte| byte as char).collect();
    let declaration = head.strip_prefix("<?xml")?.split("?>").next()?;
    let rest = declaration.split("encoding").nth(1)?.trim_start().strip_prefix('=')?.trim_start();
    Encoding::for_label(rest.get(1..)?.split(['"', '\'']).next()?.as_bytes())
}

/// What a file is by its first bytes, where that is no text of any encoding, or stands in the place of one.
pub fn no_text(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 7] = [
        (b"PAR1", "a Parquet file"),
        (b"PK\x03\x04", "a ZIP archive (a workbook of Excel is one, too)"),
        (b"\x1f\x8b", "compressed with gzip; unpack it first"),
        (b"%PDF", "a PDF"),
        (b"\x80\x04\x95", "a pickle of Python"),
        (b"\xd0\xcf\x11\xe0", "an old document of Office"),
        (b"version https://git-lfs", "a pointer of Git LFS; `git lfs pull` fetches what it stands for"),
    ];
    KINDS.iter().find(|(begins, _)| bytes.starts_with(begins)).map(|(_, what)| *what)
}

/// What a file is where data is expected: a pointer of Git LFS, a web page, or text. With what to do about it.
pub fn in_place_of_data(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(1024)];
    let start = head.trim_ascii_start().to_ascii_lowercase();
    if start.starts_with(b"version https://git-lfs") {
        return Some("a pointer of Git LFS and not the data; `git lfs pull` in its repository fetches them".into());
    }
    if start.starts_with(b"<!doctype") || start.starts_with(b"<html") || start.starts_with(b"<?xml") {
        return Some("a web page and not the data; where it was downloaded from, take the link to the raw file".into());
    }
    let text = decode(head).ok().or_else(|| decode(&head[..head.len().saturating_sub(3)]).ok())?;
    let printed = text.chars().all(|c| !c.is_control() || c.is_whitespace());
    (printed && !text.trim().is_empty()).then(|| "text".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_whoever_wrote_them_meant_them() {
        let check = |bytes: &[u8], text: &str| assert_eq!(decode(bytes).unwrap(), text);
        let wide = |text: &str, mark: bool, big: bool| -> Vec<u8> {
            let units = mark.then_some(0xfeffu16).into_iter().chain(text.encode_utf16());
            units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        check(b"1 2\r\n3\r4", "1 2\n3\n4");
        check("\u{feff}1 2".as_bytes(), "1 2");
        for (mark, big) in [(true, false), (true, true), (false, false), (false, true)] {
            check(&wide("name = 1\n", mark, big), "name = 1\n");
        }
        let latin: &[u8] = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>Zo\xeb</a>";
        assert!(decode(latin).unwrap().ends_with("<a>Zoë</a>"));
        let refused = |bytes: &[u8], why: &str| assert!(decode(bytes).unwrap_err().contains(why), "{:?}", decode(bytes));
        refused(b"a\nna\xefve", "line 2");
        refused(b"PAR1\x15\x00", "Parquet");
        refused(b"PK\x03\x04", "Excel");
    }

    #[test]
    fn what_stands_in_place_of_data_is_told() {
        let told = |bytes: &[u8]| in_place_of_data(bytes).unwrap_or_default();
        assert!(told(b"version https://git-lfs.github.com/spec/v1\noid").contains("git lfs pull"));
        assert!(told(b"\n<!DOCTYPE html><html>").contains("raw file"));
        assert_eq!(told(b"a,b\n1,2\n"), "text");
        assert_eq!(told(b"\x80\x04\x95\x00"), "");
    }
}
