//! How alike two languages are: what both say of the same items (as in arXiv 2505.12872).

use super::distance::levenshtein;

/// The mean over items of 1 less the edits over the longer length; two empty messages are alike. None without items.
pub fn similarity<'a>(pairs: impl IntoIterator<Item = (&'a [u32], &'a [u32])>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0u64);
    for (a, b) in pairs {
        let longer = a.len().max(b.len());
        sum += if longer == 0 { 1.0 } else { 1.0 - f64::from(levenshtein(a, b)) / longer as f64 };
        n += 1;
    }
    (n > 0).then(|| sum / n as f64)
}
