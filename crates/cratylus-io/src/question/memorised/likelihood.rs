//! Is the text more likely than versions of it in other words? Min-K%, Min-K%++, the zlib ratio and plain likelihood.

use super::text::{Detected, LEVEL, TestWords, Tested, Tried, versions};
use crate::question::interview::{Interview, QuestionKind, Stopped, Subject};
use cratylus_audit::finding::Finding;
use cratylus_audit::memorised::{log_likelihood, min_k, min_k_plus, per_token, rank};
use cratylus_core::language::scored::Scored;
use cratylus_core::stats::Proportion;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::json;
use std::io::Write;

/// How many versions in other words a text is compared with.
pub(super) const VERSIONS: u64 = 39;

impl Interview<'_> {
    pub(super) fn likelihood(&self, condition: &str, subject: &Subject, tried: &Tried) -> Result<Finding, Stopped> {
        let detected = self.each(tried, |tested| self.more_likely(subject, tested))?;
        let exact = detected.as_ref().is_some_and(|((_, exact), _)| *exact);
        let statistic = if exact {
            "Min-K%++ (K = 20), rank among versions in other words"
        } else {
            "Min-K% (K = 20), rank among versions in other words"
        };
        let words = TestWords {
            audit: QuestionKind::TextLikelihood,
            question: "Is the text more likely than the same in other words?",
            value: "share of versions in other words that score below the text".into(),
            statistic,
            reference: 0.5,
            source: "Min-K%: Shi et al. 2024 (arXiv 2310.16789); Min-K%++: Zhang et al. 2025 (arXiv 2404.02936); zlib ratio: Carlini et al. 2021; criticism: Duan et al. 2024 (arXiv 2402.07841)",
            cautions: [
                Some("a text that somebody wrote is smoother than one with words exchanged; the false alarms on unpublished texts show by how much that counts here".to_string()),
                (!exact).then(|| "Min-K%++ needs the whole distribution at every token, which this server does not give".into()),
            ]
            .into_iter()
            .flatten()
            .collect(),
        };
        let detected = detected.map(|(text, controls)| (text.0, controls.into_iter().map(|control| control.0).collect()));
        Ok(self.told(condition, words, tried, detected))
    }

    /// What the statistics say of one text, and whether the whole distribution was known.
    fn more_likely(&self, subject: &Subject, tested: &Tested) -> Result<Option<(Detected, bool)>, Stopped> {
        let others = versions(&tested.text, VERSIONS as usize, 1);
        if others.len() < 19 {
            return Ok(None);
        }
        let texts: Vec<&String> = [&tested.text].into_iter().chain(&others).collect();
        let scored = self.score(subject, texts.iter().map(|text| [String::new(), text.to_string()]).collect())?;
        // A text of one token may be left without any that has something before it.
        if scored.iter().any(Vec::is_empty) {
            return Ok(None);
        }
        let exact = scored.iter().all(|tokens| min_k_plus(tokens).is_some());
        Ok(Some((detected(tested, &texts, &scored, exact), exact)))
    }
}

fn detected(tested: &Tested, texts: &[&String], scored: &[Vec<Scored>], exact: bool) -> Detected {
    let of = |statistic: &dyn Fn(usize) -> f64| -> (f64, u64, f64) {
        let others: Vec<f64> = (1..texts.len()).map(statistic).collect();
        let below = others.iter().filter(|other| **other < statistic(0)).count();
        (statistic(0), below as u64, rank(statistic(0), &others))
    };
    let plain = of(&|i| per_token(&scored[i]));
    let zlib = of(&|i| log_likelihood(&scored[i]) / zlib_bytes(texts[i]) as f64);
    let lowest = of(&|i| min_k(&scored[i]));
    let plus = exact.then(|| of(&|i| min_k_plus(&scored[i]).expect("every distribution is known")));
    let (_, below, p) = plus.unwrap_or(lowest);
    let share = Proportion::new(below, texts.len() as u64 - 1);
    let row = |(value, below, p): (f64, u64, f64)| json!({ "value": value, "below": below, "p": p, "flagged": p <= LEVEL });
    Detected {
        name: tested.name.clone(),
        flagged: p <= LEVEL,
        value: share.share,
        interval: [share.low, share.high],
        p,
        details: json!({
            "tokens": scored[0].len(), "versions": texts.len() - 1,
            "log_likelihood_per_token": row(plain), "log_likelihood_per_zlib_byte": row(zlib),
            "min_k": row(lowest), "min_k_plus": plus.map(row),
        }),
    }
}

/// The bytes of a text under zlib at its usual level.
fn zlib_bytes(text: &str) -> usize {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).expect("memory takes every byte").len()
}
