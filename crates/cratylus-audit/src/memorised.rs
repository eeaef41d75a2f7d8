//! Whether a model has a text by heart: what its log-probabilities say of the text beside versions of it that nobody
//! published, and what it says when asked. All of it is about wording. A model can have the words and not use the rule,
//! and know the rule and not the words.

use cratylus_core::language::scored::Scored;
use cratylus_core::seed::Stream;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The log-probability of a text, in nats.
pub fn log_likelihood(tokens: &[Scored]) -> f64 {
    tokens.iter().map(|token| token.logprob).sum()
}

/// Log-probability for each token, in nats.
pub fn per_token(tokens: &[Scored]) -> f64 {
    log_likelihood(tokens) / tokens.len() as f64
}

/// The share of tokens, the least likely ones, that Min-K% looks at.
const LOWEST: f64 = 0.2;

/// Min-K% with K = 20: the mean log-probability of the least likely fifth of the tokens (Shi et al. 2024, arXiv
/// 2310.16789).
pub fn min_k(tokens: &[Scored]) -> f64 {
    lowest(tokens.iter().map(|token| token.logprob).collect())
}

/// Min-K%++ with K = 20: the same of log-probabilities standardised by those of all tokens that could have stood there
/// (Zhang et al. 2025, arXiv 2404.02936, eq. 4). None where the whole distribution is not known.
pub fn min_k_plus(tokens: &[Scored]) -> Option<f64> {
    let standardised = |token: &Scored| token.next.map(|[mean, sd]| (token.logprob - mean) / sd.max(1e-9));
    tokens.iter().map(standardised).collect::<Option<Vec<f64>>>().map(lowest)
}

fn lowest(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.truncate(((values.len() as f64 * LOWEST) as usize).max(1));
    values.iter().sum::<f64>() / values.len() as f64
}

/// How often a value would be as high by chance if it were one of the others: `(1 + others at least as high) / (1 + others)`.
pub fn rank(value: f64, others: &[f64]) -> f64 {
    (1 + others.iter().filter(|other| **other >= value).count()) as f64 / (1 + others.len()) as f64
}

/// One-sided t test that the mean of `values` is above 0: t and p. Without two values that differ it is no test.
pub fn above_zero(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let (mean, sd) = cratylus_core::stats::mean_sd(values);
    let t = mean / (sd / n.sqrt());
    match StudentsT::new(0.0, 1.0, n - 1.0) {
        Ok(students) if t.is_finite() => (t, students.sf(t)),
        _ => (f64::NAN, 1.0),
    }
}

/// The sharded test of exchangeability (Oren et al. 2024, arXiv 2310.17623): whether a list is more likely in its canonical
/// order than shuffled. Orders are the same in every shard, the canonical one first.
pub struct ListOrder {
    /// For each shard the log-probability under each order, nats.
    shards: Vec<Vec<f64>>,
}

impl ListOrder {
    /// From the log-probabilities of each shard, in nats: the canonical order first, then the shuffled ones, as many for every
    /// shard.
    pub fn new(shards: Vec<Vec<f64>>) -> ListOrder {
        ListOrder { shards }
    }

    /// For each shard the log-probability of one order over the mean of the shuffled ones, itself left out; nats.
    pub fn gains(&self, order: usize) -> Vec<f64> {
        let gain = |shard: &Vec<f64>| {
            let others: Vec<f64> = (1..shard.len()).filter(|&other| other != order).map(|other| shard[other]).collect();
            shard[order] - others.iter().sum::<f64>() / others.len() as f64
        };
        self.shards.iter().map(gain).collect()
    }

    /// How many shuffled orders there are.
    pub fn shuffled(&self) -> usize {
        self.shards.first().map_or(0, |shard| shard.len() - 1)
    }

    /// The rank of an order among all, by its mean gain: exact if no order is more natural than another.
    pub fn rank(&self, order: usize) -> f64 {
        let mean = |order: usize| self.gains(order).iter().sum::<f64>();
        let others: Vec<f64> = (0..=self.shuffled()).filter(|&other| other != order).map(mean).collect();
        rank(mean(order), &others)
    }

    /// Whether an order passes for canonical at a level: by t over shards, and by its rank, as shards of one list are
    /// alike in what they like and t alone would find too much.
    pub fn stands_out(&self, order: usize, level: f64) -> bool {
        above_zero(&self.gains(order)).1 <= level && self.rank(order) <= level
    }
}

/// The sentences of a text that are long enough to say something: lines and what ends in a full stop.
pub fn sentences(text: &str) -> Vec<String> {
    let mut sentences = vec![String::new()];
    for line in text.lines() {
        for word in line.split_whitespace() {
            let last = sentences.last_mut().expect("never empty");
            last.push_str(if last.is_empty() { "" } else { " " });
            last.push_str(word);
            if word.ends_with(['.', '!', '?']) {
                sentences.push(String::new());
            }
        }
        sentences.push(String::new());
    }
    sentences.retain(|sentence| sentence.split(' ').count() >= 4);
    sentences
}

/// ROUGE-L recall: the longest common subsequence of words, as a share of the true words (Lin 2004). Case and
/// punctuation at a word's ends do not count.
pub fn rouge_l(said: &str, truth: &str) -> f64 {
    let words = |text: &str| -> Vec<String> {
        let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        text.split_whitespace().map(plain).filter(|word| !word.is_empty()).collect()
    };
    let (said, truth) = (words(said), words(truth));
    let mut row = vec![0_usize; said.len() + 1];
    for word in &truth {
        let mut diagonal = 0;
        for (i, other) in said.iter().enumerate() {
            let above = row[i + 1];
            row[i + 1] = if word == other { diagonal + 1 } else { above.max(row[i]) };
            diagonal = above;
        }
    }
    row[said.len()] as f64 / truth.len().max(1) as f64
}

/// Words that can stand for each other in the rules of a game and in a paper about one.
const ALIKE: [&[&str]; 46] = [
    &["a", "one"],
    &["the", "this"],
    &["each", "every"],
    &["both", "the two"],
    &["also", "too"],
    &["but", "yet"],
    &["if", "whenever"],
    &["when", "once"],
    &["while", "as"],
    &["because", "since"],
    &["therefore", "so", "hence"],
    &["however", "still"],
    &["must", "have to", "need to"],
    &["can", "may"],
    &["will", "shall"],
    &["get", "receive", "obtain"],
    &["gets", "receives", "obtains"],
    &["gain", "earn", "win"],
    &["choose", "pick", "select"],
    &["chooses", "picks", "selects"],
    &["choice", "decision"],
    &["player", "participant"],
    &["players", "participants"],
    &["partner", "counterpart"],
    &["round", "turn"],
    &["rounds", "turns"],
    &["action", "move"],
    &["actions", "moves"],
    &["points", "units"],
    &["objective", "goal", "aim"],
    &["same", "identical"],
    &["different", "distinct"],
    &["many", "numerous"],
    &["large", "big"],
    &["small", "little"],
    &["show", "demonstrate"],
    &["shows", "demonstrates"],
    &["find", "observe"],
    &["use", "employ"],
    &["using", "with"],
    &["population", "group"],
    &["agents", "individuals"],
    &["available", "possible"],
    &["now", "currently"],
    &["exactly", "precisely"],
    &["following", "next"],
];

/// How many of the words that could be replaced are.
const REPLACED: f64 = 0.4;

/// The text with some of its words replaced by others that mean the same, and its numbers by others nearby: a version
/// that nobody published. Layout is kept. A text in which nothing can be replaced comes back as it is.
pub fn perturbed(text: &str, draws: &mut Stream) -> String {
    let mut sites: Vec<(usize, String, &str)> = Vec::new();
    let pieces: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    for (i, piece) in pieces.iter().enumerate() {
        let core = piece.trim_matches(|c: char| !c.is_alphanumeric());
        let lower = core.to_lowercase();
        if let Some(alike) = ALIKE.iter().find(|alike| alike.contains(&lower.as_str())) {
            let others: Vec<&&str> = alike.iter().filter(|other| **other != lower).collect();
            let other = others[draws.below(others.len() as u64) as usize];
            let capital = core.starts_with(char::is_uppercase);
            let other = if capital { other[..1].to_uppercase() + &other[1..] } else { other.to_string() };
            sites.push((i, other, core));
        } else if let Ok(number) = core.parse::<u32>() {
            let step = (number / 10).max(1);
            sites.push((i, (number + step * (1 + draws.below(3) as u32)).to_string(), core));
        }
    }
    let most = ((sites.len() as f64 * REPLACED).ceil() as usize).min(sites.len());
    let mut order: Vec<usize> = (0..sites.len()).collect();
    let n = order.len();
    draws.shuffle(&mut order, n);
    let mut pieces: Vec<String> = pieces.into_iter().map(String::from).collect();
    for &site in &order[..most] {
        let (i, other, core) = &sites[site];
        pieces[*i] = pieces[*i].replacen(core, other, 1);
    }
    pieces.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::{Purpose, Seed};

    fn scored(logprobs: &[f64]) -> Vec<Scored> {
        logprobs.iter().map(|&logprob| Scored { logprob, next: Some([-2.0, 0.5]) }).collect()
    }

    #[test]
    fn the_least_likely_fifth_is_what_counts() {
        let tokens = scored(&[-1.0, -9.0, -2.0, -3.0, -7.0, -1.0, -1.0, -1.0, -1.0, -1.0]);
        assert_eq!(min_k(&tokens), -8.0);
        assert_eq!(min_k_plus(&tokens), Some((-7.0 / 0.5 - 5.0 / 0.5) / 2.0));
        assert!((per_token(&tokens) + 2.7).abs() < 1e-12);
        let partly = [Scored { logprob: -1.0, next: None }];
        assert_eq!(min_k_plus(&partly), None);
        assert_eq!(min_k(&partly), -1.0);
    }

    #[test]
    fn an_order_that_is_known_is_found_and_an_unknown_one_at_the_level() {
        let shards = |known: f64, seed: u64| {
            let mut draws = Seed(seed).stream(Purpose::Resample, 0);
            let shard = |_| (0..25).map(|order| -20.0 + draws.unit() + if order == 0 { known } else { 0.0 }).collect();
            ListOrder::new((0..12).map(shard).collect())
        };
        let known = shards(1.0, 1);
        assert!(above_zero(&known.gains(0)).1 < 1e-4 && known.rank(0) == 1.0 / 25.0 && known.stands_out(0, 0.05));
        let found = (0..400).filter(|&seed| above_zero(&shards(0.0, seed).gains(0)).1 <= 0.05).count();
        assert!((8..=34).contains(&found), "{found} of 400 at the level of 0.05");
        let alarms = (0..200).map(|seed| shards(0.0, seed)).filter(|order| order.stands_out(7, 0.05)).count();
        assert!(alarms <= 20, "{alarms} of 200 at the level of 0.05");
        // Shards that like the same orders: t finds about half of them, the rank one.
        let alike: Vec<f64> = (0..25).map(|order| f64::from(order * 7 % 25)).collect();
        let noise = |shard: u32| alike.iter().map(|worth| worth + f64::from(shard % 3) * 1e-3 * worth).collect();
        let alike = ListOrder::new((0..12).map(noise).collect());
        let by_t = (0..25).filter(|&order| above_zero(&alike.gains(order)).1 <= 0.05).count();
        let by_both = (0..25).filter(|&order| alike.stands_out(order, 0.05)).count();
        assert!(by_t > 8 && by_both == 1, "{by_t} and {by_both}");
    }

    #[test]
    fn t_is_that_of_the_tables() {
        // t = 2.015 is the 95 % point for 5 degrees of freedom.
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let (t, p) = above_zero(&values);
        assert!((t - 3.5 / (3.5_f64.sqrt() / 6.0_f64.sqrt())).abs() < 1e-12, "{t}");
        assert!((p - 0.002_972).abs() < 2e-4, "{p}");
        assert_eq!(above_zero(&[1.0]).1, 1.0);
        assert_eq!(above_zero(&[1.0, 1.0]).1, 1.0);
    }

    #[test]
    fn likeness_is_the_share_of_true_words_in_order() {
        assert_eq!(rouge_l("the cat sat", "The cat sat."), 1.0);
        assert_eq!(rouge_l("sat the cat", "the cat sat"), 2.0 / 3.0);
        assert_eq!(rouge_l("", "the cat sat"), 0.0);
        assert_eq!(rouge_l("the dog and the cat then sat down", "the cat sat"), 1.0);
    }

    #[test]
    fn a_perturbed_text_keeps_its_layout_and_means_the_same() {
        let text = "In every round both players choose an action.\n\nEach gets 100 points; \"Players\" that differ get 50.\n";
        let versions: Vec<String> = (0..20).map(|i| perturbed(text, &mut Seed(1).stream(Purpose::Resample, i))).collect();
        assert!(versions.iter().all(|version| version != text && version.lines().count() == 3));
        assert!(versions.iter().any(|version| version.contains("participants choose")), "{versions:?}");
        assert!(versions.iter().any(|version| version.contains("\"Participants\"")), "{versions:?}");
        assert_eq!(perturbed("Xyzzy!", &mut Seed(1).stream(Purpose::Resample, 0)), "Xyzzy!");
        assert_eq!(versions[3], perturbed(text, &mut Seed(1).stream(Purpose::Resample, 3)));
    }

    #[test]
    fn sentences_are_those_that_say_something() {
        let text = "One sentence is here. And two more\nlines are there now! Yes.\n\n- an item of a list";
        assert_eq!(sentences(text), ["One sentence is here.", "lines are there now!", "- an item of a list"]);
    }
}
