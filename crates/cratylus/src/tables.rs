//! Results as tables for a terminal.

use crate::results::PointData;
use crate::words::{self, count, percent};
use cratylus_core::experiment::threshold::Found;
use cratylus_core::experiment::{Setting, short_names};
use cratylus_core::summary::p_words;
use cratylus_core::watch::facts::{Facts, Share};
use std::io::IsTerminal;

/// What a column says of a condition; None where it has nothing to say.
type ResultCell = Box<dyn Fn(&Facts) -> Option<String>>;

/// A column of results: those that no point has anything for are left out, and of the rest as many as fit.
struct ResultColumn {
    head: String,
    /// Which go first where there is no room: the least.
    rank: u32,
    cell: ResultCell,
    /// What the reader should know of it; once for columns that follow one another.
    note: &'static str,
}

const CONSENSUS: &str = "Rounds to consensus are population rounds (N interactions), over runs: median [quartiles], mean ± sd.";
const REACTION: &str = "Stay, switch: how often a name was kept after success, and changed after failure.";
const BIAS: &str = "Bias: winners over runs against first choices with an empty memory, G test.";
const HELD: &str = "Commonest: the share of agents that hold the commonest opinion at the end, (1 + |m|) / 2 of two; mean ± sd.";
const TIPPED: &str = "Tipped: the minority's name made up at least 95 % of the others' choices over the last three rounds; 95 % intervals.\nFinal: its share of these choices, mean over runs.";
const FOLLOWED: &str =
    "Of other measures mean ± sd over runs, at the end or over the second half; `cratylus list measures` says what they are.";
const ALONE: &str = "Memory: own choices, an underscore, partner's choices, oldest first. p: exact test of equal probabilities.";

/// All columns beside the keys that are swept, in their order.
fn columns(points: &[PointData]) -> Vec<ResultColumn> {
    let column = |head: &str, rank, note, cell: fn(&Facts) -> Option<String>| ResultColumn {
        head: head.into(),
        rank,
        cell: Box::new(cell),
        note,
    };
    // Where all agreed at the start, that they agree says nothing.
    fn judged(facts: &Facts) -> bool {
        facts.tipping.as_ref().is_none_or(|tipping| tipping.majority.is_none())
    }
    let mut all = vec![
        column("memory", 70, ALONE, |facts| Some(facts.individual.as_ref()?.memory_text.clone())),
        column("answers", 60, ALONE, |facts| Some(count(facts.individual.as_ref()?.answers))),
        column("choices", 90, ALONE, |facts| Some(choices(&facts.individual.as_ref()?.choices))),
        column("p uniform", 50, ALONE, |facts| {
            let p = facts.individual.as_ref()?.p_uniform;
            Some(if p < 1e-4 { format!("{p:.0e}") } else { format!("{p:.3}") })
        }),
        column("majority → minority", 55, TIPPED, |facts| {
            let tipping = facts.tipping.as_ref()?;
            Some(format!("{} → {}", tipping.majority.as_deref().unwrap_or("none"), tipping.minority))
        }),
        column("committed", 30, TIPPED, |facts| {
            let tipping = facts.tipping.as_ref()?;
            Some(format!("{} ({})", count(tipping.count), percent(tipping.fraction)))
        }),
        column("tipped", 95, TIPPED, |facts| {
            let tipping = facts.tipping.as_ref().filter(|tipping| tipping.of > 0)?;
            Some(words::interval(tipping.share, tipping.low, tipping.high))
        }),
        column("final", 65, TIPPED, |facts| Some(percent(facts.tipping.as_ref()?.final_share))),
        column("consensus", 80, CONSENSUS, |facts| Some(percent(facts.consensus.as_ref().filter(|_| judged(facts))?.share))),
        column("rounds, median", 45, CONSENSUS, |facts| {
            let [median, _] = words::sample(facts.rounds.as_ref().filter(|_| judged(facts)));
            Some(median).filter(|median| median != "–")
        }),
        column("rounds, mean", 15, CONSENSUS, |facts| {
            let [_, mean] = words::sample(facts.rounds.as_ref().filter(|_| judged(facts)));
            Some(mean).filter(|mean| mean != "–")
        }),
        column("commonest", 85, HELD, |facts| {
            let held = facts.held.as_ref()?;
            Some(format!("{:.4} ± {:.4}", held.mean, held.sd))
        }),
        column("stay", 18, REACTION, |facts| facts.stay_after_success.map(percent)),
        column("switch", 20, REACTION, |facts| facts.switch_after_failure.map(percent)),
        column("winners", 40, "", |facts| Some(words::winners(facts)).filter(|words| words != "–" && judged(facts))),
        column("bias", 35, BIAS, |facts| Some(format!("p {}", p_words(facts.collective_bias.as_ref()?.p)))),
    ];
    let mut followed: Vec<(usize, String, String)> = Vec::new();
    for (key, one) in points.iter().flat_map(|point| &point.facts.followed) {
        let column = (one.place, key.clone(), one.label.clone());
        if !followed.contains(&column) && !one.label.is_empty() {
            followed.push(column);
        }
    }
    followed.sort_unstable();
    // What is said of every game goes first.
    for (rank, (_, key, head)) in (1..).zip(followed) {
        let scored = key.starts_with("score:");
        let cell = move |facts: &Facts| {
            let one = facts.followed.get(&key)?;
            let digits = if one.share { 3 } else { 2 };
            Some(match one.end.n {
                1 => format!("{:.digits$}", one.end.mean),
                _ => format!("{:.digits$} ± {:.digits$}", one.end.mean, one.end.sd),
            })
        };
        // Of scores the first matter most.
        let rank = if scored { 90 - rank.min(60) } else { 20 + rank };
        all.push(ResultColumn { head, rank, cell: Box::new(cell), note: FOLLOWED });
    }
    all
}

fn choices(choices: &[Share]) -> String {
    let mut best: Vec<_> = choices.iter().filter(|share| share.count > 0).collect();
    best.sort_by_key(|share| std::cmp::Reverse(share.count));
    let word = |share: &&Share| format!("{} {:.3}", share.name.as_deref().unwrap_or("?"), share.share);
    best.iter().take(3).map(word).collect::<Vec<_>>().join(", ")
}

/// As wide as the terminal, and at least what any has. None where the results go elsewhere.
fn width() -> Option<usize> {
    let terminal = Some(terminal_size::terminal_size()).filter(|_| std::io::stdout().is_terminal()).flatten();
    terminal.map(|(width, _)| usize::from(width.0).max(WIDTH))
}

/// What tables keep to where nobody knows how wide they may be.
const WIDTH: usize = 80;

/// Sentences as a terminal wraps them; whole where they go elsewhere, as programs look for them.
fn sentences(text: &str) -> String {
    width().map_or_else(|| text.to_string(), |width| words::wrapped(text, width))
}

/// The table of results: one line for each point, and beneath it what was recorded. A column for each key that is swept, and
/// of what there is to say as much as the terminal has room for.
pub fn results_table(points: &[PointData]) -> String {
    table_within(points, width().unwrap_or(WIDTH))
}

fn table_within(points: &[PointData], width: usize) -> String {
    let alone = points.iter().any(|point| point.facts.individual.is_some());
    let tipping = points.iter().any(|point| point.facts.tipping.is_some());
    let mut keys: Vec<&str> = Vec::new();
    for setting in points.iter().flat_map(|point| &point.point.settings) {
        // What an agent remembers has a column of its own, and so has what all agreed on at first.
        let shown = (alone || tipping) && setting.key.starts_with("population.start");
        if setting.telling && !shown && !keys.contains(&setting.key.as_str()) {
            keys.push(&setting.key);
        }
    }
    let mut shown: Vec<ResultColumn> = columns(points);
    shown.retain(|column| points.iter().any(|point| (column.cell)(&point.facts).is_some()));
    let all = shown.len();
    loop {
        let table = lines(points, &keys, &shown);
        let fits = table.lines().all(|line| line.chars().count() <= width);
        let least = shown.iter().enumerate().min_by_key(|(_, column)| column.rank).map(|(i, _)| i);
        match least.filter(|_| !fits && shown.len() > 1) {
            Some(least) => drop(shown.remove(least)),
            None => {
                let mut notes: Vec<&str> = Vec::new();
                for column in shown.iter().filter(|column| !column.note.is_empty()) {
                    if !notes.contains(&column.note) {
                        notes.push(column.note);
                    }
                }
                if shown.len() < all {
                    notes.push("The report, and a wider terminal, have more columns.");
                }
                return format!("{table}\n\n{}", sentences(&notes.join("\n")));
            }
        }
    }
}

fn lines(points: &[PointData], keys: &[&str], columns: &[ResultColumn]) -> String {
    let recorded = points.iter().any(|point| point.recorded.is_some());
    // Without a sweep there is still something to say which line is what was recorded.
    let blank = keys.is_empty() && recorded;
    let mut rows = vec![if blank { vec![String::new()] } else { short_names(keys) }];
    rows[0].push("runs".into());
    rows[0].extend(columns.iter().map(|column| column.head.clone()));
    let said = |facts: &Facts| {
        let cells = columns.iter().map(|column| (column.cell)(facts).unwrap_or_else(|| "–".into()));
        [count(facts.runs)].into_iter().chain(cells).collect::<Vec<_>>()
    };
    for PointData { point, facts, recorded, .. } in points {
        let of = |key: &&str| point.settings.iter().find(|setting| setting.key == **key).map_or(String::new(), short);
        let mut row: Vec<String> = if blank { vec!["here".into()] } else { keys.iter().map(of).collect() };
        row.extend(said(facts));
        rows.push(row);
        if let Some(recorded) = recorded {
            let mut row = vec!["  recorded".to_string()];
            row.resize(keys.len().max(1), String::new());
            row.extend(said(&recorded.facts));
            rows.push(row);
        }
    }
    let number = |c: &usize| {
        rows[1..].iter().all(|row| row[*c].chars().next().is_none_or(|first| first.is_ascii_digit() || "–-".contains(first)))
    };
    let right: Vec<usize> = (0..rows[0].len()).filter(number).collect();
    words::table(&rows, &right)
}

/// A value in a column of its key: of a table what kind it is of, and not longer than a column can be.
fn short(setting: &Setting) -> String {
    const LONGEST: usize = 28;
    let text = match (&setting.value, &setting.label) {
        (toml::Value::Table(table), None) if table.get("kind").and_then(|kind| kind.as_str()) != Some("rule") => {
            let kind = table.get("kind").and_then(|kind| kind.as_str()).map(String::from);
            let rest = table.iter().filter(|(key, _)| *key != "kind").map(|(key, value)| format!("{key} {value}"));
            kind.into_iter().chain(rest).collect::<Vec<_>>().join(" ")
        }
        _ => setting.words(),
    };
    match text.chars().count() {
        0..=LONGEST => text,
        _ => text.chars().take(LONGEST - 1).chain(['…']).collect(),
    }
}

/// Where an outcome passes its threshold, and what thresholds are extrapolated to.
pub fn thresholds_table(found: &Found) -> String {
    let number = |value: f64| {
        let text = format!("{value:.5}");
        if value.fract() == 0.0 { format!("{value}") } else { text.trim_end_matches('0').trim_end_matches('.').to_string() }
    };
    let interval = |low: f64, high: f64| format!("[{}, {}]", number(low), number(high));
    let mut rows = vec![["", "threshold", "95 % interval", "points run", "runs"].map(String::from).to_vec()];
    let mut notes = Vec::new();
    for at in &found.thresholds {
        let threshold = &at.threshold;
        rows.push(vec![
            at.label.clone(),
            threshold.value.map_or("none".into(), number),
            threshold.low.zip(threshold.high).map_or("–".into(), |(low, high)| interval(low, high)),
            threshold.points.to_string(),
            count(threshold.runs),
        ]);
        let of = if at.label.is_empty() { String::new() } else { format!("{}: ", at.label) };
        notes.extend(threshold.caution.iter().map(|caution| format!("caution: {of}{caution}")));
    }
    let what = format!("Threshold in {}: where the share of runs that {} passes {}", found.key, found.of.words(), found.at);
    let table = words::table(&rows, &[1, 3, 4]);
    for at in &found.limits {
        let of = if at.label.is_empty() { String::new() } else { format!("{}: ", at.label) };
        let over = found.over.as_deref().unwrap_or_default();
        notes.push(match (&at.limit, &at.caution) {
            (Some(limit), caution) => {
                let exponent = match limit.exponents {
                    Some([low, high]) => format!("exponent {:.2}, between {low:.2} and {high:.2}", limit.exponent),
                    None => format!("exponent {}, given", limit.exponent),
                };
                format!(
                    "{of}at infinite {over}: {} {} ({exponent}; chi-squared {:.1}, {} degrees of freedom){}",
                    number(limit.value),
                    interval(limit.low, limit.high),
                    limit.chi2,
                    limit.df,
                    caution.as_ref().map_or(String::new(), |why| format!("\n  caution: {why}"))
                )
            }
            (None, why) => format!("{of}not extrapolated: {}", why.as_deref().unwrap_or_default()),
        });
    }
    format!("{}\n{table}\n{}", sentences(&what), sentences(&notes.join("\n"))).trim_end().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::experiment::Document;

    fn point(settings: &str) -> Vec<PointData> {
        let text = format!(
            "[population]\nsize = 24\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\n[agents]\nkind = \"uniform\"\n{settings}"
        );
        let points = Document::parse("t.toml", &text, &[]).unwrap().points().unwrap();
        let facts =
            || Facts { runs: 40, consensus: Some(Share::new(None, 30, 40)), stay_after_success: Some(1.0), ..Facts::default() };
        let data = |point: cratylus_core::experiment::Point| PointData {
            label: point.label(|_| true),
            facts: facts(),
            point,
            examples: Vec::new(),
            recorded: None,
        };
        points.into_iter().map(data).collect()
    }

    #[test]
    fn a_key_that_is_swept_has_a_column_under_its_short_name() {
        let table = table_within(
            &point(
                "[sweep]\n\"game.memory\" = [3, 5]\n\"population.network\" = [{ kind = \"complete\" }, { kind = \"ring\", degree = 4 }]\n",
            ),
            80,
        );
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["memory", "network", "runs", "consensus", "stay"]);
        assert!(lines[4].contains("5") && lines[4].contains("ring degree 4") && lines[4].contains("75 %"), "{table}");
        // Columns that nobody has anything for are left out, and so is what finds no room.
        assert!(!table.contains("winners"));
        let narrow = table_within(&point("[sweep]\n\"game.memory\" = [3, 5]\n"), 24);
        assert!(!narrow.contains("stay ") && narrow.contains("wider"), "{narrow}");
    }

    #[test]
    fn a_label_stands_for_what_a_table_of_a_sweep_sets() {
        let sweep = "[sweep]\nscenario = [{ label = \"short, alone\", \"game.memory\" = 1, \"population.size\" = 8 }, { \"game.memory\" = 2, \"population.size\" = 9 }]\n";
        let points = point(sweep);
        assert_eq!([points[0].label.as_str(), points[1].label.as_str()], ["short, alone", "2"]);
        assert!(table_within(&points, 80).contains("short, alone"));
        assert_eq!(points[0].point.text(), "game.memory=1 population.size=8");
    }
}
