//! Populations of a fitted response in place of the agents of a record: under the same game, pairing, network and
//! stop rule, or with something taken away. What a surrogate cannot do, the response alone did not do.

use crate::evidence::{Condition, Record, count_by_round};
use cratylus_core::agent::{Answers, Ask, Cohort, Cohorts, Mind, News};
use cratylus_core::event::Said;
use cratylus_core::event::batch::Batch;
use cratylus_core::event::block::{Block, ones};
use cratylus_core::event::sink::Sink;
use cratylus_core::experiment::Experiment;
use cratylus_core::fault::Fault;
use cratylus_core::meeting::networks::EdgeList;
use cratylus_core::meeting::networks::spec::NetworkSpec;
use cratylus_core::policy::Policy;
use cratylus_core::spec::Kind;
use cratylus_core::watch::outcome::{Outcome, OutcomeSeen};
use cratylus_core::watch::stop::Stop;
use cratylus_core::window::Windows;
use cratylus_core::{Name, PairEvent, Play, Purpose, Seed, World, run};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// One simulated run.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// As of a run that was played here.
    pub outcome: Outcome,
    /// Successes and interactions in each population round.
    pub rounds: Vec<[u64; 2]>,
}

/// Plays populations of a condition with a policy in place of its agents. `change` may alter the experiment first.
pub fn populations(
    condition: &Condition,
    policy: Arc<dyn Policy>,
    replicas: u64,
    seed: u64,
    change: impl FnOnce(&mut Experiment),
) -> Vec<Simulated> {
    play(&surrogate(condition, policy, seed, change), replicas)
}

/// Plays replicas of a world, and keeps what came of each.
pub fn play(world: &World, replicas: u64) -> Vec<Simulated> {
    let seen = Seen::of(world, 0..replicas, false);
    seen.runs.into_values().map(|run| Simulated { outcome: run.outcome.end(), rounds: run.rounds }).collect()
}

/// A record of such populations in place of the condition's own: as many runs, with all their events.
pub fn records(condition: &Condition, policy: Arc<dyn Policy>, seed: u64) -> Vec<Record> {
    let longest = condition.runs.iter().map(|run| run.outcome.interactions).max().unwrap_or(0);
    let world = surrogate(condition, policy, seed, |experiment| experiment.stop.interactions = Some(2 * longest.max(1)));
    Seen::of(&world, 0..condition.runs.len() as u64, true).runs.into_values().map(SeenRun::record).collect()
}

/// All that happened in one run of a world.
pub(crate) fn record_of(world: &World, replica: u64) -> Record {
    let seen = Seen::of(world, replica..replica + 1, true).runs.into_values().next();
    seen.expect("a run has interactions").record()
}

/// The population of a condition with a policy in place of its agents. `change` may alter the experiment first.
pub fn surrogate(condition: &Condition, policy: Arc<dyn Policy>, seed: u64, change: impl FnOnce(&mut Experiment)) -> World {
    let mut experiment = condition.point.experiment.clone();
    experiment.seed = seed;
    let edges = met(condition);
    change(&mut experiment);
    World::surrogate(experiment, Kind::Window(policy), "surrogate".into(), edges)
}

/// The network of those who met, where it came from a file. Any other is laid out or drawn again, as the experiment says.
fn met(condition: &Condition) -> Option<EdgeList> {
    let (NetworkSpec::EdgeList { .. } | NetworkSpec::Graphml { .. }) = condition.point.experiment.population.network else {
        return None;
    };
    let pairs = condition.runs.iter().flat_map(|run| &run.events).map(|event| event.agents.into());
    EdgeList::of(pairs.collect(), condition.size()).ok()
}

/// What is seen of the replicas of a world.
struct Seen<'w> {
    world: &'w World,
    /// Whether events are kept, which takes memory.
    keep: bool,
    runs: BTreeMap<u64, SeenRun>,
}

struct SeenRun {
    outcome: OutcomeSeen,
    rounds: Vec<[u64; 2]>,
    events: Vec<PairEvent>,
}

impl SeenRun {
    fn record(self) -> Record {
        Record {
            outcome: self.outcome.end(),
            events: self.events,
            starts: Vec::new(),
            committed: Vec::new(),
            shown_first: Vec::new(),
        }
    }
}

impl Seen<'_> {
    fn of(world: &World, replicas: Range<u64>, keep: bool) -> Seen<'_> {
        let mut seen = Seen { world, keep, runs: BTreeMap::new() };
        let replicas: Vec<u64> = replicas.collect();
        run(world, &replicas, Play::Fastest, &mut seen).expect("policies do not fail");
        seen
    }
}

impl Seen<'_> {
    fn run(&mut self, replica: u64) -> &mut SeenRun {
        let new = || SeenRun { outcome: OutcomeSeen::new(&self.world.context(replica)), rounds: Vec::new(), events: Vec::new() };
        self.runs.entry(replica).or_insert_with(new)
    }
}

impl Sink for Seen<'_> {
    fn take(&mut self, replica: u64, events: &Batch) -> Result<(), Fault> {
        let (size, keep) = (self.world.size, self.keep);
        let run = self.run(replica);
        events.iter().for_each(|event| run.outcome.see(&event));
        count_by_round(events.iter().map(|event| (event.t, event.success())), size, &mut run.rounds);
        if keep {
            run.events.extend(events.iter().map(|event| event.pair()));
        }
        Ok(())
    }

    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        let (size, keep) = (u64::from(self.world.size), self.keep);
        let run = self.run(replica);
        run.outcome.see_block(block);
        let mut from = block.first;
        while from < block.n {
            let round = (block.start + from as u64) / size;
            let to = block.n.min(((round + 1) * size - block.start) as usize);
            let settled = block.settled & ones(from, to);
            if run.rounds.len() <= round as usize {
                run.rounds.resize(round as usize + 1, [0; 2]);
            }
            let counts = &mut run.rounds[round as usize];
            counts[0] += u64::from((block.success & settled).count_ones());
            counts[1] += u64::from(settled.count_ones());
            from = to;
        }
        if keep {
            run.events.extend(block.events());
        }
        Ok(())
    }

    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}

/// Success over population rounds, mean over runs; a run that ended in consensus counts as successful from then on.
pub fn success_curve<'r>(runs: impl Iterator<Item = (bool, &'r [[u64; 2]])>, rounds: usize) -> Vec<Vec<f64>> {
    let mut curve: Vec<Vec<f64>> = vec![Vec::new(); rounds];
    for (consensus, by_round) in runs {
        for (round, values) in curve.iter_mut().enumerate() {
            match by_round.get(round) {
                Some(&[successes, n]) if n > 0 => values.push(successes as f64 / n as f64),
                None if consensus => values.push(1.0),
                _ => (),
            }
        }
    }
    curve
}

/// What a partner said to one agent, in order: a history to be replayed to another.
pub type History = Vec<u16>;

/// What partners said to each agent of some runs, by run.
pub fn histories(condition: &Condition) -> Vec<Vec<History>> {
    let of = |record: &Record| {
        let mut all = vec![History::new(); condition.size() as usize];
        for event in record.events.iter().filter(|event| event.success.is_some()) {
            let [Some(a), Some(b)] = event.names else { continue };
            for (agent, said) in [(event.agents[0], b), (event.agents[1], a)] {
                if let Some(history) = all.get_mut(agent as usize) {
                    history.push(said as u16);
                }
            }
        }
        all.retain(|history| !history.is_empty());
        all
    };
    condition.runs.iter().map(of).filter(|histories| !histories.is_empty()).collect()
}

/// A population whose agents meet, and are told of others' partners: what each remembers is its own choice and, in
/// place of what its partner said, the next word of a history that was recorded in another run. Histories are frozen,
/// drawn for each agent from any run, and their names permuted at random for each agent, so that nothing is common to
/// two agents but the response itself. A history that ends goes on as it ended.
pub fn yoked(
    condition: &Condition,
    policy: Arc<dyn Policy>,
    histories: &[Vec<History>],
    interactions: u64,
    [seed, population]: [u64; 2],
) -> Vec<PairEvent> {
    let mut experiment = condition.point.experiment.clone();
    experiment.seed = seed;
    experiment.stop = Stop { interactions: Some(interactions), ..Stop::default() };
    let (n_names, memory) = (condition.names().len(), condition.memory());
    let drawn = Seed::of_run(seed, YOKED, population);
    let told = (0..u64::from(condition.size())).map(|agent| {
        let mut stream = drawn.stream(Purpose::Assign, agent);
        let run = &histories[stream.below(histories.len() as u64) as usize];
        let history = &run[stream.below(run.len() as u64) as usize];
        let mut names: Vec<u16> = (0..n_names as u16).collect();
        stream.shuffle(&mut names, n_names);
        history.iter().map(|&said| names[said as usize]).collect()
    });
    let yoked = Yoked { policy, n_names, memory, told: told.collect() };
    let world = World::surrogate(experiment, Kind::Own(Arc::new(yoked)), YOKED.into(), met(condition));
    record_of(&world, population).events
}

/// What worlds of yoked agents call themselves, which is part of their seeds.
const YOKED: &str = "yoked";

/// Agents that are told of others' partners.
struct Yoked {
    policy: Arc<dyn Policy>,
    n_names: usize,
    memory: usize,
    /// What each is told, in order.
    told: Arc<[History]>,
}

impl Cohorts for Yoked {
    fn cohort(&self, minds: Vec<Mind>) -> Box<dyn Cohort> {
        let agents = Windows::new(self.policy.clone(), self.n_names, self.memory, false, &minds);
        Box::new(YokedAgents { agents, told: self.told.clone(), place: vec![0; minds.len()] })
    }

    fn can_be_kept(&self) -> bool {
        false
    }
}

struct YokedAgents {
    agents: Windows,
    told: Arc<[History]>,
    /// How many words each was told.
    place: Vec<usize>,
}

impl Cohort for YokedAgents {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        self.agents.decide(asks, answers)
    }

    fn learn(&mut self, news: &[News<'_>]) {
        for item in news {
            let agent = item.agent as usize;
            let (told, place) = (&self.told[agent], &mut self.place[agent]);
            let mut hand = item.hand.clone();
            for partner in hand.moves.iter_mut().filter(|one| one.seat != item.seat) {
                partner.said = Said::Name(Name::from(told[(*place).min(told.len() - 1)]));
            }
            *place += 1;
            self.agents.learn(&[News { hand: &hand, ..*item }]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_test::{Design, MECHANISMS, record};
    use cratylus_core::Pairing;
    use cratylus_core::meeting::networks::Complete;
    use cratylus_core::policy::Round;

    /// Agents that say what most partners said, and any name where they lapse.
    struct Follow;

    impl Policy for Follow {
        fn distribution(&self, window: &[Round], out: &mut [f64]) {
            out.fill(0.0);
            window.iter().for_each(|round| out[round[1] as usize] += 1.0);
            let most = out.iter().copied().fold(0.0, f64::max);
            let n = out.iter().filter(|&&count| count == most).count() as f64;
            let lapse = 0.3 / out.len() as f64;
            out.iter_mut().for_each(|count| *count = lapse + if *count == most { 0.7 / n } else { 0.0 });
        }
    }

    #[test]
    fn surrogates_meet_on_the_network_of_the_record() {
        let mut condition = record(&MECHANISMS[0], &Design { runs: 3, ..Design::default() }, 1);
        for (network, edges) in [("kind = \"ring\"", 24), ("kind = \"random-regular\"\ndegree = 3\nseed = 4", 36)] {
            condition.point.experiment.population.network = toml::from_str(network).unwrap();
            let spec = condition.point.experiment.population.network.clone();
            let network = spec.build(condition.size(), Seed(0)).unwrap();
            let joined = |[a, b]: [u32; 2]| (0..network.degree(a)).any(|i| network.neighbour(a, i) == b);
            let told = vec![vec![vec![0, 1, 1]]];
            let apart = yoked(&condition, Arc::new(Follow), &told, 2000, [9, 0]);
            let played = records(&condition, Arc::new(Follow), 3);
            let all = apart.iter().chain(played.iter().flat_map(|run| &run.events));
            let pairs: std::collections::BTreeSet<_> = all.map(|event| event.agents).collect();
            assert!(pairs.iter().all(|&pair| joined(pair)));
            assert_eq!(pairs.len(), 2 * edges, "every edge in both directions");
        }
    }

    fn late(events: &[PairEvent]) -> f64 {
        let late = &events[events.len() / 2..];
        late.iter().filter(|event| event.success == Some(true)).count() as f64 / late.len() as f64
    }

    /// The control that looks right and is wrong: partners' words come from the population beside, which goes on at the
    /// same time, with agents and names in the same places.
    fn concurrent(condition: &Condition, populations: u64, rounds: u64) -> f64 {
        let interactions = rounds * u64::from(condition.size());
        let size = condition.size() as usize;
        let mut windows: Vec<Vec<Vec<Round>>> = vec![vec![Vec::new(); size]; populations as usize];
        let (mut agreed, mut of) = (0.0, 0.0);
        let network = Complete(condition.size());
        for t in 0..interactions {
            // All populations meet in the same pairs, so that a place in one has its partner's place in the next.
            let agents = Pairing::AgentThenNeighbour.draw(Seed(1).pair(t), &network);
            let mut said = Vec::new();
            for (population, windows) in windows.iter().enumerate() {
                let mut stream = Seed(population as u64).stream(Purpose::Decide, t);
                said.push(agents.map(|agent| {
                    let mut p = vec![0.0; condition.names().len()];
                    Follow.distribution(&windows[agent as usize], &mut p);
                    let mut left = stream.unit();
                    let found = p.iter().position(|p| {
                        left -= p;
                        left < 0.0
                    });
                    found.unwrap_or(0) as u16
                }));
            }
            for population in 0..populations as usize {
                let beside = said[(population + 1) % populations as usize];
                for seat in 0..2 {
                    let window = &mut windows[population][agents[seat] as usize];
                    window.push([said[population][seat], beside[1 - seat]]);
                    if window.len() > condition.memory() {
                        window.remove(0);
                    }
                }
                if t >= interactions / 2 {
                    agreed += f64::from(u8::from(said[population][0] == said[population][1]));
                    of += 1.0;
                }
            }
        }
        agreed / of
    }

    #[test]
    fn concurrent_aligned_surrogates_agree_where_frozen_relabelled_ones_do_not() {
        let design = Design { size: 12, runs: 20, rounds: 60, ..Design::default() };
        let follower = MECHANISMS.iter().find(|mechanism| mechanism.name == "symmetric follower").unwrap();
        let condition = record(follower, &design, 3);
        let told = histories(&condition);
        let frozen: Vec<f64> = (0..20).map(|n| late(&yoked(&condition, Arc::new(Follow), &told, 720, [1, n]))).collect();
        let frozen = frozen.iter().sum::<f64>() / 20.0;
        let wrong = concurrent(&condition, 20, 60);
        // The wrong control says that agreement needs no partners; it couples all populations into one.
        assert!((frozen - 0.5).abs() < 0.05, "{frozen}");
        assert!(wrong > 0.65, "{wrong}");
    }
}
