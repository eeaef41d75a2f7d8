//! What agents are said to remember and to lean to, against what they then say.

mod common;
use common::Kept;
use cratylus_core::agent::Mind;
use cratylus_core::experiment::Document;
use cratylus_core::inventory::Inventory;
use cratylus_core::minds::{Leaning, Minds};
use cratylus_core::spec::NoInputs;
use cratylus_core::{Play, World, run};

fn world(text: &str) -> World {
    let point = Document::parse("test.toml", text, &[]).unwrap().points().unwrap().remove(0);
    World::build(&point, &NoInputs).map_err(|(key, why)| format!("{key}: {why}")).unwrap()
}

const AGENTS: [&str; 4] = [
    "[game]\nkind = \"coordination\"\nnames = [\"A\", \"B\"]\nmemory = 3\n[agents]\nkind = \"win-stay-lose-shift\"\nlapse = 0.1\n",
    "[game]\nkind = \"naming\"\nnames = [\"A\", \"B\"]\n[agents]\nkind = \"inventory\"\nbeta = 0.7\ncommitted = { name = \"B\", count = 2 }\n",
    "[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n",
    "[game]\nkind = \"opinion\"\nnames = [\"A\", \"B\", \"C\"]\n[agents]\nkind = \"opinion\"\nrule = \"voter\"\n",
];

/// An agent says nothing that its mind, as followed here, gave no probability to; and the agents of the next phase
/// remember what they are said to.
#[test]
fn agents_say_what_their_minds_allow() {
    for agents in AGENTS {
        let turnover = if agents.contains("opinion") { "" } else { "[[interventions]]\nround = 4\nturnover = 0.5\n" };
        let world = world(&format!("seed = 3\n[population]\nsize = 10\n[stop]\nrounds = 9\n{turnover}{agents}"));
        let mut kept = Kept::default();
        run(&world, &[0], Play::Plain { block: 10 }, &mut kept).unwrap();
        let mut minds = Minds::new(&world, 0);
        let (mut sure, mut unsure) = (0, 0);
        for event in &kept.0[&0] {
            minds.before(event.t);
            let (agent, Some(name)) = (event.agents[0], event.names[0]) else { panic!("nothing is void here") };
            if let Some(p) = minds.would(agent) {
                assert!(p[name as usize] > 0.0, "agent {agent} said {name}, of {p:?}");
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            }
            let mind = minds.mind(agent);
            if let (Mind::Names(Inventory(known)), false) = (&mind, agents.contains("opinion")) {
                assert!(known.is_empty() || known.contains(&name), "agent {agent} said {name}, of {known:?}");
            }
            match minds.leaning(agent, 0.5) {
                Leaning::Name(_) => sure += 1,
                Leaning::Several | Leaning::Nothing => unsure += 1,
            }
            minds.see(event);
        }
        assert!(sure > 20 && unsure > 0, "{sure} and {unsure} in {agents}");
    }
}
