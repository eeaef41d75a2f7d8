//! Results as tables for a terminal.

use crate::results::PointData;
use crate::words::{self, count};
use cratylus_core::experiment::threshold::Found;

/// The table of results: one line for each point, and beneath it what was recorded.
pub fn results_table(points: &[PointData]) -> String {
    let tipping = points.iter().any(|point| point.facts.tipping.is_some());
    let individual = points.iter().any(|point| point.facts.individual.is_some());
    if individual {
        individual_table(points)
    } else if tipping {
        tipping_table(points)
    } else if points.iter().any(|point| point.facts.held.is_some()) {
        opinions_table(points)
    } else if points.iter().any(|point| !point.facts.followed.is_empty()) {
        followed_table(points)
    } else {
        consensus_table(points)
    }
}

fn consensus_table(points: &[PointData]) -> String {
    let head = ["", "runs", "consensus", "rounds, median", "rounds, mean", "stay", "switch", "winners", "collective bias"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let bias = |facts: &cratylus_core::watch::facts::Facts| {
        let p = |bias: &cratylus_core::watch::facts::CollectiveBias| format!("p {}", cratylus_core::summary::p_words(bias.p));
        facts.collective_bias.as_ref().map_or("–".into(), p)
    };
    let mut push = |label: String, facts: &cratylus_core::watch::facts::Facts| {
        let [median, mean] = words::sample(facts.rounds.as_ref());
        let consensus = facts.consensus.as_ref().map_or("–".into(), |share| words::percent(share.share));
        let rate = |rate: Option<f64>| rate.map_or("–".into(), words::percent);
        let (stay, switch) = (rate(facts.stay_after_success), rate(facts.switch_after_failure));
        rows.push(vec![label, count(facts.runs), consensus, median, mean, stay, switch, words::winners(facts), bias(facts)]);
    };
    for point in points {
        push(point.label.clone(), &point.facts);
        if let Some(recorded) = &point.recorded {
            push("  recorded".into(), &recorded.facts);
        }
    }
    let table = words::table(&rows, &[1, 2, 5, 6]);
    format!(
        "{table}\n\nRounds to consensus are population rounds (N interactions): median [quartiles] and mean ± sd over runs.\nStay, switch: how often a name was kept after success, and changed after failure.\nCollective bias: winners over runs against first choices with an empty memory, G test."
    )
}

fn opinions_table(points: &[PointData]) -> String {
    let head = ["", "runs", "consensus", "rounds, median", "rounds, mean", "commonest at the end", "winners"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for PointData { label, facts, .. } in points {
        let [median, mean] = words::sample(facts.rounds.as_ref());
        let consensus = facts.consensus.as_ref().map_or("–".into(), |share| words::percent(share.share));
        let held = |held: &cratylus_core::watch::facts::Sample| format!("{:.4} ± {:.4}", held.mean, held.sd);
        let held = facts.held.as_ref().map_or("–".into(), held);
        rows.push(vec![label.clone(), count(facts.runs), consensus, median, mean, held, words::winners(facts)]);
    }
    let table = words::table(&rows, &[1, 2, 5]);
    format!(
        "{table}\n\nConsensus: all agents hold one opinion. Rounds are population rounds (N agents asked): median [quartiles] and mean ± sd over runs.\nCommonest at the end: the share of agents that hold the commonest opinion, (1 + |m|) / 2 of two; mean ± sd over runs."
    )
}

/// What is followed in games in which nothing is agreed on: a column for each measure.
fn followed_table(points: &[PointData]) -> String {
    let mut columns: Vec<(usize, &str, &str, bool)> = Vec::new();
    for (key, followed) in points.iter().flat_map(|point| &point.facts.followed) {
        let column = (followed.place, key.as_str(), followed.label.as_str(), followed.late);
        if !columns.contains(&column) && !followed.label.is_empty() {
            columns.push(column);
        }
    }
    columns.sort_unstable();
    // What does not fit beside the rest is in the report: what is said of every game goes first.
    let all = columns.len();
    loop {
        let table = followed_columns(points, &columns);
        let fits = table.lines().all(|line| line.chars().count() <= WIDTH);
        if fits || columns.len() == 1 {
            let of = |late: bool| columns.iter().any(|column| column.3 == late);
            let what = match (of(true), of(false)) {
                (true, false) => "Over the second half of a run",
                (false, true) => "At the end of a run",
                _ => "At the end of a run, or over its second half",
            };
            let more = if columns.len() < all { "; the report has more" } else { "" };
            return format!("{table}\n\n{what}, mean ± sd over runs{more}.\n`cratylus list measures` says what each column is.");
        }
        columns.remove(0);
    }
}

/// A terminal has so many columns at least.
const WIDTH: usize = 80;

fn followed_columns(points: &[PointData], columns: &[(usize, &str, &str, bool)]) -> String {
    let mut rows = vec![vec![String::new(), "runs".to_string()]];
    rows[0].extend(columns.iter().map(|(_, _, label, _)| label.to_string()));
    for PointData { label, facts, .. } in points {
        let mut row = vec![label.clone(), count(facts.runs)];
        for (_, key, ..) in columns {
            row.push(facts.followed.get(*key).map_or("–".into(), |followed| {
                let digits = if followed.share { 3 } else { 2 };
                match followed.end.n {
                    1 => format!("{:.digits$}", followed.end.mean),
                    _ => format!("{:.digits$} ± {:.digits$}", followed.end.mean, followed.end.sd),
                }
            }));
        }
        rows.push(row);
    }
    words::table(&rows, &(1..rows[0].len()).collect::<Vec<_>>())
}

fn tipping_table(points: &[PointData]) -> String {
    let head = ["", "majority → minority", "committed", "runs", "tipped", "final share", "recorded"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for point in points {
        let Some(tipping) = &point.facts.tipping else { continue };
        let recorded = point.recorded.as_ref().and_then(|recorded| recorded.facts.tipping.as_ref());
        rows.push(vec![
            point.label_without(&["agents.committed", "population.start"]),
            format!("{} → {}", tipping.majority.as_deref().unwrap_or("none"), tipping.minority),
            format!("{} ({})", tipping.count, words::percent(tipping.fraction)),
            count(tipping.of),
            words::interval(tipping.share, tipping.low, tipping.high),
            words::percent(tipping.final_share),
            recorded.map_or(String::new(), |tipping| format!("{} of {} tipped", tipping.tipped, tipping.of)),
        ]);
    }
    let table = words::table(&rows, &[3]);
    format!(
        "{table}\n\nTipped: the minority's name made up at least 95 % of the others' choices over the last three rounds; 95 % intervals."
    )
}

/// Where an outcome passes its threshold, and what thresholds are extrapolated to.
pub fn thresholds_table(found: &Found) -> String {
    let number = |value: f64| {
        let text = format!("{value:.5}");
        if value.fract() == 0.0 { format!("{value}") } else { text.trim_end_matches('0').trim_end_matches('.').to_string() }
    };
    let interval = |low: f64, high: f64| format!("[{}, {}]", number(low), number(high));
    let mut rows = vec![["", "threshold", "95 % interval", "points run", "runs", ""].map(String::from).to_vec()];
    for at in &found.thresholds {
        let threshold = &at.threshold;
        rows.push(vec![
            at.label.clone(),
            threshold.value.map_or("none".into(), number),
            threshold.low.zip(threshold.high).map_or("–".into(), |(low, high)| interval(low, high)),
            threshold.points.to_string(),
            count(threshold.runs),
            threshold.caution.clone().unwrap_or_default(),
        ]);
    }
    let mut text = format!(
        "Threshold in {}: where the share of runs that {} passes {}\n{}",
        found.key,
        found.of.words(),
        found.at,
        words::table(&rows, &[1, 3, 4])
    );
    for at in &found.limits {
        let of = if at.label.is_empty() { String::new() } else { format!("{}: ", at.label) };
        let over = found.over.as_deref().unwrap_or_default();
        text += &match (&at.limit, &at.caution) {
            (Some(limit), caution) => {
                let exponent = match limit.exponents {
                    Some([low, high]) => format!("exponent {:.2}, between {low:.2} and {high:.2}", limit.exponent),
                    None => format!("exponent {}, given", limit.exponent),
                };
                format!(
                    "\n{of}at infinite {over}: {} {} ({exponent}; chi-squared {:.1}, {} degrees of freedom){}",
                    number(limit.value),
                    interval(limit.low, limit.high),
                    limit.chi2,
                    limit.df,
                    caution.as_ref().map_or(String::new(), |why| format!("\n  caution: {why}"))
                )
            }
            (None, why) => format!("\n{of}not extrapolated: {}", why.as_deref().unwrap_or_default()),
        };
    }
    text
}

fn individual_table(points: &[PointData]) -> String {
    let head = ["", "own_partner", "answers", "choices", "p uniform", "recorded"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let choices = |choices: &[cratylus_core::watch::facts::Share]| {
        let mut best: Vec<_> = choices.iter().filter(|share| share.count > 0).collect();
        best.sort_by_key(|share| std::cmp::Reverse(share.count));
        best.iter()
            .take(3)
            .map(|share| format!("{} {:.3}", share.name.as_deref().unwrap_or("?"), share.share))
            .collect::<Vec<_>>()
            .join(", ")
    };
    for point in points {
        let Some(one) = &point.facts.individual else { continue };
        let recorded = point.recorded.as_ref().and_then(|recorded| recorded.facts.individual.as_ref());
        let p = if one.p_uniform < 1e-4 { format!("{:.0e}", one.p_uniform) } else { format!("{:.3}", one.p_uniform) };
        let beside = recorded
            .map_or(String::new(), |recorded| format!("{} (n = {})", choices(&recorded.choices), count(recorded.answers)));
        rows.push(vec![
            point.label_without(&["population.start"]),
            one.memory_text.clone(),
            count(one.answers),
            choices(&one.choices),
            p,
            beside,
        ]);
    }
    words::table(&rows, &[2])
}
