//! The tables of a run directory as rows: runs, interactions, measures. Files number agents from 1, as the
//! recorded data do; events number them from 0.

use crate::table::{Column, Table, Values};
use cratylus_core::experiment::Point;
use cratylus_core::measure::Reading;
use cratylus_core::outcome::Outcome;
use cratylus_core::summary::RunRow;
use cratylus_core::{AgentId, Digest, Event, NOBODY, Name, Shown};
use parquet::data_type::ByteArray;

/// Names as text, both ways. In a game without a pool a name is `w` and the number of its interaction.
pub struct Words {
    names: Vec<ByteArray>,
}

impl Words {
    pub fn new(names: &[String]) -> Words {
        Words { names: names.iter().map(|name| ByteArray::from(name.as_str())).collect() }
    }

    pub fn word(&self, name: Name) -> ByteArray {
        match self.names.get(name as usize) {
            Some(word) => word.clone(),
            None => ByteArray::from(format!("w{name}").as_str()),
        }
    }

    pub fn name(&self, word: &str) -> Result<Name, String> {
        let place = self.names.iter().position(|name| name.data() == word.as_bytes());
        let invented = || if self.names.is_empty() { word.strip_prefix('w')?.parse().ok() } else { None };
        place.map(|place| place as Name).or_else(invented).ok_or_else(|| format!("`{word}` is not in the pool of names"))
    }
}

/// What is known of seats beside their events: unusable answers, the order in which options were shown, and where a
/// control draws labels, under which.
#[derive(Default)]
struct LiveColumns {
    invalid: [Vec<Option<i64>>; 2],
    orders: [Vec<Option<ByteArray>>; 2],
    aliases: Option<[Vec<Option<ByteArray>>; 2]>,
}

/// Rows of `interactions.parquet`, gathered column by column.
pub struct Interactions {
    columns: [Vec<Option<i64>>; 4],
    names: [Vec<Option<ByteArray>>; 2],
    success: Vec<Option<bool>>,
    /// Where agents are language models.
    live: Option<LiveColumns>,
    /// Where groups of more than two meet: who heard.
    hearers: Option<Vec<Option<ByteArray>>>,
}

impl Default for Interactions {
    fn default() -> Interactions {
        Interactions {
            columns: [const { Vec::new() }; 4],
            names: [const { Vec::new() }; 2],
            success: Vec::new(),
            live: None,
            hearers: None,
        }
    }
}

impl Interactions {
    /// Rows of an experiment with language models in it have more columns, and more yet where labels are drawn.
    pub fn new(live: bool, alias: bool) -> Interactions {
        let columns = || LiveColumns { aliases: alias.then(Default::default), ..LiveColumns::default() };
        Interactions { live: live.then(columns), ..Interactions::default() }
    }

    /// The same where groups meet.
    pub fn of_groups() -> Interactions {
        Interactions { hearers: Some(Vec::new()), ..Interactions::default() }
    }

    /// Who heard the speaker of a group.
    pub fn push_hearers(&mut self, hearers: &[AgentId]) {
        let column = self.hearers.as_mut().expect("only where groups meet");
        column.push(Some(ByteArray::from(ids(hearers).as_str())));
    }

    /// What is known of an interaction beside its event: what each seat was shown.
    pub fn push_shown(&mut self, event: &Event, shown: [Option<Shown>; 2]) {
        let columns = self.live.as_mut().expect("only where agents are language models");
        let text = |text: &String| ByteArray::from(text.as_str());
        for (seat, shown) in shown.iter().enumerate() {
            columns.invalid[seat].push(shown.as_ref().map(|_| i64::from(event.invalid[seat])));
            columns.orders[seat].push(shown.as_ref().map(|shown| text(&shown.order)));
            if let Some(aliases) = &mut columns.aliases {
                aliases[seat].push(shown.as_ref().and_then(|shown| shown.alias.as_ref().map(text)));
            }
        }
    }

    pub fn push(&mut self, run: u64, event: &Event, words: &Words) {
        let agent = |agent: AgentId| (agent != NOBODY).then(|| i64::from(agent) + 1);
        let row = [Some(run as i64), Some(event.t as i64), agent(event.agents[0]), agent(event.agents[1])];
        self.columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        self.names.iter_mut().zip(event.names).for_each(|(column, name)| column.push(name.map(|name| words.word(name))));
        self.success.push(event.success);
    }

    pub fn len(&self) -> usize {
        self.success.len()
    }

    pub fn take(&mut self) -> Table {
        let alias = self.live.as_ref().is_some_and(|live| live.aliases.is_some());
        let mut next = match self.hearers {
            Some(_) => Interactions::of_groups(),
            None => Interactions::new(self.live.is_some(), alias),
        };
        // What comes next is as long, but for the last.
        next.columns.iter_mut().for_each(|column| column.reserve_exact(self.len()));
        next.names.iter_mut().for_each(|column| column.reserve_exact(self.len()));
        next.success.reserve_exact(self.len());
        let Interactions { columns: [run, t, agent_a, agent_b], names: [name_a, name_b], success, live, hearers } =
            std::mem::replace(self, next);
        let ints = [("run", run), ("t", t), ("agent_a", agent_a), ("agent_b", agent_b)];
        let mut columns: Vec<Column> = ints.map(|(name, values)| Column::new(name, Values::Int(values))).into();
        columns.push(Column::new("name_a", Values::Text(name_a)));
        columns.push(Column::new("name_b", Values::Text(name_b)));
        columns.push(Column::new("success", Values::Bool(success)));
        columns.extend(hearers.map(|hearers| Column::new("hearers", Values::Text(hearers))));
        if let Some(LiveColumns { invalid: [invalid_a, invalid_b], orders: [order_a, order_b], aliases }) = live {
            columns.push(Column::new("invalid_a", Values::Int(invalid_a)));
            columns.push(Column::new("invalid_b", Values::Int(invalid_b)));
            columns.push(Column::new("order_a", Values::Text(order_a)));
            columns.push(Column::new("order_b", Values::Text(order_b)));
            if let Some([alias_a, alias_b]) = aliases {
                columns.push(Column::new("alias_a", Values::Text(alias_a)));
                columns.push(Column::new("alias_b", Values::Text(alias_b)));
            }
        }
        Table { columns }
    }
}

/// Reads rows of `interactions.parquet` back into events, each with its run.
pub fn events(table: &Table, words: impl Fn(u64) -> Result<Words, String>) -> Result<Vec<(u64, Event)>, String> {
    let (runs, t) = (table.ints("run")?, table.ints("t")?);
    let agents = [table.ints("agent_a")?, table.ints("agent_b")?];
    let names = [table.texts("name_a")?, table.texts("name_b")?];
    let success = table.bools("success")?;
    let invalid = match table.has("invalid_a") {
        true => Some([table.ints("invalid_a")?, table.ints("invalid_b")?]),
        false => None,
    };
    let mut known: Option<(u64, Words)> = None;
    let mut out = Vec::with_capacity(table.rows());
    for i in 0..table.rows() {
        let row = || format!("row {i}");
        let run = runs[i].filter(|&run| run >= 0).ok_or_else(|| format!("{}: no run", row()))? as u64;
        if known.as_ref().is_none_or(|(known, _)| *known != run) {
            known = Some((run, words(run)?));
        }
        let words = &known.as_ref().expect("just made sure").1;
        let name =
            |seat: usize| names[seat][i].map(|word| words.name(word)).transpose().map_err(|why| format!("{}: {why}", row()));
        let agent = |seat: usize| match agents[seat][i] {
            None if seat == 1 => Ok(NOBODY),
            Some(agent) if (1..i64::from(NOBODY)).contains(&agent) => Ok((agent - 1) as AgentId),
            _ => Err(format!("{}: agents are numbered from 1", row())),
        };
        let t = t[i].filter(|&t| t >= 0).ok_or_else(|| format!("{}: no t", row()))? as u64;
        let invalid = [0, 1].map(|seat: usize| invalid.and_then(|all| all[seat][i]).unwrap_or(0).clamp(0, 255) as u8);
        let event = Event { t, agents: [agent(0)?, agent(1)?], names: [name(0)?, name(1)?], success: success[i], invalid };
        out.push((run, event));
    }
    Ok(out)
}

/// A run's event, and the option that each seat was shown first.
type Told = (u64, (Event, [Option<Name>; 2]));

/// Reads rows of `interactions.parquet` back into events, and the option that each seat was shown first.
pub fn told(table: &Table, words: impl Fn(u64) -> Result<Words, String>) -> Result<Vec<Told>, String> {
    let all = events(table, &words)?;
    if !table.has("order_a") {
        return Ok(all.into_iter().map(|(run, event)| (run, (event, [None; 2]))).collect());
    }
    let orders = [table.texts("order_a")?, table.texts("order_b")?];
    let aliases = match table.has("alias_a") {
        true => Some([table.texts("alias_a")?, table.texts("alias_b")?]),
        false => None,
    };
    let list = |text: Option<&str>| serde_json::from_str::<Vec<String>>(text?).ok();
    let mut known: Option<(u64, Words)> = None;
    let mut out = Vec::with_capacity(all.len());
    for (i, (run, event)) in all.into_iter().enumerate() {
        if known.as_ref().is_none_or(|(known, _)| *known != run) {
            known = Some((run, words(run)?));
        }
        let words = &known.as_ref().expect("just made sure").1;
        // Averaged orders are a word and no list; then nothing was shown first. Under an alias the order holds labels,
        // which stand for names.
        let first = |seat: usize| {
            let label = list(orders[seat][i])?.into_iter().next()?;
            match aliases.as_ref().and_then(|aliases| list(aliases[seat][i])) {
                Some(labels) => labels.iter().position(|shown| *shown == label).map(|name| name as Name),
                None => words.name(&label).ok(),
            }
        };
        out.push((run, (event, [first(0), first(1)])));
    }
    Ok(out)
}

/// `runs.parquet`: one column for each swept key, after `run`.
pub fn runs_table(points: &[Point], rows: &[RunRow]) -> Table {
    let of = |row: &RunRow| &points[(row.run / row_replicas(points)) as usize];
    let mut columns = vec![Column::ints("run", rows.iter().map(|row| row.run as i64))];
    for (i, setting) in points.first().map_or(&[][..], |point| &point.settings).iter().enumerate() {
        let all: Vec<&toml::Value> = points.iter().map(|point| &point.settings[i].value).collect();
        let each = rows.iter().map(|row| &of(row).settings[i].value);
        let values = if all.iter().all(|value| value.is_integer()) {
            Values::Int(each.map(toml::Value::as_integer).collect())
        } else if all.iter().all(|value| value.is_integer() || value.is_float()) {
            Values::Float(each.map(|value| value.as_float().or(value.as_integer().map(|value| value as f64))).collect())
        } else if all.iter().all(|value| value.is_bool()) {
            Values::Bool(each.map(toml::Value::as_bool).collect())
        } else {
            Values::Text(rows.iter().map(|row| Some(ByteArray::from(of(row).settings[i].words().as_str()))).collect())
        };
        columns.push(Column::new(&setting.key, values));
    }
    let floats =
        |name: &str, value: &dyn Fn(&RunRow) -> Option<f64>| Column::new(name, Values::Float(rows.iter().map(value).collect()));
    columns.push(Column::ints("replica", rows.iter().map(|row| row.replica as i64)));
    columns.push(Column::new("seed", Values::UInt(rows.iter().map(|row| row.seed).collect())));
    columns.push(Column::ints("interactions", rows.iter().map(|row| row.outcome.interactions as i64)));
    columns.push(floats("rounds", &|row| Some(row.outcome.rounds)));
    columns.push(Column::new("consensus", Values::Bool(rows.iter().map(|row| Some(row.outcome.consensus)).collect())));
    columns.push(Column::texts("winner", rows.iter().map(|row| row.winner.as_deref())));
    columns.push(floats("rounds_to_consensus", &|row| row.outcome.rounds_to_consensus));
    columns.push(floats("success_rate", &|row| row.outcome.success_rate));
    columns.push(floats("void_share", &|row| Some(row.outcome.void_share)));
    if points.iter().any(|point| point.experiment.live()) {
        columns.push(floats("invalid_share", &|row| row.outcome.invalid_share));
    }
    if points.iter().any(|point| point.experiment.minority().is_some()) {
        columns.push(Column::new("tipped", Values::Bool(rows.iter().map(|row| row.outcome.tipped).collect())));
        columns.push(floats("minority_share", &|row| row.outcome.minority_share));
        let committed: Vec<String> = rows.iter().map(|row| ids(&row.committed)).collect();
        columns.push(Column::texts("committed_agents", committed.iter().map(|ids| Some(ids.as_str()))));
    }
    let digests: Vec<String> = rows.iter().map(|row| format!("{:016x}", row.outcome.digest.0)).collect();
    columns.push(Column::texts("digest", digests.iter().map(|digest| Some(digest.as_str()))));
    Table { columns }
}

fn row_replicas(points: &[Point]) -> u64 {
    points.first().map_or(1, |point| point.experiment.replicas)
}

fn ids(agents: &[AgentId]) -> String {
    agents.iter().map(|agent| (agent + 1).to_string()).collect::<Vec<_>>().join(" ")
}

/// Reads `runs.parquet` back.
pub fn runs(table: &Table, points: &[Point]) -> Result<Vec<RunRow>, String> {
    let (run, replica) = (table.ints("run")?, table.ints("replica")?);
    let (seed, interactions) = (table.uints("seed")?, table.ints("interactions")?);
    let (rounds, consensus) = (table.floats("rounds")?, table.bools("consensus")?);
    let (winner, rounds_to_consensus) = (table.texts("winner")?, table.floats("rounds_to_consensus")?);
    let (success_rate, void_share) = (table.floats("success_rate")?, table.floats("void_share")?);
    // Columns that are there only where a minority may be committed.
    let minority = match table.has("tipped") {
        true => Some((table.bools("tipped")?, table.floats("minority_share")?, table.texts("committed_agents")?)),
        false => None,
    };
    let invalid_share = if table.has("invalid_share") { Some(table.floats("invalid_share")?) } else { None };
    let digest = table.texts("digest")?;
    let words: Vec<Words> = points.iter().map(|point| Words::new(point.experiment.names())).collect();
    let mut rows = Vec::with_capacity(table.rows());
    for i in 0..table.rows() {
        let run = run[i].ok_or("a row without its run")? as u64;
        let words = words.get((run / row_replicas(points)) as usize).ok_or("more runs than the experiment has")?;
        let (tipped, minority_share, committed) = match &minority {
            Some((tipped, share, committed)) => (tipped[i], share[i], committed[i].unwrap_or("")),
            None => (None, None, ""),
        };
        let committed: Result<Vec<AgentId>, _> = committed.split_whitespace().map(str::parse).collect();
        let outcome = Outcome {
            interactions: interactions[i].unwrap_or(0) as u64,
            rounds: rounds[i].unwrap_or(0.0),
            consensus: consensus[i].unwrap_or(false),
            winner: winner[i].map(|word| words.name(word)).transpose()?,
            rounds_to_consensus: rounds_to_consensus[i],
            success_rate: success_rate[i],
            void_share: void_share[i].unwrap_or(0.0),
            invalid_share: invalid_share.and_then(|share| share[i]),
            minority_share,
            tipped,
            digest: Digest(digest[i].and_then(|hex| u64::from_str_radix(hex, 16).ok()).ok_or("a run without its digest")?),
        };
        rows.push(RunRow {
            run,
            replica: replica[i].unwrap_or(0) as u64,
            seed: seed[i],
            winner: winner[i].map(String::from),
            outcome,
            committed: committed
                .map_err(|_| "a committed agent that is no number")?
                .into_iter()
                .map(|agent: u32| agent.saturating_sub(1))
                .collect(),
        });
    }
    Ok(rows)
}

/// Rows of `measures.parquet`.
pub fn measures_table(readings: &[(u64, Reading)]) -> Table {
    Table {
        columns: vec![
            Column::ints("run", readings.iter().map(|(run, _)| *run as i64)),
            Column::ints("t", readings.iter().map(|(_, reading)| reading.t as i64)),
            Column::texts("measure", readings.iter().map(|(_, reading)| Some(reading.measure.as_str()))),
            Column::new("value", Values::Float(readings.iter().map(|(_, reading)| Some(reading.value)).collect())),
        ],
    }
}

/// Reads rows of `measures.parquet` back, each with its run.
pub fn readings(table: &Table) -> Result<Vec<(u64, Reading)>, String> {
    let (run, t) = (table.ints("run")?, table.ints("t")?);
    let (measure, value) = (table.texts("measure")?, table.floats("value")?);
    let row = |i: usize| {
        let reading = Reading { t: t[i]? as u64, measure: measure[i]?.into(), value: value[i]? };
        Some((run[i]? as u64, reading))
    };
    (0..table.rows()).map(|i| row(i).ok_or_else(|| format!("row {i} is incomplete"))).collect()
}
