//! Recall mixed with following: at each choice, with some probability the agent says one recalled name whatever it
//! remembers, with some probability it lapses to any name, and else it follows what it remembers (a lag logit in
//! which labels may count). The weight of recall is a floor under one name that no memory removes, which is what
//! tells it from a label bias: a bias gives way to strong evidence, a floor does not.

use super::fitted::Fitted;
use super::lags::Lags;
use super::rival::{RivalRule, RivalSetting, softmax};
use crate::evidence::Decisions;
use crate::rivals::Form;
use cratylus_core::policy::Round;
use cratylus_core::stats::{interval, mean_sd};
use std::sync::Arc;

/// A mixture with a given recalled name, or with none.
pub struct Mixture {
    lags: Lags,
    recalled: Option<u16>,
    n_names: usize,
}

impl Mixture {
    pub fn new(setting: &RivalSetting, recalled: Option<u16>) -> Mixture {
        Mixture { lags: Lags { memory: setting.memory }, recalled, n_names: setting.n_names }
    }

    /// The weights of recall and of lapses.
    pub fn weights(&self, theta: &[f64]) -> [f64; 2] {
        let n = 2 * self.lags.memory;
        let lapse = theta[n].clamp(-20.0, 20.0).exp();
        let recall = self.recalled.map_or(0.0, |_| theta[n + 1].clamp(-20.0, 20.0).exp());
        let all = 1.0 + lapse + recall;
        [recall / all, lapse / all]
    }

    /// Where the labels of the following part begin.
    fn labels(&self) -> usize {
        2 * self.lags.memory + 1 + usize::from(self.recalled.is_some())
    }
}

impl RivalRule for Mixture {
    fn start(&self) -> Vec<f64> {
        let mut start = self.lags.start();
        start.push(-4.0);
        start.extend(self.recalled.map(|_| -3.0));
        start.extend(std::iter::repeat_n(0.0, self.n_names - 1));
        start
    }

    fn utilities(&self, theta: &[f64], window: &[Round], out: &mut [f64]) {
        self.lags.utilities(&theta[..2 * self.lags.memory], window, out);
        out[1..].iter_mut().zip(&theta[self.labels()..]).for_each(|(u, label)| *u += label);
        softmax(out);
        let [recall, lapse] = self.weights(theta);
        let share = lapse / out.len() as f64;
        out.iter_mut().for_each(|p| *p = share + (1.0 - recall - lapse) * *p);
        if let Some(recalled) = self.recalled {
            out[recalled as usize] += recall;
        }
        out.iter_mut().for_each(|p| *p = p.max(1e-12).ln());
    }

    fn slopes(&self, theta: &[f64], window: &[Round], out: &mut [f64]) -> bool {
        let (k, of_lags) = (self.n_names, 2 * self.lags.memory);
        let mut followed = vec![0.0; k];
        self.lags.utilities(&theta[..of_lags], window, &mut followed);
        followed[1..].iter_mut().zip(&theta[self.labels()..]).for_each(|(u, label)| *u += label);
        softmax(&mut followed);
        let [recall, lapse] = self.weights(theta);
        let follow = 1.0 - recall - lapse;
        let is_recalled = |name: usize| self.recalled.is_some_and(|recalled| recalled as usize == name);
        let each = |name: usize| if is_recalled(name) { recall } else { 0.0 } + lapse / k as f64 + follow * followed[name];
        // What follows: a logit's slope, weighed by how much of each name's probability is following.
        let share: Vec<f64> = (0..k).map(|name| follow * followed[name] / each(name).max(1e-12)).collect();
        self.lags.slopes(theta, window, &mut out[..of_lags * k]);
        for label in 1..k {
            let row = &mut out[(self.labels() + label - 1) * k..][..k];
            row.fill(0.0);
            row[label] = 1.0;
        }
        for parameter in (0..of_lags).chain(self.labels()..self.labels() + k - 1) {
            let row = &mut out[parameter * k..][..k];
            let mean: f64 = row.iter().zip(&followed).map(|(s, p)| s * p).sum();
            row.iter_mut().zip(&share).for_each(|(s, share)| *s = share * (*s - mean));
        }
        // The weights are a softmax of their own: d p / d θ = weight × (part − p).
        for name in 0..k {
            let p = each(name);
            out[of_lags * k + name] = lapse * (1.0 / k as f64 - p) / p.max(1e-12);
            if self.recalled.is_some() {
                out[(of_lags + 1) * k + name] = recall * (f64::from(u8::from(is_recalled(name))) - p) / p.max(1e-12);
            }
        }
        true
    }

    fn shown(&self, theta: &[f64]) -> Vec<(String, f64)> {
        let [recall, lapse] = self.weights(theta);
        vec![("recall".into(), recall), ("lapse".into(), lapse)]
    }
}

/// How much of the choices is recall of one name, and how surely.
#[derive(Clone, Debug)]
pub struct RecallWeight {
    /// The recalled name.
    pub name: u16,
    /// The share of choices that are recall of it, from 0 to 1.
    pub weight: f64,
    /// A 95 % interval, by the jackknife over runs.
    pub interval: [f64; 2],
    /// The share of choices that are lapses to any name, from 0 to 1.
    pub lapse: f64,
    /// What recall adds to the log score of runs left out, in nats in all, and its standard error over runs.
    pub gain: f64,
    /// The standard error of the gain.
    pub gain_se: f64,
}

/// Fits the mixture, with each of the likeliest recalled names, and without one.
pub fn recall_weight(decisions: &Decisions, setting: &RivalSetting, folds: usize) -> Option<RecallWeight> {
    let k = setting.n_names;
    let mut by_choice: Vec<(u16, f64)> =
        (0..k as u16).map(|name| (name, decisions.counts.iter().skip(name as usize).step_by(k).sum())).collect();
    by_choice.sort_by(|a, b| b.1.total_cmp(&a.1));
    let without: Arc<dyn RivalRule> = Arc::new(Mixture::new(setting, None));
    let total = |response: &Fitted| -> f64 { decisions.by_run.iter().map(|run| response.score(decisions, run)).sum() };
    let fitted = by_choice.iter().take(2).map(|&(name, _)| {
        let rule: Arc<dyn RivalRule> = Arc::new(Mixture::new(setting, Some(name)));
        let response = Fitted::fit(&Form::Rule(rule.clone()), false, decisions, &decisions.counts, None);
        (total(&response), name, rule, response)
    });
    let (_, name, rule, whole) = fitted.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let mixture = Mixture::new(setting, Some(name));
    let theta = |response: &Fitted| match response {
        Fitted::Rule { theta, .. } => theta.clone(),
        Fitted::Table { .. } => unreachable!("a rule was fitted"),
    };
    let [weight, lapse] = mixture.weights(&theta(&whole));
    let plain = Fitted::fit(&Form::Rule(without.clone()), false, decisions, &decisions.counts, None);
    let folds = folds.min(decisions.runs.len());
    let (mut weights, mut gains) = (Vec::new(), vec![0.0; decisions.runs.len()]);
    for fold in 0..folds {
        let counts = decisions.weighed(|run| if run % folds == fold { 0.0 } else { 1.0 });
        let with = Fitted::fit(&Form::Rule(rule.clone()), false, decisions, &counts, Some(&whole));
        let other = Fitted::fit(&Form::Rule(without.clone()), false, decisions, &counts, Some(&plain));
        weights.push(mixture.weights(&theta(&with))[0]);
        for run in (fold..decisions.runs.len()).step_by(folds) {
            let choices = &decisions.by_run[run];
            gains[run] = with.score(decisions, choices) - other.score(decisions, choices);
        }
    }
    let (mean, _) = mean_sd(&weights);
    let squares: f64 = weights.iter().map(|weight| (weight - mean).powi(2)).sum();
    let se = (squares * (folds as f64 - 1.0) / folds as f64).sqrt();
    let (_, sd) = mean_sd(&gains);
    Some(RecallWeight {
        name,
        weight,
        interval: {
            let [low, high] = interval(weight, se, folds);
            [low.max(0.0), high.min(1.0)]
        },
        lapse,
        gain: gains.iter().sum(),
        gain_se: sd * (gains.len() as f64).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_the_utilities() {
        let setting = RivalSetting { n_names: 3, memory: 2, payoff: [1.0, -0.5] };
        let mixture = Mixture::new(&setting, Some(1));
        let theta = [0.7, 1.2, -0.3, 0.4, -2.0, -1.0, 0.5, -0.6];
        let window = [[0, 2], [1, 1]];
        let mut slopes = vec![0.0; theta.len() * 3];
        assert!(mixture.slopes(&theta, &window, &mut slopes));
        let utilities = |theta: &[f64]| {
            let mut out = [0.0; 3];
            mixture.utilities(theta, &window, &mut out);
            out
        };
        for i in 0..theta.len() {
            let (mut above, mut below) = (theta, theta);
            above[i] += 1e-6;
            below[i] -= 1e-6;
            let (above, below) = (utilities(&above), utilities(&below));
            for name in 0..3 {
                let numeric = (above[name] - below[name]) / 2e-6;
                assert!((numeric - slopes[i * 3 + name]).abs() < 1e-5, "{i} {name}: {numeric} {}", slopes[i * 3 + name]);
            }
        }
    }
}
