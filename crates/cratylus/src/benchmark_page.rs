//! A benchmark as a page: its statements with what decides them, pictures, and tables.

use crate::words::count;
use cratylus_audit::benchmark::{About, Benchmark, CorpusRowScored, Estimate, Scored, Statement};
use cratylus_audit::finding::{Bar, Line, Picture, Who};
use serde_json::{Value, json};

/// What the report's page shows of it.
pub fn page(benchmark: &Benchmark) -> Value {
    let statements: Vec<Value> = benchmark.statements.iter().map(statement).collect();
    let mut pictures: Vec<Value> = Vec::new();
    for (about, what) in [(About::Rule, "records of the rule"), (About::Outcome, "records in which one name always wins")] {
        let of: Vec<&Scored> = benchmark.audits.iter().filter(|audit| audit.about == about && !audit.at.is_empty()).collect();
        pictures.extend(power(&of, what));
        pictures.extend(alarms(&of, what));
    }
    pictures.extend(exposure(benchmark));
    let tables: Vec<Value> = [responses(benchmark), audits(benchmark), canaries(benchmark)].into_iter().flatten().collect();
    json!({ "conclusion": benchmark.conclusion, "statements": statements, "tables": tables, "pictures": pictures })
}

fn statement(statement: &Statement) -> Value {
    let bar = |estimate: &Estimate| {
        let [low, high] = estimate.interval;
        let ends = (high - low).is_finite();
        Bar {
            label: estimate.what.clone(),
            group: String::new(),
            who: Who::Record,
            value: estimate.value,
            low: ends.then_some(low),
            high: ends.then_some(high),
        }
    };
    let rows: Vec<Bar> = statement.estimates.iter().filter(|estimate| estimate.value.is_finite()).map(bar).collect();
    let (axis, reference) = match statement.name.as_str() {
        "necessity" => ("success with hidden labels less success without partners", Some(cratylus_audit::benchmark::NECESSITY)),
        "macro-equivalence" => ("difference of twins, each in its own unit", Some(0.0)),
        _ => ("area under the curve, or share of models", Some(cratylus_audit::benchmark::TELLS)),
    };
    let picture = Picture::Bars { title: "What decides it".into(), axis: axis.into(), rows, reference };
    json!({
        "name": statement.name,
        "words": statement.words,
        "decided": statement.decided.words(),
        "picture": (!statement.estimates.is_empty()).then_some(picture),
    })
}

/// How often each audit finds what is there, against how much of it there is.
fn power(of: &[&Scored], what: &str) -> Option<Value> {
    let line = |audit: &&Scored| {
        let first = &audit.at.first()?.corpus;
        let at: Vec<_> = audit.at.iter().filter(|at| at.corpus == *first).collect();
        (at.len() > 1).then(|| Line {
            label: audit.audit.clone(),
            who: Who::Rival,
            joined: true,
            x: at.iter().map(|at| 100.0 * at.dose).collect(),
            y: at.iter().map(|at| at.found.share).collect(),
            low: at.iter().map(|at| at.found.low).collect(),
            high: at.iter().map(|at| at.found.high).collect(),
        })
    };
    // More lines than these nobody tells apart: those that find most.
    let mut lines: Vec<Line> = of.iter().filter_map(line).collect();
    lines.sort_by(|a, b| b.y.iter().sum::<f64>().total_cmp(&a.y.iter().sum::<f64>()));
    lines.truncate(6);
    let picture = Picture::Curves {
        title: format!("How often audits find {what}, by dose: the six that find most"),
        x: "dose, % of rows".into(),
        y: "share of models".into(),
        lines,
        reference: Some(cratylus_audit::benchmark::LEVEL),
    };
    let mut picture = serde_json::to_value(&picture).expect("plain data");
    picture["log_x"] = true.into();
    (!picture["lines"].as_array()?.is_empty()).then_some(picture)
}

/// How often each audit finds it in models with it, at the highest dose, and in models without.
fn alarms(of: &[&Scored], what: &str) -> Option<Value> {
    let bar = |audit: &Scored, group: String, found: cratylus_core::stats::Proportion| Bar {
        label: audit.audit.clone(),
        group,
        who: Who::Record,
        value: found.share,
        low: Some(found.low),
        high: Some(found.high),
    };
    let mut rows = Vec::new();
    for audit in of {
        let Some(at) = audit.at.iter().max_by(|a, b| a.dose.total_cmp(&b.dose)) else { continue };
        rows.push(bar(audit, format!("models with it ({} at {} %)", at.corpus, 100.0 * at.dose), at.found));
    }
    for audit in of {
        rows.push(bar(audit, "models that read nothing of the game".into(), audit.false_alarms[0]));
    }
    rows.retain(|row| row.value.is_finite());
    let picture = Picture::Bars {
        title: format!("Where audits find {what}: where the card says so, and where it does not"),
        axis: "share of models in which it is found".into(),
        rows,
        reference: Some(cratylus_audit::benchmark::LEVEL),
    };
    (!of.is_empty()).then(|| serde_json::to_value(&picture).expect("plain data"))
}

fn exposure(benchmark: &Benchmark) -> Option<Value> {
    let of: Vec<_> = benchmark.canaries.iter().filter(|row| row.times > 0).collect();
    let picture = Picture::Curves {
        title: "How exposed rows are, by how often they were read".into(),
        x: "copies among the rows of the corpus".into(),
        y: "exposure, bits".into(),
        lines: vec![Line {
            label: "mean over models".into(),
            who: Who::Rival,
            joined: true,
            x: of.iter().map(|row| row.times as f64).collect(),
            y: of.iter().map(|row| row.exposure).collect(),
            low: of.iter().map(|row| row.exposure_interval[0]).collect(),
            high: of.iter().map(|row| row.exposure_interval[1]).collect(),
        }],
        reference: benchmark.canaries.iter().find(|row| row.times == 0).map(|row| row.exposure),
    };
    let mut picture = serde_json::to_value(&picture).expect("plain data");
    picture["log_x"] = true.into();
    (!of.is_empty()).then_some(picture)
}

fn responses(benchmark: &Benchmark) -> Option<Value> {
    let first = benchmark.corpora.first()?;
    let names: Vec<&String> = first.means.iter().map(|(name, _)| name).collect();
    let mut head: Vec<String> = ["corpus", "dose", "copies", "models"].map(String::from).to_vec();
    head.extend(names.iter().map(|name| name.to_string()));
    let row = |of: &CorpusRowScored| {
        let mut row =
            vec![of.corpus.clone(), format!("{} %", 100.0 * of.dose), format!("{} %", 100.0 * of.copies), count(of.models)];
        row.extend(names.iter().map(|name| {
            let value = of.means.iter().find(|(known, _)| known == *name);
            value.map_or("–".to_string(), |(_, value)| format!("{value:.2}"))
        }));
        row
    };
    let width = head.len();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(benchmark.corpora.iter().map(row)).collect();
    Some(json!({
        "title": "Models by corpus",
        "note": "Means over models: responses and populations, what models answer, and how well texts that they read are told from others (area under the curve).",
        "right": (1..width).collect::<Vec<_>>(),
        "rows": rows,
    }))
}

fn audits(benchmark: &Benchmark) -> Option<Value> {
    let head = [
        "audit",
        "about",
        "needs",
        "corpus",
        "dose",
        "found",
        "AUC",
        "half found at",
        "alarms",
        "on other bases",
        "on other corpora",
        "safe",
    ];
    let mut rows: Vec<Vec<String>> = vec![head.map(String::from).to_vec()];
    for audit in &benchmark.audits {
        for (i, at) in audit.at.iter().enumerate() {
            let first = |text: String| if i == 0 { text } else { String::new() };
            let about = match audit.about {
                About::Rule => "rule",
                About::Outcome => "outcome",
                About::Text => "text",
            };
            let mut row = vec![first(audit.audit.clone()), first(about.into()), first(audit.needs.words().into())];
            row.extend([at.corpus.clone(), format!("{} %", 100.0 * at.dose), format!("{} of {}", at.found.count, at.found.of)]);
            row.push(format!("{:.2} [{:.2}, {:.2}]", at.auc, at.auc_interval[0], at.auc_interval[1]));
            row.push(first(audit.half.map_or("–".into(), |dose| format!("{:.2} %", 100.0 * dose))));
            row.extend(audit.false_alarms.map(|alarms| match alarms.of {
                0 => first("–".into()),
                of => first(format!("{} of {of}", alarms.count)),
            }));
            row.push(first(if audit.not_safe { "not safe".into() } else { "yes".into() }));
            rows.push(row);
        }
    }
    (rows.len() > 1).then(|| {
        json!({
            "title": "Audits against the cards",
            "note": "Found: models in which an audit finds what is there. Not safe: more than twice as many false alarms as the 5 % that are meant, of models that read nothing of the game.",
            "right": [4, 5, 6, 7, 8, 9, 10],
            "rows": rows,
        })
    })
}

fn canaries(benchmark: &Benchmark) -> Option<Value> {
    let head = ["copies", "exposure, bits", "shadows: AUC", "found at 1 % alarms", "loss: AUC"];
    let mut rows: Vec<Vec<String>> = vec![head.map(String::from).to_vec()];
    for row in &benchmark.canaries {
        let auc = |of: Option<(f64, [f64; 2])>| {
            of.map_or("–".into(), |(value, [low, high])| format!("{value:.2} [{low:.2}, {high:.2}]"))
        };
        let [low, high] = row.exposure_interval;
        rows.push(vec![
            count(row.times),
            format!("{:.2} [{low:.2}, {high:.2}]", row.exposure),
            auc(row.lira),
            row.lira_found.map_or("–".into(), |share| format!("{:.0} %", 100.0 * share)),
            auc(row.loss),
        ]);
    }
    (rows.len() > 1).then(|| {
        json!({
            "title": "Rows that stand in half of the models",
            "note": "Exposure of 12 bits is the most that 4,095 other rows can show; rows that stand in no corpus have about 1.4.",
            "right": [0, 1, 2, 3, 4],
            "rows": rows,
        })
    })
}
