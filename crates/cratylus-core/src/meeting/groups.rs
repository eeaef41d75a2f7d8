//! The naming game in groups of more than two (hyperedges): a speaker says a name to all others of its group at once, and
//! it succeeds where all of them know it, or where any of them does (Iacopini, Petri, Baronchelli & Barrat, Commun. Phys. 5
//! (2022) 64). Who meets follows from the seed and the interaction's number, as it does for pairs.

use crate::{AgentId, Purpose, Seed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;

/// Which agents can meet as a group.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// How many agents meet, the speaker included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// In how many groups each agent is on average. Left out, any agents can meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_agent: Option<f64>,
    /// With it the groups are the same for all runs; without it every run draws its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// A text file with a group on each line, relative to the experiment file; in place of all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// How hearers of a group agree to a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Agree {
    /// Where all of them know it.
    #[default]
    All,
    /// Where any of them does; the others then learn it as well.
    Any,
}

/// The groups of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Groups {
    /// Any so many of all agents.
    Anyone {
        /// How many agents meet, the speaker included.
        size: u32,
        /// The number of agents in the population.
        of: u32,
    },
    /// These: the agents of each, and where each begins, with the end of the last.
    Listed {
        /// The agents of one group after another, numbered from 0.
        agents: Vec<AgentId>,
        /// Where in `agents` each group begins, and the end of the last: one more than there are groups.
        starts: Vec<usize>,
    },
}

/// More agents in a group than anyone means.
const SIZE_MAX: u32 = 10_000;

impl GroupSpec {
    /// What is wrong with it in a population of `size`: the key and why.
    pub(crate) fn check(&self, size: u32) -> Result<(), (&'static str, String)> {
        match (self.size, &self.file) {
            (None, None) => Err(("size", "how many agents meet? Give `size`, or a `file` of groups".into())),
            (Some(_), Some(_)) => Err(("file", "a file says how many agents are in each group; give `file` or `size`".into())),
            (None, Some(_)) if self.per_agent.is_some() || self.seed.is_some() => {
                Err(("file", "groups of a file are not drawn; leave out `per_agent` and `seed`".into()))
            }
            (Some(n), _) if n < 2 || n > size.min(SIZE_MAX) => {
                Err(("size", format!("expected from 2 to {} among {size} agents", size.min(SIZE_MAX))))
            }
            _ if self.per_agent.is_some_and(|n| !(n > 0.0 && n <= 1e4)) => {
                Err(("per_agent", "expected a number above 0, up to 10,000".into()))
            }
            _ if self.per_agent.is_some_and(|n| n * f64::from(size) > 5e8) => {
                Err(("per_agent", "that is more than 500,000,000 places in groups".into()))
            }
            _ if self.seed.is_some() && self.per_agent.is_none() => {
                Err(("seed", "any agents can meet here, so no groups are drawn; give `per_agent`".into()))
            }
            _ => Ok(()),
        }
    }

    /// Drawn groups leave an agent alone now and then; of so many runs none may.
    pub(crate) fn enough(&self, size: u32, replicas: u64) -> Result<(), (&'static str, String)> {
        let runs = if self.seed.is_some() { 1.0 } else { replicas as f64 };
        let needed = (f64::from(size) * runs / 0.01).ln();
        match self.per_agent {
            Some(n) if n < needed => Err((
                "per_agent",
                format!(
                    "with {n} groups for each of {size} agents, one of them may be in none in some of the runs; it takes {needed:.1}, or `seed`, which draws them once"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Whether every run draws its own.
    pub(crate) fn drawn(&self) -> bool {
        self.per_agent.is_some() && self.seed.is_none()
    }

    /// The groups of a run of this seed among `of` agents, where they are not in a file: all different agents, groups
    /// drawn with replacement, so many that `per_agent` is the mean.
    pub(crate) fn draw(&self, of: u32, run: Seed) -> Groups {
        let size = self.size.expect("checked");
        let Some(per_agent) = self.per_agent else { return Groups::Anyone { size, of } };
        let n = (f64::from(of) * per_agent / f64::from(size)).round().max(1.0) as usize;
        let mut draws = self.seed.map_or(run, Seed).stream(Purpose::Network, 0);
        let (mut agents, mut group) = (Vec::with_capacity(n * size as usize), Vec::new());
        for _ in 0..n {
            distinct(size, of, &mut group, |n| draws.below(n));
            agents.append(&mut group);
        }
        Groups::Listed { agents, starts: (0..=n).map(|i| i * size as usize).collect() }
    }
}

/// Different agents, in the order in which they were drawn (Floyd's algorithm would not keep one).
fn distinct(size: u32, of: u32, into: &mut Vec<AgentId>, mut below: impl FnMut(u64) -> u64) {
    into.clear();
    if size > of / 2 {
        let mut all: Vec<AgentId> = (0..of).collect();
        for i in 0..size as usize {
            let j = i + below(u64::from(of) - i as u64) as usize;
            all.swap(i, j);
        }
        into.extend(&all[..size as usize]);
        return;
    }
    if size <= 32 {
        while into.len() < size as usize {
            let agent = below(of.into()) as AgentId;
            if !into.contains(&agent) {
                into.push(agent);
            }
        }
        return;
    }
    // The same draws and the same group, without going through it for each.
    let mut seen = HashSet::with_capacity(size as usize);
    while into.len() < size as usize {
        let agent = below(of.into()) as AgentId;
        if seen.insert(agent) {
            into.push(agent);
        }
    }
}

impl Groups {
    /// Reads the text of a file: a group on each line, as agents' numbers separated by blanks or commas; `#` starts a
    /// comment. Agents are numbered from 1, or from 0 if a 0 occurs.
    pub fn parse(text: &str, size: u32) -> Result<Groups, String> {
        let mut lines = Vec::new();
        for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.split('#').next().unwrap_or("");
            let words =
                line.split([' ', '\t', ',', ';']).map(|word| word.trim().trim_matches('"')).filter(|word| !word.is_empty());
            let number = |word: &str| {
                word.strip_suffix(".0")
                    .unwrap_or(word)
                    .parse::<u32>()
                    .map_err(|_| format!("line {}: `{word}` is not an agent's number", i + 1))
            };
            if lines.is_empty() && words.clone().count() > 1 && words.clone().all(|word| word.starts_with(char::is_alphabetic)) {
                continue;
            }
            let agents: Vec<u32> = words.map(number).collect::<Result<_, _>>()?;
            if !agents.is_empty() {
                lines.push((i + 1, agents));
            }
        }
        let base = u32::from(!lines.iter().any(|(_, agents)| agents.contains(&0)));
        let (mut all, mut starts) = (Vec::new(), vec![0]);
        for (line, agents) in lines {
            if agents.len() < 2 {
                return Err(format!("line {line}: a group has at least two agents"));
            }
            for (i, &agent) in agents.iter().enumerate() {
                if agent - base >= size {
                    return Err(format!(
                        "line {line}: there is no agent {agent}; `population.size` is {size}, so agents are {base} to {}",
                        size - 1 + base
                    ));
                }
                if agents[..i].contains(&agent) {
                    return Err(format!("line {line}: agent {agent} is in it twice"));
                }
                all.push(agent - base);
            }
            starts.push(all.len());
        }
        let groups = Groups::Listed { agents: all, starts };
        match groups.lonely(size) {
            Some(agent) => Err(format!("agent {} is in no group, so it could never meet anyone", agent + base)),
            None => Ok(groups),
        }
    }

    /// The first agent that is in no group.
    pub(crate) fn lonely(&self, size: u32) -> Option<AgentId> {
        let Groups::Listed { agents, .. } = self else { return None };
        let mut met = vec![false; size as usize];
        agents.iter().for_each(|&agent| met[agent as usize] = true);
        met.iter().position(|met| !met).map(|agent| agent as AgentId)
    }

    /// How many agents the largest group has.
    pub(crate) fn largest(&self) -> u64 {
        match self {
            Groups::Anyone { size, .. } => u64::from(*size),
            Groups::Listed { starts, .. } => starts.windows(2).map(|pair| (pair[1] - pair[0]) as u64).max().unwrap_or(0),
        }
    }

    /// What groups there are, in words.
    pub(crate) fn words(&self, size: u32) -> String {
        match self {
            Groups::Anyone { size: group, .. } => format!("any {group} agents"),
            Groups::Listed { agents, starts } => {
                let sizes = || starts.windows(2).map(|pair| pair[1] - pair[0]);
                let (least, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
                let sizes = if least == most { least.to_string() } else { format!("{least} to {most}") };
                let mean = agents.len() as f64 / f64::from(size);
                format!("{} groups of {sizes} agents, each agent in {mean:.2} of them on average", starts.len() - 1)
            }
        }
    }

    /// Who meets in an interaction, the speaker first: a group, each as likely as any other, and one of it, likewise.
    pub fn meet(&self, seed: Seed, t: u64, into: &mut Vec<AgentId>) {
        let mut draws = seed.stream(Purpose::Pair, t);
        match self {
            Groups::Anyone { size, of } => distinct(*size, *of, into, |n| draws.below(n)),
            Groups::Listed { agents, starts } => {
                let group = draws.below(starts.len() as u64 - 1) as usize;
                into.clear();
                into.extend(&agents[starts[group]..starts[group + 1]]);
                let speaker = draws.below(into.len() as u64) as usize;
                into.swap(0, speaker);
            }
        }
    }
}

/// What a run's events do not say of who heard, for who follows inventories.
#[derive(Clone, Debug)]
pub struct GroupHearers {
    /// The groups that can meet.
    pub groups: Arc<Groups>,
    /// The seed of the run, from which it follows which do.
    pub seed: Seed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_group_is_as_likely_as_any_other() {
        for (groups, due) in [
            (Groups::Anyone { size: 3, of: 5 }, 60),
            (Groups::Anyone { size: 2, of: 5 }, 20),
            (Groups::parse("1 2 3\n4,5 # these two\n", 5).unwrap(), 0),
        ] {
            let (mut group, mut met) = (Vec::new(), BTreeMap::new());
            let n = 60_000;
            for t in 0..n {
                groups.meet(Seed(7), t, &mut group);
                *met.entry(group.clone()).or_insert(0u64) += 1;
            }
            if due > 0 {
                assert_eq!(met.len(), due, "every order of every group");
                let expected = n as f64 / due as f64;
                assert!(met.values().all(|&seen| (seen as f64 - expected).abs() < 5.0 * expected.sqrt()), "{met:?}");
            } else {
                // Of two groups each is met half of the time, and each of its agents speaks as often.
                let speaks = |agent| met.iter().filter(|(group, _)| group[0] == agent).map(|(_, n)| n).sum::<u64>() as f64;
                for (agent, share) in [(0, 1.0 / 6.0), (1, 1.0 / 6.0), (2, 1.0 / 6.0), (3, 0.25), (4, 0.25)] {
                    assert!((speaks(agent) / n as f64 - share).abs() < 0.01, "agent {agent}");
                }
            }
        }
    }

    #[test]
    fn mistakes_in_a_file_of_groups_name_their_line() {
        for (text, why) in [
            ("1 2\n3", "line 2: a group has at least two"),
            ("1 2 x", "`x` is not an agent"),
            ("1 2 2", "agent 2 is in it twice"),
            ("1 2 9", "there is no agent 9"),
            ("1 2", "agent 3 is in no group"),
        ] {
            assert!(Groups::parse(text, 3).unwrap_err().contains(why), "{text}");
        }
        let drawn = GroupSpec { size: Some(3), per_agent: Some(4.0), seed: None, file: None }.draw(300, Seed(1));
        assert!(drawn.words(300).starts_with("400 groups of 3 agents"), "{}", drawn.words(300));
    }
}
