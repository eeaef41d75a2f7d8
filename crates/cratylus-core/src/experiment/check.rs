//! What can be wrong with an experiment as a whole: its parts were read, and may not go together.

use super::parts::{Budget, Committed, Experiment, Followed, JoinBy, Part, PopulationSpec};
use crate::Pairing;
use crate::control::Paid;
use crate::experiment::parts::Start;
use crate::experiment::sequential::Asked;
use crate::game::Seats;
use crate::meeting::networks::spec::NetworkSpec;
use crate::spec::places::{Mistake, Spans};
use crate::text::{listed, nearest};
use crate::watch::stop::{By, Stop};

/// More than anyone means to run.
const REPLICAS_MAX: u64 = 100_000_000;

const INTERACTIONS_MAX: u64 = 1 << 50;

/// Agents that are counted; a thousand rounds of them are less than the most interactions.
const COUNTED_MAX: u64 = 1_000_000_000_000;

impl Experiment {
    pub(super) fn check(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |key: &str, why: String| Err(spans.mistake(key, why));
        if !(1..=REPLICAS_MAX).contains(&self.replicas) {
            return mistake("replicas", format!("an experiment runs 1 to {REPLICAS_MAX} replicas"));
        }
        if let Err((key, why)) = check_asked(self) {
            return mistake(key, why);
        }
        if self.seed > i64::MAX as u64 {
            return mistake("seed", "a seed is a whole number from 0 to 2^63 - 1, as TOML holds no larger ones".into());
        }
        let alone = self.alone();
        let least = match self.seats() {
            Seats::Table(seats) => seats.into(),
            _ if alone || self.population.itself => 1,
            _ => 2,
        };
        if self.population.size < least {
            return mistake("population.size", format!("the game `{}` takes at least {least} agents", self.game.kind));
        }
        let most = if self.population.engine == Followed::Agents { 1 << 30 } else { COUNTED_MAX };
        if self.size() > most {
            let why = "a population holds at most 2^30 agents, and 10^12 with `population.engine = \"counts\"`";
            return mistake("population.size", why.into());
        }
        if let Err((key, why)) = self.game.spec.check() {
            return mistake(&format!("game.{key}"), why);
        }
        if self.memory() > 64 {
            return mistake("game.memory", "agents remember at most 64 rounds".into());
        }
        let Budget { usd, hours, .. } = &self.budget;
        for (key, value) in [("budget.usd", usd), ("budget.hours", hours)] {
            if value.is_some_and(|value| !(value >= 0.0 && value.is_finite())) {
                return mistake(key, "a budget is a number from 0 on".into());
            }
        }
        self.check_itself(spans)?;
        self.check_pairing(spans)?;
        self.check_engine(spans)?;
        self.check_groups(spans)?;
        self.check_agents(spans)?;
        self.check_start(spans)?;
        self.check_control(spans)?;
        for key in self.record.measures.iter().flatten() {
            let keys: Vec<String> = self.registry.measures.iter().map(|entry| entry.key().to_string()).collect();
            if !keys.contains(key) {
                let why = format!("there is no measure called `{key}`");
                return Err(spans.mistake("record.measures", why).help(nearest(key, &keys)));
            }
        }
        self.check_stop(spans)
    }

    fn check_itself(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |why: &str| Err(spans.mistake("population.itself", why.into()));
        let PopulationSpec { itself, ref network, pairing, ref groups, .. } = self.population;
        match pairing {
            _ if !itself => Ok(()),
            _ if !self.game.spec.with_oneself() => {
                let why = "what counts is what different agents say, and nobody has to agree with themselves";
                Err(spans.mistake("population.itself", format!("in the game `{}` {why}", self.game.kind)))
            }
            _ if *network != NetworkSpec::Complete => {
                mistake("on this network nobody is their own neighbour; agents meet themselves on the complete network")
            }
            _ if groups.is_some() => mistake("nobody sits twice in a group; agents meet themselves in pairs"),
            Pairing::RandomMatching => mistake("in a random matching everybody meets another; other pairings allow it"),
            _ => Ok(()),
        }
    }

    fn check_pairing(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |why: &str| Err(spans.mistake("population.pairing", why.into()));
        match self.population.pairing {
            Pairing::AgentThenNeighbour => Ok(()),
            _ if self.alone() => mistake("an agent that is asked alone is paired with nobody"),
            _ if self.opinions() => {
                mistake("in the game `opinion` an agent looks at all its neighbours, and is paired with none of them")
            }
            Pairing::RandomMatching if self.population.network != NetworkSpec::Complete => {
                mistake("a random matching joins any two agents, so it takes the complete network")
            }
            Pairing::AllAtOnce if self.in_turn() => {
                let why = "pairs meet one after the other, as what they say depends on all that came before";
                Err(spans.mistake("population.pairing", format!("in the game `{}` {why}", self.game.kind)))
            }
            Pairing::AllAtOnce if self.live() => mistake(
                "language models are asked as soon as they are free; rounds in which all play at once are for agents that are rules",
            ),
            _ => Ok(()),
        }
    }

    fn check_groups(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |key: &str, why: &str| Err(spans.mistake(key, why.into()));
        let seats = self.seats();
        if matches!(seats, Seats::Table(_)) && self.population.network != NetworkSpec::Complete {
            return mistake("population.network", "anyone may sit at a scene with anyone; leave `population.network` out");
        }
        let Some(groups) = &self.population.groups else {
            return match self.game.spec.for_groups() {
                _ if seats == Seats::Group => {
                    let why = format!("who plays the game `{}` together? Give `population.groups.size`", self.game.kind);
                    mistake("population", &why)
                }
                Some(key) => {
                    let why = format!("a pair has one hearer; `{key}` is for groups (`population.groups`)");
                    mistake(&format!("game.{key}"), &why)
                }
                None => Ok(()),
            };
        };
        if let Err((key, why)) = groups.check(self.followed()).and_then(|()| match groups.seed {
            // Groups that are drawn once are looked at when they are.
            Some(_) => Ok(()),
            None => groups.enough(self.followed(), self.replicas),
        }) {
            return mistake(&format!("population.groups.{key}"), &why);
        }
        match () {
            () if !matches!(seats, Seats::Group | Seats::TwoOrGroup) => {
                let games = self.registry.games.iter().filter(|entry| entry.grouped);
                let games = games.map(|entry| format!("`{}`", entry.name)).collect::<Vec<_>>().join(", ");
                mistake("population.groups", &format!("the game `{}` is not played in groups; {games} are", self.game.kind))
            }
            () if self.population.network != NetworkSpec::Complete => {
                mistake("population.groups", "groups say who can meet; leave `population.network` out")
            }
            () if self.population.pairing != Pairing::AgentThenNeighbour => {
                mistake("population.pairing", "in a group any of it speaks; leave `population.pairing` out")
            }
            () if seats == Seats::TwoOrGroup && self.agents.kinds.len() > 1 => {
                mistake("agents.mix", "in groups all agents follow one rule")
            }
            () => Ok(()),
        }
    }

    fn check_engine(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        if self.population.engine == Followed::Agents {
            return Ok(());
        }
        let why = match () {
            () if self.population.network != NetworkSpec::Complete => {
                "agents can be counted only where everyone meets everyone, on the complete network"
            }
            () if matches!(self.population.pairing, Pairing::RandomMatching | Pairing::AllAtOnce) => {
                "agents that play in rounds of their own cannot be counted; leave `population.pairing` out"
            }
            () if self.record.interactions => {
                "where agents are counted there are no interactions to be kept; give `record = { interactions = false }`"
            }
            () if self.stop.share.is_some() => "a share of a name is not looked at while agents are counted; give `stop.rounds`",
            () if self.in_turn() => "in this game agents are followed one by one",
            () if self.population.groups.is_some() => "in groups of more than two agents are followed one by one",
            () if self.stop.consensus.as_ref().is_some_and(|consensus| consensus.by == By::Successes) => {
                "successes in a row cannot be seen where agents are counted; in the naming game give `by = \"inventories\"`, or `stop.rounds` alone"
            }
            () => return Ok(()),
        };
        Err(spans.mistake("population.engine", why.into()))
    }

    fn check_control(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        if self.control.changes_what_is_shown() && self.game.spec.memory().is_none() {
            let why = format!(
                "controls change what agents are shown of remembered rounds, and in the game `{}` they remember none",
                self.game.kind
            );
            return Err(spans.mistake("control", why));
        }
        if self.control.alias && !self.game.spec.succeeds() && !self.alone() {
            let why = format!(
                "in the game `{}` options pay unlike, so they cannot stand for one another; leave `alias` out",
                self.game.kind
            );
            return Err(spans.mistake("control.alias", why));
        }
        if self.control.payoff != Paid::AsItIs && self.game.spec.payoff().is_none() {
            let why = format!("the game `{}` pays nothing that could be told otherwise", self.game.kind);
            return Err(spans.mistake("control.payoff", why));
        }
        Ok(())
    }

    fn check_agents(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |key: &str, why: String| Err(spans.mistake(key, why));
        let count = |(part, _): &(Part, _)| if let Part::Count(n) = part { *n } else { 0 };
        let counts: u64 = self.agents.kinds.iter().map(count).fold(0, u64::saturating_add);
        let shares: f64 =
            self.agents.kinds.iter().map(|(part, _)| if let Part::Share(share) = part { *share } else { 0.0 }).sum();
        let all_counts = self.agents.kinds.iter().all(|(part, _)| matches!(part, Part::Count(_)));
        if all_counts && counts != self.population.size {
            return mistake(
                "agents.mix",
                format!("the counts add up to {counts}, and `population.size` is {}", self.population.size),
            );
        }
        if !all_counts && counts > 0 {
            return mistake("agents.mix", "give every kind of the mix a `share`, or every kind a `count`".into());
        }
        if !all_counts && ((shares - 1.0).abs() > 1e-9) {
            let percent = if (shares - 100.0).abs() < 1e-6 { "; a share is a number from 0 to 1, and 20 % is 0.2" } else { "" };
            return mistake(
                "agents.mix",
                format!("the shares must add up to 1 (or give a `count` for every kind); they add up to {shares}{percent}"),
            );
        }
        for (i, (_, kind)) in self.agents.kinds.iter().enumerate() {
            let registry = &self.registry;
            if !registry.plays(kind.kind, self.game.kind) {
                let words = |all: Vec<&str>| listed(&all.into_iter().map(String::from).collect::<Vec<_>>());
                let games = words(registry.played(kind.kind));
                let players = words(registry.players(self.game.kind));
                let why = format!("agents of kind `{}` play {games}, and the game is `{}`", kind.kind, self.game.kind);
                let key = agent_key(self.agents.kinds.len(), i, "kind");
                return Err(spans.mistake(&key, why).help(format!("`{}` is played by agents of kind {players}", self.game.kind)));
            }
            if kind.spec.needs_memory() && self.memory() == 0 && !self.alone() {
                let why = format!(
                    "agents of kind `{}` choose by what they remember, and a memory of 0 rounds holds nothing; give at least 1",
                    kind.kind
                );
                return mistake("game.memory", why);
            }
        }
        let (groups, size) = (&self.agents.committed, self.population.size);
        if let Err((key, why)) = self.game.spec.fits(size as f64) {
            return mistake(&format!("game.{key}"), why);
        }
        for (i, committed) in groups.iter().enumerate() {
            let key = if groups.len() == 1 { "agents.committed".to_string() } else { format!("agents.committed.{i}") };
            self.check_committed(committed, &key, spans)?;
        }
        let all = self.n_committed();
        let replaced = groups.iter().all(|group| group.how == JoinBy::Replace);
        if groups.len() > 1 && !replaced {
            return mistake(
                "agents.committed",
                "only a single committed group can be added; of several, each replaces agents".into(),
            );
        }
        if replaced && all > size {
            let key = if groups.len() == 1 { "agents.committed.count" } else { "agents.committed" };
            return mistake(key, format!("{all} agents cannot be committed in a population of {size}"));
        }
        // Two groups that fill the population between them are a limit worth looking at; one has nobody to convince.
        if replaced && groups.len() == 1 && all == size {
            let why = format!("all {all} agents would be committed, and nobody would be left whose mind could change");
            return mistake("agents.committed", why);
        }
        Ok(())
    }

    fn check_committed(&self, committed: &Committed, key: &str, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |field: &str, why: String| Err(spans.mistake(&format!("{key}{field}"), why));
        if self.alone() {
            return mistake("", "an agent that is asked alone has no minority to meet".into());
        }
        if committed.count.is_some() == committed.share.is_some() {
            return mistake("", "give `count` (a number of agents) or `share` (0 to 1), one of the two".into());
        }
        if let Some(share) = committed.share.filter(|share| !(0.0..=1.0).contains(share)) {
            return mistake(".share", format!("a share is a number from 0 to 1{}", of_hundred(share)));
        }
        if committed.count(self.population.size) == 0 && committed.share.is_some_and(|share| share > 0.0) {
            let why = format!(
                "that share of {} agents is less than half an agent; give a larger share, or `count`",
                self.population.size
            );
            return mistake(".share", why);
        }
        if committed.how == JoinBy::Add && self.population.network != NetworkSpec::Complete {
            let why = "agents can be added only where everyone meets everyone; on other networks replace some".into();
            return mistake(".how", why);
        }
        self.check_name(&format!("{key}.name"), &committed.name, spans)
    }

    fn check_start(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let Start { consensus, shares, memory, run } = &self.population.start;
        let given = [consensus.is_some(), shares.is_some(), memory.is_some(), run.is_some()];
        if given.iter().filter(|&&given| given).count() > 1 {
            let why = "a start is a `consensus`, `shares`, a `memory` or a `run`, one of them".into();
            return Err(spans.mistake("population.start", why));
        }
        let without_pool = self.names().is_empty() && given.contains(&true);
        if without_pool {
            return Err(spans.mistake("population.start", "a start needs a pool of names (`game.names`)".into()));
        }
        if let Some(name) = consensus {
            self.check_name("population.start.consensus", name, spans)?;
        }
        if let Some(shares) = shares {
            shares.keys().try_for_each(|name| self.check_name("population.start.shares", name, spans))?;
            let sum: f64 = shares.values().sum();
            if shares.values().any(|share| !(0.0..=1.0).contains(share)) || (sum - 1.0).abs() > 1e-9 {
                let why = format!("shares of names are numbers from 0 to 1 that add up to 1; these add up to {sum}");
                return Err(spans.mistake("population.start.shares", why));
            }
        }
        if (memory.is_some() || run.is_some()) && self.game.spec.memory().is_none() {
            let key = if memory.is_some() { "population.start.memory" } else { "population.start.run" };
            let why = format!(
                "in the game `{}` agents remember no rounds; a start there is a `consensus` or `shares` of names",
                self.game.kind
            );
            return Err(spans.mistake(key, why));
        }
        for round in memory.iter().flatten() {
            round.iter().try_for_each(|name| self.check_name("population.start.memory", name, spans))?;
        }
        if let Some(memory) = memory
            && memory.len() > self.memory()
        {
            let why = format!("{} rounds are given, and `game.memory` is {}", memory.len(), self.memory());
            return Err(spans.mistake("population.start.memory", why));
        }
        Ok(())
    }

    fn check_stop(&self, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let mistake = |key: &str, why: &str| Err(spans.mistake(key, why.into()));
        if let Some(consensus) = &self.stop.consensus {
            if consensus.by == By::Inventories {
                if self.game.kind != "naming" {
                    return mistake("stop.consensus.by", "only agents of the game `naming` have inventories");
                }
                let mut kinds = self.agents.kinds.iter().map(|(_, kind)| &kind.plan);
                let first = kinds.next();
                if kinds.any(|kind| Some(kind) != first) {
                    return mistake("stop.consensus.by", "inventories are followed where all agents keep them by one rule");
                }
            }
            let open = !self.game.spec.succeeds() && !self.opinions() && !self.alone();
            if consensus.by == By::Successes && open {
                let why = format!(
                    "nothing succeeds or fails in the game `{}`, so there is no consensus by successes; give `stop.rounds`, or `stop.share`",
                    self.game.kind
                );
                return Err(spans.mistake("stop.consensus", why));
            }
            match (consensus.by == By::Opinions, self.opinions()) {
                (true, false) => return mistake("stop.consensus.by", "only agents of the game `opinion` have opinions"),
                (false, true) => {
                    return mistake(
                        "stop.consensus.by",
                        "nothing succeeds or fails in the game `opinion`; give `consensus = { by = \"opinions\" }`",
                    );
                }
                _ => (),
            }
            let windowed = consensus.window.is_some() || consensus.window_rounds.is_some() || consensus.threshold < 1.0;
            if consensus.by != By::Successes && windowed {
                return mistake("stop.consensus", "agents agree at a moment here, so there is no window and no threshold");
            }
            if consensus.window.is_some() && consensus.window_rounds.is_some() {
                return mistake(
                    "stop.consensus",
                    "give `window` (interactions) or `window_rounds` (population rounds), one of the two",
                );
            }
            for (key, value) in
                [("stop.consensus.window", consensus.window), ("stop.consensus.window_rounds", consensus.window_rounds)]
            {
                match value {
                    Some(0) => return mistake(key, "a window holds at least one interaction"),
                    Some(0x1000_0000..) => return mistake(key, "a window holds at most 2^28 interactions"),
                    _ => (),
                }
            }
            if !(consensus.threshold > 0.0 && consensus.threshold <= 1.0) {
                return mistake("stop.consensus.threshold", "a threshold is a share of successes, above 0 and up to 1");
            }
            if consensus.by == By::Successes && consensus.window(self.size()) > 1 << 28 {
                return mistake("stop.consensus", "a window holds at most 2^28 interactions");
            }
        }
        if self.stop.share.is_some() && self.names().is_empty() {
            return mistake("stop.share", "whose share? In this game there is no pool of names (`game.names`)");
        }
        if let Some(share) = &self.stop.share {
            match share.name.as_ref().or(self.agents.committed.first().map(|committed| &committed.name)) {
                Some(name) => self.check_name("stop.share.name", name, spans)?,
                None => return mistake("stop.share", "whose share? Give `name`, or a committed minority"),
            }
            if share.window_rounds == 0 || !(share.threshold > 0.0 && share.threshold <= 1.0) {
                return mistake("stop.share", "`window_rounds` is at least 1, and `threshold` above 0 and up to 1");
            }
        }
        let Stop { interactions, rounds, sweeps, .. } = self.stop;
        for (key, value) in [("stop.interactions", interactions), ("stop.rounds", rounds), ("stop.sweeps", sweeps)] {
            match value {
                Some(0) => return mistake(key, "a run has at least one interaction"),
                Some(INTERACTIONS_MAX..) => return mistake(key, "a run has at most 2^50 interactions"),
                _ => (),
            }
        }
        Ok(())
    }

    fn check_name(&self, key: &str, name: &str, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
        let names = self.names();
        if names.iter().any(|known| known == name) || (names.is_empty() && key != "population.start.memory") {
            return Ok(());
        }
        Err(spans.mistake(key, format!("`{name}` is not in the pool")).help(nearest(name, names)))
    }
}

impl Experiment {
    /// What makes interventions impossible, where there are any: which key, and why.
    pub(super) fn check_interventions(&self) -> Result<(), (&'static str, String)> {
        let key = "interventions";
        let all = || std::iter::once(self).chain(self.interventions.iter().map(|intervention| &intervention.experiment));
        if self.interventions.is_empty() {
            return Ok(());
        }
        if all().any(Experiment::live) {
            return Err((key, "language models are not changed while they play; give each setting a run that starts from what another left (`population.start.run`)".into()));
        }
        let turned: f64 = self.interventions.iter().filter_map(|intervention| intervention.turnover).sum();
        if let Err((_, why)) = self.game.spec.fits(self.size() as f64 * (1.0 + turned)) {
            return Err((key, format!("with all that are new {why}")));
        }
        if self.population.engine == Followed::Counts {
            return Err((
                key,
                "agents that are only counted cannot be told apart, so they are not changed while they play".into(),
            ));
        }
        if self.alone() {
            return Err((key, "an agent that is asked alone is in no population that could be changed".into()));
        }
        if !self.control.is_none() {
            return Err((key, "interventions and controls do not go together yet".into()));
        }
        if self.stop.consensus.as_ref().is_some_and(|consensus| consensus.by != crate::watch::stop::By::Successes) {
            return Err((key, "with interventions consensus is judged by successes, not by what agents know or hold".into()));
        }
        Ok(())
    }
}

/// For who gives a share as so many of a hundred.
fn of_hundred(share: f64) -> String {
    if share > 1.0 && share <= 100.0 { format!("; {share} % is {}", share / 100.0) } else { String::new() }
}

fn agent_key(n: usize, i: usize, field: &str) -> String {
    if n == 1 { format!("agents.{field}") } else { format!("agents.mix.{i}.{field}") }
}

/// A mistake in what is asked of runs: nobody could answer.
pub(super) fn check_asked(experiment: &Experiment) -> Result<(), (&'static str, String)> {
    let Some(sequential) = &experiment.sequential else { return Ok(()) };
    let key = if sequential.find.is_some() { "find.of" } else { "replicas.of" };
    match sequential.asked() {
        _ if experiment.alone() => Err((key, "an agent that is asked alone reaches nothing; give `replicas` as a number".into())),
        Asked::Tipped if experiment.minority().is_none() => Err((key, "nobody is committed, so nothing can be tipped".into())),
        Asked::Winner(name) if !experiment.names().is_empty() && !experiment.names().contains(name) => {
            Err((key, format!("`{name}` is not in the pool, so it cannot win")))
        }
        _ => Ok(()),
    }
}
