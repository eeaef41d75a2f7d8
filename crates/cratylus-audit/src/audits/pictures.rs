//! What several audits draw and write.

use crate::finding::{Bar, Line, SampleValues, Who};

/// A line of a picture with its interval.
pub(super) fn bar(label: impl Into<String>, group: &str, who: Who, value: f64, interval: Option<[f64; 2]>) -> Bar {
    let [low, high] = interval.map_or([None, None], |[low, high]| [Some(low), Some(high)]);
    Bar { label: label.into(), group: group.into(), who, value, low, high }
}

/// A curve over 1, 2, 3, ….
pub(super) fn curve(label: impl Into<String>, who: Who, y: Vec<f64>) -> Line {
    let x = (1..=y.len()).map(|i| i as f64).collect();
    Line { label: label.into(), who, joined: true, x, y, low: Vec::new(), high: Vec::new() }
}

/// A sample, thinned to what a picture can hold.
pub(super) fn sample(label: impl Into<String>, who: Who, mut values: Vec<f64>) -> SampleValues {
    values.sort_unstable_by(f64::total_cmp);
    const MOST: usize = 200;
    if values.len() > MOST {
        let last = values.len() - 1;
        values = (0..MOST).map(|i| values[i * last / (MOST - 1)]).collect();
    }
    SampleValues { label: label.into(), who, values }
}

/// A probability as readers write it.
pub(super) fn p_words(p: f64) -> String {
    if p < 0.001 { "p < 0.001".into() } else { format!("p = {p:.3}") }
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
