//! Populations of a mechanism as any engine plays them: a cohort whose agents may know all that has happened so far, and a
//! game that goes one interaction after the other, so that it has happened in order.

use super::mechanisms::{Mechanism, MechanismChoice};
use cratylus_core::agent::{Answers, Ask, Cohort, Cohorts, Mind, News};
use cratylus_core::event::Said;
use cratylus_core::experiment::Experiment;
use cratylus_core::fault::Fault;
use cratylus_core::game::{Game, Hand, Question};
use cratylus_core::policy::Round;
use cratylus_core::spec::Kind;
use cratylus_core::{AgentId, Name, Purpose, Seed, World};
use std::sync::Arc;

/// The population of one run of a mechanism.
pub(super) fn world(mechanism: &'static Mechanism, experiment: Experiment, replica: u64) -> World {
    let agents = Agents {
        mechanism,
        run: Seed::of_run(experiment.seed, mechanism.name, replica),
        n_names: experiment.names().len() as u16,
        memory: experiment.memory(),
    };
    let mut world = World::surrogate(experiment, Kind::Own(Arc::new(agents)), mechanism.name.into(), None);
    world.game = Box::new(InTurn(world.game));
    world
}

/// A game that is played one interaction after the other.
struct InTurn(Box<dyn Game>);

impl Game for InTurn {
    fn in_turn(&self) -> bool {
        true
    }

    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        self.0.next(hand, ask);
    }

    fn settle(&self, hand: &mut Hand) {
        self.0.settle(hand);
    }
}

/// Agents of a mechanism in one run.
#[derive(Clone, Copy)]
struct Agents {
    mechanism: &'static Mechanism,
    run: Seed,
    n_names: u16,
    memory: usize,
}

impl Cohorts for Agents {
    fn cohort(&self, minds: Vec<Mind>) -> Box<dyn Cohort> {
        let size = minds.len();
        let mut stream = self.run.stream(Purpose::Scene, 1 << 41);
        let (signal, walk) = (stream.below(u64::from(self.n_names)) as u16, 2.0 * (stream.unit() - 0.5));
        Box::new(Population {
            agents: *self,
            windows: vec![Vec::new(); size],
            board: Vec::new(),
            last: vec![None; size],
            partner: vec![None; size],
            played: vec![0; size],
            signal,
            walk,
            passed: 0,
        })
    }

    fn can_be_kept(&self) -> bool {
        false
    }
}

/// What a population's agents remember, and what they can know beside.
struct Population {
    agents: Agents,
    windows: Vec<Vec<Round>>,
    board: Vec<u16>,
    last: Vec<Option<u16>>,
    partner: Vec<Option<AgentId>>,
    played: Vec<u64>,
    signal: u16,
    walk: f64,
    /// How many interactions have begun.
    passed: u64,
}

impl Population {
    /// Lets time pass before an interaction.
    fn pass(&mut self, t: u64) {
        let mut stream = self.agents.run.stream(Purpose::Scene, t);
        if stream.unit() < self.agents.mechanism.flips {
            self.signal = (self.signal + 1) % self.agents.n_names;
        }
        self.walk = (self.walk + 0.6 * (stream.unit() - 0.5)).clamp(-3.0, 3.0);
        self.passed = t + 1;
    }

    fn choice(&self, t: u64, seat: u16, agent: AgentId) -> MechanismChoice<'_> {
        let Agents { run, n_names, .. } = self.agents;
        MechanismChoice {
            n_names,
            run,
            size: self.last.len() as u32,
            t,
            agent,
            window: &self.windows[agent as usize],
            played: self.played[agent as usize],
            board: &self.board,
            last: &self.last,
            partner: &self.partner,
            signal: self.signal,
            walk: self.walk,
            stream: run.stream(Purpose::Decide, 2 * t + u64::from(seat)),
        }
    }
}

impl Cohort for Population {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        for (ask, said) in asks.iter().zip(&mut answers.said) {
            let t = ask.t();
            if self.passed <= t {
                self.pass(t);
            }
            let name = (self.agents.mechanism.choose)(&mut self.choice(t, ask.question.seat, ask.agent));
            *said = Said::Name(Name::from(name));
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News<'_>]) {
        for item in news {
            let Some(round) = item.round() else { continue };
            let agent = item.agent as usize;
            let window = &mut self.windows[agent];
            window.push(round);
            if window.len() > self.agents.memory {
                window.remove(0);
            }
            self.board.push(round[0]);
            let old = self.board.len().saturating_sub(9);
            self.board.drain(..old);
            self.last[agent] = Some(round[0]);
            self.partner[agent] = Some(item.hand.seats[1 - usize::from(item.seat)]);
            self.played[agent] += 1;
        }
    }
}
