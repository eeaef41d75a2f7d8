//! Agents and games that the calling program brings along, beside those in here.

mod common;
use common::Kept;
use cratylus_core::agent::{Answers, Ask, Cohort, News};
use cratylus_core::brought::{AgentsBegin, BroughtAgents, BroughtRules};
use cratylus_core::event::Said;
use cratylus_core::experiment::Document;
use cratylus_core::fault::Fault;
use cratylus_core::spec::NoInputs;
use cratylus_core::{Name, PairEvent, Play, World, run};
use std::sync::Arc;

/// Copies what the partner said last, with a lapse; the same as agents in here, for comparison.
struct Copies;

struct Cohorts {
    last: Vec<Option<Name>>,
    n: u64,
}

impl BroughtAgents for Copies {
    fn cohort(&self, begins: AgentsBegin) -> Box<dyn Cohort> {
        Box::new(Cohorts { last: vec![None; begins.starts.len()], n: begins.names.len() as u64 })
    }
}

impl Cohort for Cohorts {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        for (ask, said) in asks.iter().zip(&mut answers.said) {
            let any = ((u64::from(ask.draw()) * self.n) >> 32) as u32;
            *said = Said::Name(self.last[ask.agent as usize].unwrap_or(any));
        }
        Ok(())
    }
    fn learn(&mut self, news: &[News<'_>]) {
        for item in news {
            self.last[item.agent as usize] = item.event().name(1 - usize::from(item.seat));
        }
    }
}

struct Differ;

impl BroughtRules for Differ {
    fn success(&self, [a, b]: [Name; 2]) -> Option<bool> {
        Some(a != b)
    }
}

fn events(game: &str, agents: &str) -> Result<Vec<PairEvent>, String> {
    let text = format!(
        "[population]\nsize = 12\n[stop]\nrounds = 20\n[game]\n{game}\nnames = [\"A\", \"B\"]\nmemory = 1\n[agents]\n{agents}\n"
    );
    let mut registry = cratylus_core::experiment::registry();
    registry.outside.agents.insert("copies".into(), Arc::new(Copies));
    registry.outside.games.insert("differ".into(), Arc::new(Differ));
    let point = Document::parse_with(&Arc::new(registry), "test.toml", &text, &[])?.points()?.remove(0);
    let world = World::build(&point, &NoInputs).map_err(|(key, why)| format!("{key}: {why}"))?;
    let mut kept = Kept::default();
    run(&world, &[0], Play::Fastest, &mut kept).map_err(|fault| fault.0)?;
    Ok(kept.0.remove(&0).expect("the run was played"))
}

#[test]
fn what_is_brought_along_plays_as_what_is_in_here() {
    let coordination = "kind = \"coordination\"";
    let own = events(coordination, "kind = \"copy-last-partner\"").unwrap();
    assert_eq!(events(coordination, "kind = \"outside\"\nname = \"copies\"").unwrap(), own);
    let differ = events("kind = \"outside\"\nname = \"differ\"", "kind = \"outside\"\nname = \"copies\"").unwrap();
    assert!(differ.iter().all(|event| event.success == Some(event.names[0] != event.names[1])));
    for (game, agents, why) in [
        (coordination, "kind = \"outside\"\nname = \"nobody\"", "no agents called `nobody`"),
        ("kind = \"outside\"\nname = \"nothing\"", "kind = \"outside\"\nname = \"copies\"", "no game called `nothing`"),
        // What wins there is not what agrees.
        ("kind = \"outside\"\nname = \"differ\"", "kind = \"win-stay-lose-shift\"", "play coordination and individual"),
        (
            "kind = \"outside\"\nname = \"differ\"",
            "kind = \"inventory\"",
            "`outside` is played by agents of kind uniform, constant",
        ),
    ] {
        let told = events(game, agents).unwrap_err();
        assert!(told.contains(why), "{told}");
    }
}
