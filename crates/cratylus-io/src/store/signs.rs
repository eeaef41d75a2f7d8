//! Rows of `signs.parquet` and `features.parquet`: which sign every agent has for every object at the end of a run, and what it
//! perceived of it. The first follows from events, the second from the seed.

use crate::store::table::{Column, Table, Values};
use cratylus_core::Name;
use cratylus_core::symbols::{SignsFollowed, SymbolRun};
use parquet::data_type::ByteArray;
use serde::{Deserialize, Serialize};

/// An agent's sign for an object.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SignRow {
    run: u64,
    agent: u32,
    object: u32,
    /// The true class, where there are any.
    class: Option<u32>,
    sign: Name,
}

/// One number that an agent perceived of an object.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FeatureRow {
    run: u64,
    agent: u32,
    object: u32,
    feature: u32,
    value: f64,
}

/// The rows of a run that is over.
pub fn signs_of(run: u64, of: &SymbolRun, followed: &SignsFollowed, into: &mut Vec<SignRow>) {
    for agent in 0..followed.agents {
        for (object, &sign) in (0u32..).zip(followed.of(agent)) {
            let class = of.perceived.classes.as_ref().map(|classes| classes[object as usize]);
            into.push(SignRow { run, agent: agent as u32, object, class, sign: sign.into() });
        }
    }
}

/// The same of what was perceived.
pub fn features_of(run: u64, of: &SymbolRun, into: &mut Vec<FeatureRow>) {
    for (agent, own) in (0u32..).zip(&of.perceived.agents) {
        for (object, values) in (0u32..).zip(own.values.chunks_exact(own.width.max(1))) {
            let row = |(feature, &value): (u32, &f64)| FeatureRow { run, agent, object, feature, value };
            into.extend((0..).zip(values).map(row));
        }
    }
}

fn from_one(number: u32) -> Option<i64> {
    Some(i64::from(number) + 1)
}

/// Signs as a table.
pub fn signs_table(rows: &[SignRow]) -> Table {
    let ints = |name: &str, of: &dyn Fn(&SignRow) -> Option<i64>| Column::new(name, Values::Int(rows.iter().map(of).collect()));
    let sign = |row: &SignRow| Some(ByteArray::from(format!("w{}", row.sign).as_str()));
    let columns = vec![
        ints("run", &|row| Some(row.run as i64)),
        ints("agent", &|row| from_one(row.agent)),
        ints("object", &|row| from_one(row.object)),
        ints("class", &|row| row.class.and_then(from_one)),
        Column::new("sign", Values::Text(rows.iter().map(sign).collect())),
    ];
    Table { columns }
}

/// What was perceived as a table.
pub fn features_table(rows: &[FeatureRow]) -> Table {
    let ints =
        |name: &str, of: &dyn Fn(&FeatureRow) -> Option<i64>| Column::new(name, Values::Int(rows.iter().map(of).collect()));
    let columns = vec![
        ints("run", &|row| Some(row.run as i64)),
        ints("agent", &|row| from_one(row.agent)),
        ints("object", &|row| from_one(row.object)),
        ints("feature", &|row| from_one(row.feature)),
        Column::new("value", Values::Float(rows.iter().map(|row| Some(row.value)).collect())),
    ];
    Table { columns }
}
