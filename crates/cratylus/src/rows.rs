//! Rows: every number of a report as one line for each point and measure, for tables of other programs and for comparisons.

use crate::failure::Failure;
use crate::results::PointData;
use cratylus_core::stats::interval;
use cratylus_core::watch::facts::{Facts, Sample, Share};

/// One number that a reader is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What is measured, as `consensus` or `winner:Q`.
    pub measure: String,
    /// Over how many runs, choices or answers.
    pub n: u64,
    /// The mean, or the share.
    pub value: f64,
    /// The 95 % interval: Clopper–Pearson of shares, Student's t of means; None of what has none.
    pub interval: Option<[f64; 2]>,
    /// The standard deviation over runs, of means.
    pub sd: Option<f64>,
    /// How many of `n`, of shares.
    pub count: Option<u64>,
}

fn share(measure: String, share: &Share) -> Row {
    let Share { count, of, share, low, high, .. } = *share;
    Row { measure, n: of, value: share, interval: Some([low, high]), sd: None, count: Some(count) }
}

fn sample(measure: String, sample: &Sample) -> Row {
    let n = sample.n as f64;
    let ends = match sample.n {
        0 | 1 => None,
        // Runs that are all alike differ by nothing.
        _ if sample.sd == 0.0 => Some([sample.mean; 2]),
        _ => Some(interval(sample.mean, sample.sd / n.sqrt(), sample.n)),
    };
    Row { measure, n: sample.n as u64, value: sample.mean, interval: ends, sd: Some(sample.sd), count: None }
}

fn number(measure: &str, n: u64, value: f64) -> Row {
    Row { measure: measure.into(), n, value, interval: None, sd: None, count: None }
}

/// All that is said of a point, a number a row.
pub fn rows(facts: &Facts) -> Vec<Row> {
    let mut all = Vec::new();
    let named = |what: &str, one: &Share| match &one.name {
        Some(name) => format!("{what}:{name}"),
        None => what.to_string(),
    };
    all.extend(facts.consensus.iter().map(|one| share("consensus".into(), one)));
    all.extend(facts.rounds.iter().map(|one| sample("rounds_to_consensus".into(), one)));
    all.extend(facts.winners.iter().map(|one| share(named("winner", one), one)));
    all.extend(facts.prior.iter().map(|one| share(named("first_choice", one), one)));
    all.extend(facts.prior_p.map(|p| number("first_choice_p", facts.runs, p)));
    all.extend(facts.collective_bias.iter().map(|bias| number("collective_bias_p", facts.runs, bias.p)));
    if let Some(tipping) = &facts.tipping {
        all.push(Row {
            measure: "tipped".into(),
            n: tipping.of,
            value: tipping.share,
            interval: Some([tipping.low, tipping.high]),
            sd: None,
            count: Some(tipping.tipped),
        });
        all.push(number("final_share", facts.runs, tipping.final_share));
    }
    if let Some(individual) = &facts.individual {
        all.extend(individual.choices.iter().map(|one| share(named("choice", one), one)));
        all.push(number("choice_p", individual.answers, individual.p_uniform));
    }
    all.extend(facts.held.iter().map(|one| sample("held_share".into(), one)));
    all.extend(facts.stay_after_success.map(|rate| number("stay_after_success", facts.runs, rate)));
    all.extend(facts.switch_after_failure.map(|rate| number("switch_after_failure", facts.runs, rate)));
    all.extend(facts.invalid_share.map(|rate| number("invalid_share", facts.runs, rate)));
    all.push(number("void_share", facts.runs, facts.void_share));
    let mut followed: Vec<_> = facts.followed.iter().collect();
    followed.sort_by_key(|(key, one)| (one.place, (*key).clone()));
    all.extend(followed.into_iter().map(|(key, one)| sample(key.clone(), &one.end)));
    all
}

/// The rows of all points as a table for other programs: a column for each swept key, then measure, n, value, low, high.
/// What was recorded elsewhere stands beneath with `recorded` as its source.
pub fn csv(points: &[PointData]) -> Result<String, Failure> {
    let mut keys: Vec<&str> = Vec::new();
    for setting in points.iter().flat_map(|point| &point.point.settings) {
        if !keys.contains(&setting.key.as_str()) {
            keys.push(&setting.key);
        }
    }
    let mut out = csv::Writer::from_writer(Vec::new());
    let wrong = |error: csv::Error| Failure::run(format!("writing CSV: {error}"));
    let head = ["point", "source"].into_iter().chain(keys.iter().copied()).chain(["measure", "n", "value", "low", "high", "sd"]);
    out.write_record(head).map_err(wrong)?;
    for data in points {
        let of = |key: &&str| data.point.settings.iter().find(|one| one.key == **key).map_or(String::new(), |one| one.words());
        let keys: Vec<String> = keys.iter().map(of).collect();
        let facts = [("run", Some(&data.facts)), ("recorded", data.recorded.as_ref().map(|recorded| &recorded.facts))];
        for (source, facts) in facts.into_iter().filter_map(|(source, facts)| Some((source, facts?))) {
            for row in rows(facts) {
                // A number that is none is an empty cell, which every reader of tables takes for missing.
                let number =
                    |value: Option<f64>| value.filter(|value| value.is_finite()).map_or(String::new(), |value| value.to_string());
                let ends = row.interval.map_or([None; 2], |ends| ends.map(Some));
                let label = if data.label.is_empty() { "all runs" } else { &data.label };
                let cells = [label.to_string(), source.to_string()].into_iter().chain(keys.iter().cloned()).chain([
                    row.measure,
                    row.n.to_string(),
                    number(Some(row.value)),
                    number(ends[0]),
                    number(ends[1]),
                    number(row.sd),
                ]);
                out.write_record(cells).map_err(wrong)?;
            }
        }
    }
    let bytes = out.into_inner().map_err(|error| Failure::run(format!("writing CSV: {error}")))?;
    Ok(String::from_utf8(bytes).expect("cells are text").trim_end().to_string())
}
