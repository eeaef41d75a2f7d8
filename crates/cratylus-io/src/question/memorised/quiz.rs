//! Which of four wordings is the published one? Asked in every order of the options, so that a liking for a place takes
//! nothing and gives nothing.

use super::text::{Detected, LEVEL, TestWords, Tested, Tried, versions};
use crate::question::interview::{Interview, QuestionKind, Stopped, Subject};
use cratylus_audit::finding::Finding;
use cratylus_audit::memorised::{above_zero, sentences};
use cratylus_core::stats::mean_sd;
use serde_json::json;

/// The published wording and three others.
const OPTIONS: usize = 4;

/// Passages of a text, each a question of its own.
const PASSAGES: usize = 4;

pub(super) const CALLS: u64 = (PASSAGES * 24) as u64;

pub(super) const TOKENS: u32 = 10;

impl Interview<'_> {
    pub(super) fn quiz(&self, condition: &str, subject: &Subject, tried: &Tried) -> Result<Finding, Stopped> {
        let words = TestWords {
            audit: QuestionKind::TextQuiz,
            question: "Is the published wording told from others that mean the same?",
            value: "published wordings chosen over chance (kappa: 0 chance, 1 always)".into(),
            statistic: "kappa above 0, t over passages, one-sided",
            reference: 0.0,
            source: "Data Contamination Quiz: Golchin & Surdeanu 2025 (arXiv 2311.06233); DE-COP: Duarte et al. 2024 (arXiv 2402.09910)",
            cautions: vec![
                "the wording that somebody wrote is smoother than the others; the false alarms on unpublished texts show by how much that counts here".into(),
                "passages are few".into(),
            ],
        };
        let detected = self.each(tried, |tested| self.picks(subject, tested))?;
        Ok(self.told(condition, words, tried, detected))
    }

    fn picks(&self, subject: &Subject, tested: &Tested) -> Result<Option<Detected>, Stopped> {
        let items: Vec<Vec<String>> = passages(&tested.text)
            .into_iter()
            .filter_map(|passage| {
                let others = versions(&passage, OPTIONS - 1, 2);
                (others.len() == OPTIONS - 1).then(|| [vec![passage], others].concat())
            })
            .collect();
        if items.len() < 2 {
            return Ok(None);
        }
        let title = &self.agenda.published.title;
        let orders = orders();
        let system = "You answer a question about wording with a single number.".to_string();
        let ask = |item: &Vec<String>, order: &[usize; OPTIONS]| {
            let options: Vec<String> =
                order.iter().enumerate().map(|(place, &option)| format!("{}. {}", place + 1, item[option])).collect();
            let user = format!(
                "One of these four passages is word for word as it stands in {title}; the others were reworded. Which one?\n\n{}\n\nAnswer with its number alone.",
                options.join("\n\n")
            );
            ([system.clone(), user], 0)
        };
        let messages = items.iter().flat_map(|item| orders.iter().map(move |order| ask(item, order))).collect();
        let said = self.say(subject, &[], messages, TOKENS)?;
        let (mut places, mut unread) = ([0_u64; OPTIONS], 0_u64);
        let kappas: Vec<f64> = said
            .chunks_exact(orders.len())
            .map(|said| {
                let mut right = 0;
                for (said, order) in said.iter().zip(&orders) {
                    match place(said) {
                        Some(place) => {
                            places[place] += 1;
                            right += usize::from(order[place] == 0);
                        }
                        None => unread += 1,
                    }
                }
                let chance = 1.0 / OPTIONS as f64;
                (right as f64 / orders.len() as f64 - chance) / (1.0 - chance)
            })
            .collect();
        // Who gives no number tells nothing, neither that the wording is known nor that it is not.
        if 2 * unread > said.len() as u64 {
            return Ok(None);
        }
        let (mean, sd) = mean_sd(&kappas);
        let (_, p) = above_zero(&kappas);
        // All passages told alike leave nothing for a t test to divide by, and are no less clear.
        let p = if mean > 1.0 - 1e-9 { (1.0 / OPTIONS as f64).powi(kappas.len() as i32) } else { p };
        let half = 1.96 * sd / (kappas.len() as f64).sqrt();
        Ok(Some(Detected {
            name: tested.name.clone(),
            flagged: p <= LEVEL,
            value: mean,
            interval: [mean - half, mean + half],
            p,
            details: json!({ "passages": kappas, "chosen_by_place": places, "no_number": unread }),
        }))
    }
}

/// The text in as many passages as there may be, of about equal numbers of sentences.
fn passages(text: &str) -> Vec<String> {
    let sentences = sentences(text);
    let n = PASSAGES.min(sentences.len());
    (0..n).map(|i| sentences[i * sentences.len() / n..(i + 1) * sentences.len() / n].join(" ")).collect()
}

/// Every order of the options.
fn orders() -> Vec<[usize; OPTIONS]> {
    let all = 0..OPTIONS.pow(OPTIONS as u32);
    let digits = |n: usize| -> [usize; OPTIONS] { std::array::from_fn(|i| n / OPTIONS.pow(i as u32) % OPTIONS) };
    let once = |order: &[usize; OPTIONS]| (0..OPTIONS).all(|option| order.contains(&option));
    all.map(digits).filter(once).collect()
}

/// The first number from 1 to 4 that an answer holds by itself.
fn place(said: &str) -> Option<usize> {
    let words = said.split(|c: char| !c.is_alphanumeric()).filter_map(|word| word.parse::<usize>().ok());
    words.into_iter().find(|number| (1..=OPTIONS).contains(number)).map(|number| number - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_there_once_and_every_place_alike() {
        let orders = orders();
        assert_eq!(orders.len(), 24);
        for place in 0..OPTIONS {
            assert_eq!(orders.iter().filter(|order| order[place] == 0).count(), 6);
        }
    }

    #[test]
    fn a_number_is_read_and_nothing_else() {
        assert_eq!(place("3"), Some(2));
        assert_eq!(place("It is passage 2, I think, not 4."), Some(1));
        assert_eq!(place("2025"), None);
        assert_eq!(place("the first"), None);
    }
}
