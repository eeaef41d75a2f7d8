//! The one form in which names are compared, so that what looks the same is the same: composed letters (Unicode's NFC),
//! plain quotation marks and hyphens, single spaces, nothing that is not seen. Letters of other scripts that look alike
//! stay different, and so do other case and width: those are other names.

use unicode_normalization::UnicodeNormalization;

/// A text in that form, without white space around it.
pub fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfc() {
        match c {
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' => out.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201f}' => out.push('"'),
            '\u{2010}' | '\u{2011}' => out.push('-'),
            // Soft hyphens, spaces without width, byte order marks, and what chooses between pictures of one sign.
            '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fe0e}' | '\u{fe0f}' => (),
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out.trim().to_string()
}

/// Two names of a pool that are the same text, by their places.
pub fn alike(names: &[String]) -> Option<[usize; 2]> {
    let mut sorted: Vec<(String, usize)> = names.iter().map(|name| normal(name)).zip(0..).collect();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| [pair[0].1, pair[1].1])
}

/// A composed text, as most models write it.
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same_and_nothing_else() {
        let same = |a: &str, b: &str| normal(a) == normal(b);
        for (a, b) in [("Zoe\u{308}", "Zoë"), ("O’Brien", "O'Brien"), ("“x”", "\"x\""), ("a\u{a0} b", "a b"), ("❤\u{fe0f}", "❤")]
        {
            assert!(same(a, b), "{a:?} {b:?}");
        }
        for (a, b) in [("M", "\u{41c}"), ("Q", "\u{ff31}"), ("q", "Q"), ("Zoë", "Zoe"), ("ab", "a b"), ("é", "è")] {
            assert!(!same(a, b), "{a:?} {b:?}");
        }
        assert!(alike(&["a".into(), "Zoë".into(), "Zoe\u{308}".into()]).is_some() && alike(&["a".into(), "A".into()]).is_none());
    }
}
