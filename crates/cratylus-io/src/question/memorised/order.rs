//! Is a published list of names more likely in its own order than shuffled? The sharded test of exchangeability.

use super::text::{Detected, LEVEL, TestWords, Tested, Tried, ordered_scene};
use crate::question::interview::{Interview, QuestionKind, Stopped};
use cratylus_audit::finding::Finding;
use cratylus_audit::memorised::{ListOrder, above_zero, log_likelihood};
use cratylus_core::stats::mean_sd;
use cratylus_core::{Purpose, Seed};
use serde_json::json;

/// Shuffled orders of each piece of the list.
const SHUFFLED: usize = 24;

/// Names of a piece: one shard is one piece in one telling.
const PIECE: usize = 5;

impl Interview<'_> {
    pub(super) fn order_calls(&self) -> u64 {
        (self.pieces().len() * (1 + self.agenda.skins.len()) * (1 + SHUFFLED)) as u64
    }

    /// The list, cut into pieces that have enough orders.
    fn pieces(&self) -> Vec<&[String]> {
        self.agenda.published.names.chunks(PIECE).filter(|piece| piece.len() > 3).collect()
    }

    pub(super) fn name_order(&self, condition: &str) -> Result<Finding, Stopped> {
        let names = &self.agenda.published.names;
        let mut shards = Vec::new();
        for variant in self.tellings() {
            let subject = (self.sit)(&variant)?;
            for (i, piece) in self.pieces().into_iter().enumerate() {
                let orders = orders(piece.len(), i as u64);
                let texts: Vec<[String; 2]> = orders
                    .iter()
                    .map(|order| Ok([String::new(), ordered_scene(&subject, piece, order)?]))
                    .collect::<Result<_, Stopped>>()?;
                shards.push(self.score(&subject, texts)?.iter().map(|tokens| log_likelihood(tokens)).collect());
            }
        }
        let text = Tested { name: names.join(" "), text: String::new() };
        let tried = Tried { text, controls: Vec::new(), telling: false };
        let words = TestWords {
            audit: QuestionKind::NameOrder,
            question: "Is the published list of names more likely in its own order than shuffled?",
            value: "log-probability of the published order over shuffled ones, nats".into(),
            statistic: "t over shards, one-sided, and first of all orders",
            reference: 0.0,
            source: "Oren et al. 2024 (arXiv 2310.17623)",
            cautions: vec![
                "orders are not all alike to a model that never saw the list (alphabets, keyboards); the shuffled orders that pass for canonical show how often that happens".into(),
                "shards are tellings by pieces of one list, which are no independent samples".into(),
            ],
        };
        let order = ListOrder::new(shards);
        let n = order.gains(0).len();
        let detected = (n > 1).then(|| {
            let of = |which: usize, name: String| {
                let gains = order.gains(which);
                let (mean, sd) = mean_sd(&gains);
                let (t, p) = above_zero(&gains);
                let half = 1.96 * sd / (gains.len() as f64).sqrt();
                let details = json!({ "t": t, "shards": gains.len(), "rank": order.rank(which) });
                Detected {
                    name,
                    flagged: order.stands_out(which, LEVEL),
                    value: mean,
                    interval: [mean - half, mean + half],
                    p,
                    details,
                }
            };
            let controls = (1..=order.shuffled()).map(|which| of(which, format!("shuffled {which}"))).collect();
            (of(0, "published order".into()), controls)
        });
        Ok(self.told(condition, words, &tried, detected))
    }
}

/// The order of the list, and others that are not.
fn orders(n: usize, piece: u64) -> Vec<Vec<u16>> {
    let mut draws = Seed(piece).stream(Purpose::Order, 0);
    let mut orders = vec![(0..n as u16).collect::<Vec<u16>>()];
    let most = (1..=n).product::<usize>().min(1 + SHUFFLED);
    while orders.len() < most {
        let mut order = orders[0].clone();
        draws.shuffle(&mut order, n);
        if !orders.contains(&order) {
            orders.push(order);
        }
    }
    orders
}
