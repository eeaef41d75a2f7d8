//! The tables of a run directory as rows: runs, interactions, measures. Files number agents from 1, as the
//! recorded data do; events number them from 0.

use crate::store::bits::Bits;
use crate::store::pages::{self, GROUP, PAGE, Packed, Places};
use crate::store::table::{self, Column, KeptTexts, Table, TableWriter, Values};
use ahash::AHashMap;
use cratylus_core::event::block::{self, Block};
use cratylus_core::experiment::Point;
use cratylus_core::fault::Fault;
use cratylus_core::kept::{self, Keep, Keeper};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use cratylus_core::summary::RunRow;
use cratylus_core::watch::outcome::Outcome;
use cratylus_core::watch::readings::Readings;
use cratylus_core::{AgentId, Digest, NOBODY, Name, PairEvent, Shown};
use parquet::data_type::ByteArray;
use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Names as text, both ways. In a game without a pool a name is `w` and the number of its interaction.
pub struct WordColumns {
    names: Vec<ByteArray>,
}

impl WordColumns {
    pub fn new(names: &[String]) -> WordColumns {
        WordColumns { names: names.iter().map(|name| ByteArray::from(name.as_str())).collect() }
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

/// A pool of so many names is a dictionary whether they are all said or not.
const POOL_SHORT: usize = 256;

/// Names as places in a list of words: the pool where that is short, and otherwise the words that are said.
#[derive(Default)]
struct Dictionary {
    words: Vec<ByteArray>,
    known: AHashMap<Name, u32>,
    /// What was said before is mostly said again: names that were looked up, and their places.
    recent: Vec<(Name, u32)>,
}

impl Dictionary {
    /// Starts over.
    fn clear(&mut self, words: &WordColumns) {
        self.known.clear();
        self.recent.clear();
        let pool = if words.names.len() <= POOL_SHORT { &words.names[..] } else { &[] };
        self.words = pool.to_vec();
    }

    fn places(&mut self, names: Cow<'_, [Name]>, words: &WordColumns) -> Vec<u32> {
        let pool = words.names.len();
        let largest = names.iter().fold(0, |largest, &name| largest.max(name)) as usize;
        if largest < pool && pool <= POOL_SHORT {
            return names.into_owned();
        }
        const RECENT: usize = 1 << 11;
        self.recent.resize(RECENT, (Name::MAX, 0));
        let place = |&name: &Name| {
            let recent = &mut self.recent[name as usize % RECENT];
            if recent.0 != name {
                let place = *self.known.entry(name).or_insert_with(|| {
                    self.words.push(words.word(name));
                    self.words.len() as u32 - 1
                });
                *recent = (name, place);
            }
            recent.1
        };
        names.iter().map(place).collect()
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

/// Rows of `interactions.parquet`, gathered column by column, as events have them.
pub struct Interactions {
    /// Stretches of one run: which, from which interaction on, and how many rows.
    runs: Vec<(u64, u64, usize)>,
    /// Who took part, by seat.
    agents: [Vec<AgentId>; 2],
    /// For each seat, what no agent's number was above: all their bits together.
    bound: [AgentId; 2],
    names: [Said; 2],
    success: Bits,
    /// Where something was settled.
    settled: Bits,
    /// Where agents are language models.
    live: Option<LiveColumns>,
    /// Where groups of more than two meet: who heard.
    hearers: Option<Vec<Option<ByteArray>>>,
    /// Where agents go through a list of objects: how many there are.
    objects: Option<u64>,
}

impl Keep for Interactions {
    fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep(&(&self.runs, &self.agents, self.bound, &self.success, &self.settled), out);
        for said in &self.names {
            let Dictionary { words, known, recent: _ } = &said.dictionary;
            let words: Vec<&[u8]> = words.iter().map(ByteArray::data).collect();
            let known: Vec<(Name, u32)> = known.iter().map(|(&name, &place)| (name, place)).collect();
            kept::keep(&(&said.names, &said.there, words, known), out);
        }
        let live = self.live.as_ref().map(|live| {
            let texts = |columns: &[Vec<Option<ByteArray>>; 2]| columns.each_ref().map(|column| KeptTexts::of(column));
            (&live.invalid, texts(&live.orders), live.aliases.as_ref().map(texts))
        });
        kept::keep(&(live, self.hearers.as_deref().map(KeptTexts::of)), out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        (self.runs, self.agents, self.bound, self.success, self.settled) = kept::take(from)?;
        for said in &mut self.names {
            let (words, known): (Vec<Vec<u8>>, Vec<(Name, u32)>);
            (said.names, said.there, words, known) = kept::take(from)?;
            let words = words.into_iter().map(ByteArray::from).collect();
            said.dictionary = Dictionary { words, known: known.into_iter().collect(), recent: Vec::new() };
        }
        type Live = ([Vec<Option<i64>>; 2], [KeptTexts; 2], Option<[KeptTexts; 2]>);
        let (live, hearers): (Option<Live>, Option<KeptTexts>) = kept::take(from)?;
        let texts = |columns: [KeptTexts; 2]| columns.map(KeptTexts::texts);
        let live = live.map(|(invalid, orders, aliases)| (invalid, texts(orders), aliases.map(texts)));
        self.live = live.map(|(invalid, orders, aliases)| LiveColumns { invalid, orders, aliases });
        self.hearers = hearers.map(KeptTexts::texts);
        Ok(())
    }
}

/// What a seat said.
struct Said {
    names: Names,
    /// In which rows it said something.
    there: Bits,
    /// Of the row group that is being written.
    dictionary: Dictionary,
}

/// Names of all rows; they mean something where something was said.
#[derive(Deserialize, Serialize)]
enum Names {
    /// Which of two.
    Two(Bits),
    /// Any.
    Any(Vec<Name>),
}

impl Interactions {
    /// Rows of an experiment whose names are these.
    pub fn new(words: &WordColumns) -> Interactions {
        let said = || Said {
            names: if words.names.len() == 2 { Names::Two(Bits::default()) } else { Names::Any(Vec::new()) },
            there: Bits::default(),
            dictionary: Dictionary::default(),
        };
        Interactions {
            runs: Vec::new(),
            agents: Default::default(),
            bound: [0; 2],
            names: [said(), said()],
            success: Bits::default(),
            settled: Bits::default(),
            live: None,
            hearers: None,
            objects: None,
        }
    }

    /// With language models in it they have more columns, and more yet where labels are drawn.
    pub fn of_models(self, alias: bool) -> Interactions {
        Interactions { live: Some(LiveColumns { aliases: alias.then(Default::default), ..LiveColumns::default() }), ..self }
    }

    /// Where groups meet, they have another.
    pub fn of_groups(self) -> Interactions {
        Interactions { hearers: Some(Vec::new()), ..self }
    }

    /// Where agents go through so many objects, they have another.
    pub fn of_objects(self, objects: u64) -> Interactions {
        Interactions { objects: Some(objects), ..self }
    }

    /// Who heard the speaker, where a group met; kept where there is a column for it.
    pub fn push_hearers(&mut self, hearers: Option<&[AgentId]>) {
        if let Some(column) = &mut self.hearers {
            column.push(hearers.map(|hearers| ByteArray::from(ids(hearers).as_str())));
        }
    }

    /// What is known of an interaction beside its event: what each seat was shown; kept where there are columns for it.
    pub fn push_shown(&mut self, event: &PairEvent, shown: [Option<Shown>; 2]) {
        let Some(columns) = &mut self.live else { return };
        let text = |text: &String| ByteArray::from(text.as_str());
        for (seat, shown) in shown.iter().enumerate() {
            columns.invalid[seat].push(shown.as_ref().map(|_| i64::from(event.invalid[seat])));
            columns.orders[seat].push(shown.as_ref().map(|shown| text(&shown.order)));
            if let Some(aliases) = &mut columns.aliases {
                aliases[seat].push(shown.as_ref().and_then(|shown| shown.alias.as_ref().map(text)));
            }
        }
    }

    /// An interaction of a run.
    pub fn push(&mut self, run: u64, event: &PairEvent) {
        self.count(run, event.t, 1);
        for seat in 0..2 {
            self.agents[seat].push(event.agents[seat]);
            self.bound[seat] |= event.agents[seat];
            let Said { names, there, .. } = &mut self.names[seat];
            there.push(event.names[seat].is_some());
            match (names, event.names[seat].unwrap_or(0)) {
                (Names::Two(names), name) => names.push(name == 1),
                (Names::Any(names), name) => names.push(name),
            }
        }
        self.success.push(event.success == Some(true));
        self.settled.push(event.success.is_some());
    }

    /// More rows of a run.
    fn count(&mut self, run: u64, t: u64, n: usize) {
        match self.runs.last_mut() {
            Some((last, from, rows)) if *last == run && *from + *rows as u64 == t => *rows += n,
            _ => self.runs.push((run, t, n)),
        }
    }

    /// The interactions of a block, as [`push`](Interactions::push) would take them one by one.
    pub fn push_block(&mut self, run: u64, block: &Block) {
        let (first, n) = (block.first, block.n - block.first);
        self.count(run, block.start + first as u64, n);
        for seat in 0..2 {
            let agents = block.pairs[first..block.n].iter().map(|pair| pair[seat]);
            self.bound[seat] = agents.clone().fold(self.bound[seat], |bits, agent| bits | agent);
            self.agents[seat].extend(agents);
            let Said { names, there, .. } = &mut self.names[seat];
            there.extend(block.said[seat] >> first, n);
            match (names, &block.names[seat]) {
                (Names::Two(names), block::Names::Bits(bits)) => names.extend(bits >> first, n),
                (Names::Two(names), said) => (first..block.n).for_each(|i| names.push(said.get(i) == 1)),
                (Names::Any(names), block::Names::Words(words)) => names.extend_from_slice(&words[first..block.n]),
                (Names::Any(names), said) => names.extend((first..block.n).map(|i| said.get(i))),
            }
        }
        self.success.extend(block.success >> first, n);
        self.settled.extend(block.settled >> first, n);
        // Neither groups nor language models are played in blocks, but other points of their sweep may be.
        let rows = self.success.len();
        self.hearers.iter_mut().for_each(|column| column.resize(rows, None));
        if let Some(live) = &mut self.live {
            live.invalid.iter_mut().for_each(|column| column.resize(rows, None));
            live.orders.iter_mut().chain(live.aliases.iter_mut().flatten()).for_each(|column| column.resize(rows, None));
        }
    }

    /// Takes over the rows of others with the same columns.
    pub fn append(&mut self, other: &mut Interactions) {
        other.runs.drain(..).for_each(|(run, t, n)| self.count(run, t, n));
        self.success.append(&mut other.success);
        self.settled.append(&mut other.settled);
        for seat in 0..2 {
            self.agents[seat].append(&mut other.agents[seat]);
            self.bound[seat] |= other.bound[seat];
            self.names[seat].there.append(&mut other.names[seat].there);
            match (&mut self.names[seat].names, &mut other.names[seat].names) {
                (Names::Two(into), Names::Two(from)) => into.append(from),
                (Names::Any(into), Names::Any(from)) => into.append(from),
                _ => unreachable!("rows of one experiment have the same names"),
            }
        }
        if let (Some(into), Some(from)) = (&mut self.live, &mut other.live) {
            for seat in 0..2 {
                into.invalid[seat].append(&mut from.invalid[seat]);
                into.orders[seat].append(&mut from.orders[seat]);
                if let (Some(into), Some(from)) = (&mut into.aliases, &mut from.aliases) {
                    into[seat].append(&mut from[seat]);
                }
            }
        }
        if let (Some(into), Some(from)) = (&mut self.hearers, &mut other.hearers) {
            into.append(from);
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.success.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A file of such rows, without any.
    pub fn create(&self, path: &Path) -> Result<TableWriter, Fault> {
        let ints = ["run", "t", "agent_a", "agent_b"].map(|name| Column::new(name, Values::Int(Vec::new())));
        let names = ["name_a", "name_b"].map(|name| Column::new(name, Values::Text(Vec::new())));
        let mut columns: Vec<Column> = ints.into_iter().chain(names).collect();
        columns.push(Column::new("success", Values::Bool(Vec::new())));
        columns.extend(self.others(0..0));
        TableWriter::create(path, &Table { columns })
    }

    /// Gives whole pages to a file, a row group ending where it is full or, with what is over, where that is asked for;
    /// forgets what was given. A row group is given by one list of rows, which knows its words.
    pub fn write(&mut self, writer: &mut TableWriter, words: &WordColumns, rest: bool) -> Result<(), Fault> {
        let mut written = 0;
        while self.len() - written >= PAGE || (rest && self.len() > written) {
            let rows = written..self.len().min(written + PAGE);
            written = rows.end;
            self.page(writer, words, rows);
            if writer.gathered() == GROUP {
                writer.end_group()?;
            }
        }
        if rest {
            writer.end_group()?;
        }
        if written > 0 {
            self.forget(written);
        }
        Ok(())
    }

    /// Drops the first `n` rows.
    fn forget(&mut self, n: usize) {
        fn forget<T>(column: &mut Vec<T>, n: usize) {
            column.drain(..n);
        }
        let mut over = n;
        self.runs.retain_mut(|(_, t, rows)| {
            let here = over.min(*rows);
            (over, *t, *rows) = (over - here, *t + here as u64, *rows - here);
            *rows > 0
        });
        self.agents.iter_mut().for_each(|agents| forget(agents, n));
        for said in &mut self.names {
            said.there.forget(n);
            match &mut said.names {
                Names::Two(names) => names.forget(n),
                Names::Any(names) => forget(names, n),
            }
        }
        self.success.forget(n);
        self.settled.forget(n);
        if let Some(live) = &mut self.live {
            live.invalid.iter_mut().for_each(|column| forget(column, n));
            live.orders.iter_mut().chain(live.aliases.iter_mut().flatten()).for_each(|column| forget(column, n));
        }
        self.hearers.iter_mut().for_each(|column| forget(column, n));
    }

    fn page(&mut self, writer: &mut TableWriter, words: &WordColumns, rows: Range<usize>) {
        let (mut runs, mut t) = (Vec::new(), Vec::new());
        let mut before = 0;
        for &(run, from, n) in &self.runs {
            let here = before.max(rows.start)..(before + n).min(rows.end);
            if !here.is_empty() {
                runs.push((run as i64, here.len()));
                t.push(((from + (here.start - before) as u64) as i64, here.len()));
            }
            before += n;
        }
        // Marks are kept where they say something.
        let marks = |bits: Bits| if bits.all() { None } else { Some(bits) };
        let all = |values| Packed { values, there: None };
        let [agent_a, agent_b] = [0, 1].map(|seat| {
            let (numbers, bound) = (&self.agents[seat][rows.clone()], self.bound[seat]);
            let nobody = bound == NOBODY && numbers.contains(&NOBODY);
            let there = nobody.then(|| numbers.iter().map(|&agent| agent != NOBODY).collect());
            let numbers = match nobody {
                false => numbers.into(),
                true => numbers.iter().copied().filter(|&agent| agent != NOBODY).collect(),
            };
            Packed { values: pages::PackedValues::Agents { numbers, bound }, there }
        });
        let others = self.others(rows.clone());
        let first = writer.gathered() == 0;
        let [name_a, name_b] = self.names.each_mut().map(|Said { names, there, dictionary }| {
            if first {
                dictionary.clear(words);
            }
            let there = marks(there.slice(rows.clone()));
            let places = match (names, &there) {
                (Names::Two(bits), there) => {
                    let bits = bits.slice(rows.clone());
                    let said = there.as_ref().map(|there| bits.at(there));
                    Places::Bits(said.unwrap_or(bits))
                }
                (Names::Any(names), None) => Places::Any(dictionary.places(names[rows.clone()].into(), words)),
                (Names::Any(names), Some(there)) => {
                    let said = there.ones().map(|i| names[rows.start + i]).collect();
                    Places::Any(dictionary.places(said, words))
                }
            };
            Packed { values: pages::PackedValues::Words { dictionary: &dictionary.words, places }, there }
        });
        let settled = marks(self.settled.slice(rows.clone()));
        let success = self.success.slice(rows.clone());
        let at = settled.as_ref().map(|settled| success.at(settled));
        let success = Packed { values: pages::PackedValues::Bools(at.unwrap_or(success)), there: settled };
        let runs = all(pages::PackedValues::Counters { step: 0, stretches: runs });
        let t = all(pages::PackedValues::Counters { step: 1, stretches: t });
        writer.page(&[runs, t, agent_a, agent_b, name_a, name_b, success], others);
    }

    /// The columns that only some experiments have.
    fn others(&self, rows: Range<usize>) -> Vec<Column> {
        fn texts(name: &str, values: &[Option<ByteArray>]) -> Column {
            Column::new(name, Values::Text(values.to_vec()))
        }
        let mut columns = Vec::new();
        if let Some(objects) = self.objects {
            let (mut of, mut before) = (Vec::with_capacity(rows.len()), 0);
            for &(_, from, n) in &self.runs {
                let here = before.max(rows.start)..(before + n).min(rows.end);
                of.extend(here.map(|row| Some(((from + (row - before) as u64) % objects.max(1)) as i64 + 1)));
                before += n;
            }
            columns.push(Column::new("object", Values::Int(of)));
        }
        if let Some(hearers) = &self.hearers {
            columns.push(texts("hearers", &hearers[rows.clone()]));
        }
        if let Some(LiveColumns { invalid: [invalid_a, invalid_b], orders: [order_a, order_b], aliases }) = &self.live {
            columns.push(Column::new("invalid_a", Values::Int(invalid_a[rows.clone()].to_vec())));
            columns.push(Column::new("invalid_b", Values::Int(invalid_b[rows.clone()].to_vec())));
            columns.push(texts("order_a", &order_a[rows.clone()]));
            columns.push(texts("order_b", &order_b[rows.clone()]));
            if let Some([alias_a, alias_b]) = aliases {
                columns.push(texts("alias_a", &alias_a[rows.clone()]));
                columns.push(texts("alias_b", &alias_b[rows]));
            }
        }
        columns
    }
}

/// Reads rows of `interactions.parquet` back into events, each with its run.
pub fn events(table: &Table, words: impl Fn(u64) -> Result<WordColumns, String>) -> Result<Vec<(u64, PairEvent)>, String> {
    let (runs, t) = (table.ints("run")?, table.ints("t")?);
    let agents = [table.ints("agent_a")?, table.ints("agent_b")?];
    let names = [table.texts("name_a")?, table.texts("name_b")?];
    let success = table.bools("success")?;
    let invalid = match table.has("invalid_a") {
        true => Some([table.ints("invalid_a")?, table.ints("invalid_b")?]),
        false => None,
    };
    let mut known: Option<(u64, WordColumns)> = None;
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
        let invalid = [0, 1].map(|seat: usize| invalid.as_ref().and_then(|all| all[seat][i]).unwrap_or(0).clamp(0, 255) as u8);
        let event = PairEvent { t, agents: [agent(0)?, agent(1)?], names: [name(0)?, name(1)?], success: success[i], invalid };
        out.push((run, event));
    }
    Ok(out)
}

/// A run's event, and the option that each seat was shown first.
type Told = (u64, (PairEvent, [Option<Name>; 2]));

/// Reads rows of `interactions.parquet` back into events, and the option that each seat was shown first.
pub fn told(table: &Table, words: impl Fn(u64) -> Result<WordColumns, String>) -> Result<Vec<Told>, String> {
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
    let mut known: Option<(u64, WordColumns)> = None;
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
    let words: Vec<WordColumns> = points.iter().map(|point| WordColumns::new(point.experiment.names())).collect();
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
            invalid_share: invalid_share.as_ref().and_then(|share| share[i]),
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

/// Rows of `measures.parquet`: one for each run and moment, and in it a column for each measure.
#[derive(Deserialize, Serialize)]
pub struct MeasureRows {
    names: Vec<SmolStr>,
    /// Of which run and after how many interactions each row is.
    moments: Vec<(i64, i64)>,
    /// For each name, a value of each row; NaN where nothing was read.
    values: Vec<Vec<f64>>,
    /// The columns of the readings that came last, and where among the names they stand.
    columns: Vec<SmolStr>,
    places: Vec<usize>,
}

impl MeasureRows {
    /// Rows of runs that may read these.
    pub fn new(reads: &[SmolStr]) -> MeasureRows {
        let values = vec![Vec::new(); reads.len()];
        MeasureRows { names: reads.to_vec(), moments: Vec::new(), values, columns: Vec::new(), places: Vec::new() }
    }

    /// Takes over the next readings of a run. A measure that did not say that it may be read is a fault.
    pub fn take(&mut self, run: u64, readings: &mut Readings) -> Result<(), Fault> {
        if readings.is_empty() {
            return Ok(());
        }
        if self.columns[..] != readings.columns()[..] {
            let place = |column: &SmolStr| {
                let place = self.names.iter().position(|name| name == column);
                place.ok_or_else(|| Fault(format!("no measure says that it reads `{column}`")))
            };
            self.places = readings.columns().iter().map(place).collect::<Result<_, _>>()?;
            self.columns = readings.columns().to_vec();
        }
        for (t, row) in readings.rows() {
            let moment = (run as i64, t as i64);
            // What is read at the end of a run may be of a moment of which there is a row.
            if self.moments.last() != Some(&moment) {
                self.moments.push(moment);
                self.values.iter_mut().for_each(|values| values.push(f64::NAN));
            }
            let last = self.moments.len() - 1;
            for (&place, &value) in self.places.iter().zip(row).filter(|(_, value)| !value.is_nan()) {
                self.values[place][last] = value;
            }
        }
        readings.clear();
        Ok(())
    }

    /// A file for rows of these columns.
    pub fn create(&self, path: &Path) -> Result<TableWriter, Fault> {
        TableWriter::create(path, &self.table(0))
    }

    /// Writes whole groups of rows that are over, or all of them where their cell ends, and forgets them.
    pub fn write(&mut self, writer: &mut TableWriter, all: bool) -> Result<(), Fault> {
        let group = table::group(self.names.len()) / 4;
        let over = |rows: &MeasureRows| if all { rows.moments.len() } else { rows.moments.len().saturating_sub(1) };
        while over(self) >= group || all && !self.moments.is_empty() {
            let n = group.min(over(self));
            writer.write(&self.table(n))?;
            self.moments.drain(..n);
            self.values.iter_mut().for_each(|values| drop(values.drain(..n)));
        }
        Ok(())
    }

    /// The first rows as a table.
    fn table(&self, n: usize) -> Table {
        let moments = &self.moments[..n];
        let mut columns =
            vec![Column::ints("run", moments.iter().map(|(run, _)| *run)), Column::ints("t", moments.iter().map(|(_, t)| *t))];
        let there = |values: &[f64]| values.iter().map(|&value| (!value.is_nan()).then_some(value)).collect();
        let values = self.names.iter().zip(&self.values);
        columns.extend(values.map(|(name, values)| Column::new(name.as_str(), Values::Float(there(&values[..n])))));
        Table { columns }
    }
}

/// Reads `measures.parquet` back: readings of runs, in the order of the table. One run's may come in several pieces.
pub fn readings(table: &Table) -> Result<Vec<(u64, Readings)>, String> {
    let (run, t) = (table.ints("run")?, table.ints("t")?);
    let moment = |i: usize| Some((run[i]? as u64, t[i]? as u64));
    let moment = |i: usize| moment(i).ok_or_else(|| format!("row {i} is incomplete"));
    // In directories of version 1 each reading is a row.
    let old = table.has("measure") && table.has("value");
    let mut columns: Vec<SmolStr> = Vec::new();
    let (mut measures, mut values) = (Vec::new(), Vec::new());
    match old {
        true => {
            measures = table.texts("measure")?;
            values.push(table.floats("value")?);
            let mut known = std::collections::HashSet::new();
            columns.extend(measures.iter().flatten().filter(|name| known.insert(**name)).map(|name| SmolStr::from(*name)));
        }
        false => {
            for column in table.columns.iter().filter(|column| !["run", "t"].contains(&column.name.as_str())) {
                columns.push(column.name.as_str().into());
                values.push(table.floats(&column.name)?);
            }
        }
    }
    let columns: Arc<[SmolStr]> = columns.into();
    let mut out: Vec<(u64, Readings)> = Vec::new();
    for i in 0..table.rows() {
        let (run, t) = moment(i)?;
        if out.last().is_none_or(|(last, _)| *last != run) {
            out.push((run, Readings::new(columns.clone())));
        }
        let readings = &mut out.last_mut().expect("one was begun").1;
        let place = match old {
            true => measures[i].and_then(|measure| readings.place(measure)),
            false => None,
        };
        let row = readings.row(t);
        match old {
            true => {
                let both = place.zip(values[0][i]).ok_or_else(|| format!("row {i} is incomplete"))?;
                row[both.0] = both.1;
            }
            false => row.iter_mut().zip(&values).for_each(|(row, values)| *row = values[i].unwrap_or(f64::NAN)),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AGENTS: [AgentId; 5] = [0, 1, 99, i32::MAX as AgentId, NOBODY - 2];

    /// Blocks as an engine may give them: from any place to any other, with names of either kind.
    fn a_block(pool: Name) -> impl Strategy<Value = Block> {
        let names = move |bits: bool| match bits {
            true => any::<u64>().prop_map(block::Names::Bits).boxed(),
            false => proptest::collection::vec(0..pool, 64)
                .prop_map(|words| block::Names::Words(Box::new(words.try_into().expect("a block of them"))))
                .boxed(),
        };
        // Where there is one name only, nobody says the other.
        let names = move || any::<bool>().prop_flat_map(move |bits| names(bits && pool > 1));
        let marks = || prop_oneof![Just(u64::MAX), Just(0), any::<u64>()];
        let agent = prop_oneof![3 => 0..100u32, 1 => proptest::sample::select(&AGENTS)];
        let pairs = prop_oneof![
            2 => proptest::collection::vec([agent.clone(), agent.clone()], 64),
            1 => agent.prop_map(|agent| vec![[agent, NOBODY]; 64])
        ];
        let place = (0..64usize, 0..=64usize).prop_map(|(a, b)| [a.min(b), a.max(b)]);
        (0..1u64 << 40, place, pairs, [names(), names()], [marks(), marks()], [marks(), marks()]).prop_map(
            |(start, [first, n], pairs, names, said, [settled, success])| Block {
                start: start * 64,
                first,
                n,
                pairs: pairs.try_into().expect("a block of them"),
                names,
                said,
                settled,
                success: success & settled,
                ..Block::default()
            },
        )
    }

    /// Names of a game: none where names are invented.
    fn pool(names: Name) -> Vec<String> {
        (0..names).map(|name| format!("name {name}")).collect()
    }

    fn kept(name: &str, rows: &mut Interactions, words: &WordColumns) -> (Vec<u8>, Table) {
        let dir = std::env::temp_dir().join(format!("cratylus-rows-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join(name);
        let mut writer = rows.create(&file).unwrap();
        rows.write(&mut writer, words, true).unwrap();
        writer.finish().unwrap();
        let read = (std::fs::read(&file).unwrap(), table::read(&file, None).unwrap());
        std::fs::remove_file(&file).unwrap();
        read
    }

    proptest! {
        /// What was put in, in blocks or one by one, is what the parquet crate reads.
        #[test]
        fn a_file_holds_what_happened(
            (names, blocks) in proptest::sample::select(&[0u32, 1, 2, 3, 10, 300][..]).prop_flat_map(|names| {
                let pool = if names == 0 { 1 << 20 } else { names };
                // Some runs are longer than a page.
                let repeat = prop_oneof![30 => 0..4usize, 1 => 250..300usize];
                (Just(names), proptest::collection::vec((0..3u64, repeat, a_block(pool)), 0..12))
            })
        ) {
            let pool = pool(names);
            let words = WordColumns::new(&pool);
            let (mut whole, mut single, mut joined) = (Interactions::new(&words), Interactions::new(&words), Interactions::new(&words));
            let mut happened = Vec::new();
            let mut run = 0;
            for (next, repeat, block) in &blocks {
                run += next;
                // Runs are mostly many blocks long.
                for i in 0..=*repeat {
                    let block = Block { start: block.start + 64 * i as u64, ..block.clone() };
                    whole.push_block(run, &block);
                    let mut part = Interactions::new(&words);
                    part.push_block(run, &block);
                    joined.append(&mut part);
                    for event in block.events() {
                        single.push(run, &event);
                        happened.push((run, event));
                    }
                }
            }
            let (bytes, table) = kept("whole", &mut whole, &words);
            prop_assert!(whole.is_empty());
            prop_assert!(kept("single", &mut single, &words).0 == bytes);
            prop_assert!(kept("joined", &mut joined, &words).0 == bytes);
            let read = events(&table, |_| Ok(WordColumns::new(&pool))).unwrap();
            prop_assert_eq!(read, happened);
        }
    }

    /// Row groups are full but for the last, whatever they were given in, and their ends are told apart in runs. Joining
    /// them leaves them as they are.
    #[test]
    fn rows_are_cut_into_groups() {
        [2, 3, 300, 0].into_iter().for_each(rows_with_names_are_cut_into_groups);
    }

    fn rows_with_names_are_cut_into_groups(names: Name) {
        // Words that come up as rows do, so that the dictionary grows.
        let name = |t: u64| if names == 0 { t / 7 } else { t / 3 % u64::from(names) } as Name;
        let pool = pool(names);
        let words = WordColumns::new(&pool);
        let dir = std::env::temp_dir().join(format!("cratylus-cut-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("rows");
        let mut rows = Interactions::new(&words);
        let mut writer = rows.create(&file).unwrap();
        let mut happened = Vec::new();
        for t in 0..250_000u64 {
            let (a, b) = ((t * 7 % 1000) as AgentId, (t * t % 999) as AgentId);
            // For some pages there is nobody else, there is something to say, and something is settled.
            let whole = t / 40_000 % 2 == 0;
            let event = PairEvent {
                t: t % 100_000,
                agents: [a, if whole || t % 3 > 0 { b } else { NOBODY }],
                names: [(whole || t % 11 > 0).then_some(name(t)), (!whole).then_some(name(t / 2))],
                success: (whole || t % 2 > 0).then_some(t % 5 > 0),
                invalid: [0; 2],
            };
            rows.push(t / 100_000, &event);
            happened.push((t / 100_000, event));
            if t % 1_009 == 0 {
                rows.write(&mut writer, &words, false).unwrap();
            }
        }
        rows.write(&mut writer, &words, true).unwrap();
        writer.finish().unwrap();
        let (mut groups, mut read) = (Vec::new(), Vec::new());
        table::read_groups(&file, None, |group| {
            groups.push(group.rows());
            read.extend(events(&group, |_| Ok(WordColumns::new(&pool))).unwrap());
            Ok(())
        })
        .unwrap();
        assert_eq!(groups, [GROUP, 250_000 - GROUP]);
        assert!(read == happened);
        table::join(std::slice::from_ref(&file), &dir.join("again")).unwrap();
        assert!(table::is_joined(&file).unwrap());
        assert!(std::fs::read(&file).unwrap() == std::fs::read(dir.join("again")).unwrap());
        let mut of_last = Vec::new();
        table::read_groups_of(
            &file,
            None,
            |group| group.may_hold("run", 2),
            |group, _| {
                of_last.push(group.first);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(of_last, [GROUP as u64], "statistics say which runs a row group holds");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
