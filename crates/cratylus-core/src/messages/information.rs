//! How much messages say of meanings: entropies and mutual information in bits, with plug-in probabilities, and the agreement
//! of two partitions. What they say beyond chance is seen beside permuted messages alone, as all of these are above 0 by chance.

use super::corpus::Ids;
use statrs::function::gamma::ln_gamma;

/// The entropy of counts, in bits.
pub fn entropy(counts: impl IntoIterator<Item = u32>) -> f64 {
    // The sum of c log c is one pass, and exact where all counts are powers of two.
    let (mut n, mut sum) = (0.0, 0.0);
    for count in counts {
        let count = f64::from(count);
        n += count;
        sum += if count > 0.0 { count * count.log2() } else { 0.0 };
    }
    if n > 0.0 { (n.log2() - sum / n).max(0.0) } else { 0.0 }
}

/// The entropy of a partition, in bits.
pub fn entropy_of(ids: &Ids) -> f64 {
    entropy(ids.counts.iter().copied())
}

/// How often each pair comes up where row i of `a` goes with row `order[i]` of `b`.
fn together(a: &Ids, b: &Ids, order: &[u32]) -> Vec<(u64, u32)> {
    let key = |(row, &other): (usize, &u32)| u64::from(a.of[row]) * b.n() as u64 + u64::from(b.of[other as usize]);
    let cells = a.n() * b.n();
    // A table where it is small, for speed.
    if cells <= (1 << 16).min(16 * order.len().max(64)) {
        let mut table = vec![0u32; cells];
        order.iter().enumerate().map(key).for_each(|key| table[key as usize] += 1);
        return table.into_iter().enumerate().filter(|(_, n)| *n > 0).map(|(key, n)| (key as u64, n)).collect();
    }
    let mut keys: Vec<u64> = order.iter().enumerate().map(key).collect();
    keys.sort_unstable();
    keys.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32)).collect()
}

/// Mutual information in bits where row i of `a` goes with row `order[i]` of `b`. Both partitions keep their entropies.
pub fn mutual(a: &Ids, b: &Ids, order: &[u32]) -> f64 {
    (entropy_of(a) + entropy_of(b) - entropy(together(a, b, order).into_iter().map(|(_, n)| n))).max(0.0)
}

/// Normalised by the mean of both entropies (Vinh, Epps & Bailey 2010), which is the V-measure too; 1 for two partitions
/// that part nothing.
pub fn normalised(a: &Ids, b: &Ids, order: &[u32]) -> f64 {
    if a.n() <= 1 && b.n() <= 1 {
        return 1.0;
    }
    let shared = mutual(a, b, order);
    if shared <= f64::EPSILON { 0.0 } else { shared / ((entropy_of(a) + entropy_of(b)) / 2.0) }
}

/// Mutual information less what is expected of partitions of these sizes (Vinh, Epps & Bailey 2010, JMLR 11:2837), over the
/// mean of both entropies less the same. Where all rows differ in both it is 1 by convention and says nothing.
pub fn adjusted(a: &Ids, b: &Ids, order: &[u32], expected: f64) -> f64 {
    if a.n() <= 1 && b.n() <= 1 {
        return 1.0;
    }
    // Where both differences are nothing but rounding their ratio is that of two equal numbers.
    let held = |difference: f64| match difference < 0.0 {
        true => difference.min(-f64::EPSILON),
        false => difference.max(f64::EPSILON),
    };
    let of = (entropy_of(a) + entropy_of(b)) / 2.0;
    let rounded = |difference: f64| if difference.abs() < 1e-12 * of.max(1.0) { 0.0 } else { difference };
    held(rounded(mutual(a, b, order) - expected)) / held(rounded(of - expected))
}

/// The mutual information expected of two partitions of these sizes that have nothing to do with each other, in bits.
pub fn expected(a: &Ids, b: &Ids) -> f64 {
    let n = a.of.len();
    let ln = |count: usize| ln_gamma(count as f64 + 1.0);
    // Sizes that come up several times are worked out once.
    let sizes = |ids: &Ids| {
        let mut sorted = ids.counts.clone();
        sorted.sort_unstable();
        sorted.chunk_by(|a, b| a == b).map(|run| (run[0] as usize, run.len() as f64)).collect::<Vec<_>>()
    };
    let mut sum = 0.0;
    for (x, many_x) in sizes(a) {
        for &(y, many_y) in &sizes(b) {
            for both in (x + y).saturating_sub(n).max(1)..=x.min(y) {
                let share = both as f64 / n as f64;
                let gain = (n as f64 * both as f64 / (x as f64 * y as f64)).ln();
                let likely =
                    ln(x) + ln(y) + ln(n - x) + ln(n - y) - ln(n) - ln(both) - ln(x - both) - ln(y - both) - ln(n + both - x - y);
                sum += many_x * many_y * share * gain * likely.exp();
            }
        }
    }
    sum / std::f64::consts::LN_2
}
