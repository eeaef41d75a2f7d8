//! Tables and numbers as text.

use cratylus_core::watch::facts::{Facts, Sample};

/// A number of bytes, as a reader would say it.
pub fn bytes(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{:.0} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}

/// A part of a whole: `I/K` with I from 1 to K.
pub fn shard_of(text: &str) -> Result<[usize; 2], String> {
    let (i, k) = text.split_once('/').ok_or("expected I/K, for example 2/8")?;
    let number =
        |part: &str| part.trim().parse::<usize>().map_err(|_| format!("`{part}` is not a number; expected I/K, for example 2/8"));
    let (i, k) = (number(i)?, number(k)?);
    if i < 1 || i > k {
        return Err(format!("there are {k} shards, numbered from 1 to {k}, so there is no shard {i}"));
    }
    Ok([i, k])
}

/// Rows of cells as lines, each column as wide as it needs to be. Columns named in `right` end flush.
pub fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |text: &str| text.chars().count();
    let widths: Vec<usize> =
        (0..columns).map(|c| rows.iter().filter_map(|row| row.get(c)).map(|cell| wide(cell)).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(c, cell)| {
            let space = " ".repeat(widths[c] - wide(cell));
            if right.contains(&c) { format!("{space}{cell}") } else { format!("{cell}{space}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub fn percent(share: f64) -> String {
    if share.is_nan() { "–".into() } else { format!("{:.0} %", 100.0 * share) }
}

pub fn interval(share: f64, low: f64, high: f64) -> String {
    format!("{} [{:.0}–{:.0}]", percent(share), 100.0 * low, 100.0 * high)
}

/// A median with its quartiles, and the mean with its standard deviation.
pub fn sample(sample: Option<&Sample>) -> [String; 2] {
    match sample {
        Some(s) => {
            let [median, q1, q3, mean, sd] = [s.median, s.q1, s.q3, s.mean, s.sd].map(tenth);
            [format!("{median:.1} [{q1:.1}–{q3:.1}]"), format!("{mean:.1} ± {sd:.1}")]
        }
        None => ["–".into(), "–".into()],
    }
}

/// Rounded to a tenth, halves up, as the report's page does.
fn tenth(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

/// The names that won, most frequent first.
pub fn winners(facts: &Facts) -> String {
    let mut words: Vec<String> =
        facts.winners.iter().take(3).map(|w| format!("{} {}", w.name.as_deref().unwrap_or("?"), w.count)).collect();
    if facts.winners.len() > 3 {
        words.push(format!("and {} more", facts.winners.len() - 3));
    }
    if words.is_empty() { "–".into() } else { words.join(", ") }
}

/// Sentences in lines that are no longer than so many characters, where their words are not.
pub fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        lines.push(String::new());
        for word in line.split(' ') {
            let last = lines.last_mut().expect("one was begun");
            if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
                lines.push(word.into());
            } else {
                *last += if last.is_empty() { "" } else { " " };
                *last += word;
            }
        }
    }
    lines.join("\n")
}

/// A whole number with its thousands apart.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
    groups.join(",")
}

/// So many of a thing.
pub fn plural(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(n), if n == 1 { "" } else { "s" })
}

/// The comment with which an experiment file opens: the claim that it tests.
pub fn claim(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    lines.map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ").trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["a".into(), "1".into()], vec!["bbb".into(), "22".into()]];
        assert_eq!(table(&rows, &[1]), "a     1\nbbb  22");
        assert_eq!(count(1_234_567), "1,234,567");
    }
}
