//! What a live experiment will come to, before anything is asked: it is played with emulated models in place of the live
//! one. They differ in how fast they agree, so what comes out is a range, and no more than a guess at a new model.

use crate::agents::emulated;
use crate::engines::live::run_asking;
use crate::event::batch::Batch;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::language::Distribution;
use crate::language::facts::Facts;
use crate::language::model::Reply;
use crate::policy::Round;
use crate::world::World;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What one stand-in's runs would need.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The emulated model that stood in.
    pub model: String,
    /// Decisions of live agents: the calls of a model that gives text.
    pub decisions: u64,
    /// Different questions: the calls of a model that gives probabilities.
    pub prompts: u64,
    /// The mean length of a prompt in characters.
    pub characters: f64,
    /// How many runs the numbers are for, those that were not tried included.
    pub runs: u64,
    /// Whether only some of the runs were tried, and decisions were extrapolated.
    pub partly: bool,
}

/// What stands in for models in scenes: chance.
pub const ANY: &str = "any option";

/// No more decisions than this are tried for one stand-in, so that an answer takes seconds.
const DECISIONS_MAX: u64 = 100_000;
/// The prompts that are written out to see how long they are.
const WRITTEN: usize = 64;

/// What makes a question another one: how the model is asked, the memory, the order shown, and what a seat of a scene is told.
type Question = (String, Vec<Round>, Vec<u16>, Option<Arc<Facts>>);

/// What stops a run that was tried long enough.
const ENOUGH: &str = "tried long enough";

struct Nothing;

impl Sink for Nothing {
    fn take(&mut self, _: u64, _: &Batch) -> Result<(), Fault> {
        Ok(())
    }
    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}

/// Plays worlds with live models on each emulated model inside this program. Worlds without any are left out.
pub fn estimate(worlds: &[World]) -> Result<Vec<Estimate>, Fault> {
    // In a scene nothing stands in but chance.
    if worlds.iter().filter(|world| world.live()).all(|world| world.experiment.game.spec.stage().is_some()) {
        return Ok(vec![with(worlds, None)?]);
    }
    emulated::built_in().iter().map(|model| with(worlds, Some(model))).collect()
}

fn with(worlds: &[World], stand_in: Option<&emulated::Emulated>) -> Result<Estimate, Fault> {
    let mut questions: HashSet<Question> = HashSet::new();
    let (mut decisions, mut runs, mut partly) = (0.0, 0, false);
    let (mut characters, mut written) = (0.0, 0);
    for world in worlds.iter().filter(|world| world.live()) {
        let replicas = world.experiment.replicas;
        // What is the same whenever it is asked: how a kind is asked, and what the model answers after a window.
        let mut asked: HashMap<u16, String> = HashMap::new();
        let mut answers: HashMap<Box<[Round]>, Arc<Distribution>> = HashMap::new();
        let (mut here, mut played, mut bound) = (0u64, 0, 0u64);
        for replica in 0..replicas {
            let most = DECISIONS_MAX / worlds.len() as u64;
            if here > most {
                partly = true;
                break;
            }
            let (names, before) = (world.experiment.names(), here);
            let mut answer = |kind: u16, model: &crate::language::model::Model, query: &crate::language::model::Query| {
                // A run that nothing ends soon is taken to last as long as it may.
                if here - before > most {
                    return Err(Fault(ENOUGH.into()));
                }
                here += 1;
                let asked = asked.entry(kind).or_insert_with(|| world.asked(kind));
                let new = questions.insert((asked.clone(), query.window.to_vec(), query.order.to_vec(), query.facts.clone()));
                if new && written < WRITTEN {
                    let prompt = model.prompt(query).map_err(Fault)?;
                    characters += prompt.messages.iter().map(|message| message.text.len()).sum::<usize>() as f64;
                    written += 1;
                }
                if let Some(facts) = &query.facts {
                    let n = facts.names.len();
                    return Ok(match facts.text {
                        Some(most) => Reply::Text("word ".repeat(most as usize / 5)),
                        None => Reply::Distribution(Arc::new(Distribution::new(vec![1.0 / n as f64; n]))),
                    });
                }
                if let Some(known) = answers.get(&query.window[..]) {
                    return Ok(Reply::Distribution(known.clone()));
                }
                let mut p = vec![0.0; names.len()];
                if let Some(stand_in) = stand_in {
                    stand_in.distribution(names, &query.window, &mut p);
                }
                let answer = Arc::new(Distribution::new(p));
                answers.insert(query.window[..].into(), answer.clone());
                Ok(Reply::Distribution(answer))
            };
            let ended = run_asking(world, &[replica], &mut answer, &mut Nothing);
            played += 1;
            match ended {
                Ok(()) => bound += here - before,
                Err(fault) if fault.0 == ENOUGH => {
                    partly = true;
                    let seats = if world.experiment.alone() { 1 } else { world.seats().max(2) };
                    bound = bound.saturating_add(world.stop(replica).most().saturating_mul(seats));
                }
                Err(fault) => return Err(fault),
            }
        }
        decisions += bound as f64 * replicas as f64 / played as f64;
        runs += replicas;
    }
    Ok(Estimate {
        model: stand_in.map_or_else(|| ANY.into(), |model| model.name.clone()),
        decisions: decisions.round() as u64,
        prompts: questions.len() as u64,
        characters: if written > 0 { characters / written as f64 } else { 0.0 },
        runs,
        partly,
    })
}
