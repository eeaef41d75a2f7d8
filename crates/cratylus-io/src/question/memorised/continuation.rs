//! Does a model go on with a text as it was published, when it is told which text that is? Guided against general
//! instruction, both from the same beginnings.

use super::text::{Detected, LEVEL, TestWords, Tested, Tried};
use crate::question::interview::{Interview, QuestionKind, Stopped, Subject};
use cratylus_audit::finding::Finding;
use cratylus_audit::memorised::rouge_l;
use cratylus_core::stats::quantile;
use cratylus_core::{Purpose, Seed};
use serde_json::json;

/// Where the text is broken off.
const BROKEN: [f64; 3] = [0.3, 0.5, 0.7];

/// Calls for each repetition: guided and not, from every beginning.
pub(super) const CALLS: u64 = 2 * BROKEN.len() as u64;

/// Room for what follows; a longer rest is not compared beyond it.
pub(super) const TOKENS: u32 = 200;

/// Words of the rest that fit into so many tokens.
const WORDS: usize = 120;

/// From this likeness on a continuation counts as the text itself.
const NEAR: f64 = 0.9;

const RESAMPLES: usize = 10_000;

impl Interview<'_> {
    pub(super) fn continuation(&self, condition: &str, subject: &Subject, tried: &Tried) -> Result<Finding, Stopped> {
        let words = TestWords {
            audit: QuestionKind::TextContinuation,
            question: "Is the text gone on with as it was published, when the model is told which it is?",
            value: "ROUGE-L of the continuation, told which text it is, less not told".into(),
            statistic: "guided over general instruction, bootstrap, one-sided",
            reference: 0.0,
            source: "Golchin & Surdeanu 2024 (arXiv 2308.08493); ROUGE-L: Lin 2004",
            cautions: vec!["beginnings of one text, and draws from one beginning, are no independent samples".into()],
        };
        let detected = self.each(tried, |tested| self.goes_on(subject, tested))?;
        Ok(self.told(condition, words, tried, detected))
    }

    fn goes_on(&self, subject: &Subject, tested: &Tested) -> Result<Option<Detected>, Stopped> {
        let words: Vec<&str> = tested.text.split_whitespace().collect();
        if words.len() < 20 {
            return Ok(None);
        }
        let title = &self.agenda.published.title;
        let system = "You complete texts. You answer with the continuation alone.".to_string();
        let guided =
            format!("Here is the beginning of a passage from {title}. Go on exactly as the passage does, word for word.");
        let general = "Here is the beginning of a passage. Go on with it.";
        let (mut messages, mut truths) = (Vec::new(), Vec::new());
        for share in BROKEN {
            let at = (words.len() as f64 * share) as usize;
            let rest = words[at..].iter().take(WORDS).copied().collect::<Vec<_>>().join(" ");
            for draw in 0..self.agenda.repeats {
                for instruction in [guided.as_str(), general] {
                    let user = format!("{instruction}\n\n{}", words[..at].join(" "));
                    messages.push(([system.clone(), user], draw));
                }
                truths.push(rest.clone());
            }
        }
        let said = self.say(subject, &[], messages, TOKENS)?;
        let likeness = |said: &String, truth: &String| {
            let n = truth.split(' ').count();
            rouge_l(&said.split_whitespace().take(n).collect::<Vec<_>>().join(" "), truth)
        };
        let pairs: Vec<[f64; 2]> = said
            .chunks_exact(2)
            .zip(&truths)
            .map(|(said, truth)| [likeness(&said[0], truth), likeness(&said[1], truth)])
            .collect();
        let gains: Vec<f64> = pairs.iter().map(|[guided, general]| guided - general).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let mut draws = Seed(1).stream(Purpose::Resample, 0);
        let mut again: Vec<f64> = (0..RESAMPLES)
            .map(|_| gains.iter().map(|_| gains[draws.below(gains.len() as u64) as usize]).sum::<f64>() / gains.len() as f64)
            .collect();
        again.sort_by(f64::total_cmp);
        let p = again.iter().filter(|mean| **mean <= 0.0).count().max(1) as f64 / RESAMPLES as f64;
        let guided: Vec<f64> = pairs.iter().map(|pair| pair[0]).collect();
        Ok(Some(Detected {
            name: tested.name.clone(),
            flagged: p <= LEVEL,
            value: mean(&gains),
            interval: [quantile(&again, 0.025), quantile(&again, 0.975)],
            p,
            details: json!({
                "continuations": pairs.len(), "guided": mean(&guided),
                "general": mean(&pairs.iter().map(|pair| pair[1]).collect::<Vec<_>>()),
                "near_exact": guided.iter().filter(|likeness| **likeness >= NEAR).count(),
            }),
        }))
    }
}
