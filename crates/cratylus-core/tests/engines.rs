//! Flat memory plays what the plain path plays, event for event, whatever the rule, the network and the pairing.

mod common;
use common::{Kept, Readers};
use cratylus_core::event::block::Block;
use cratylus_core::experiment::Document;
use cratylus_core::fault::Fault;
use cratylus_core::kept::{Keep, Keeper};
use cratylus_core::spec::NoInputs;
use cratylus_core::{Batch, PairEvent, Play, Run, Sink, World, run};
use proptest::prelude::*;

fn world(text: &str) -> World {
    let document = Document::parse("test.toml", text, &[]).unwrap();
    World::build(&document.points().unwrap()[0], &NoInputs).unwrap()
}

const NETWORKS: [&str; 7] = [
    r#"{ kind = "complete" }"#,
    r#"{ kind = "ring", degree = 4 }"#,
    r#"{ kind = "lattice", sides = [6, 5] }"#,
    r#"{ kind = "barabasi-albert", m = 2 }"#,
    r#"{ kind = "watts-strogatz", degree = 4, rewiring = 0.2 }"#,
    r#"{ kind = "random-regular", degree = 3 }"#,
    r#"{ kind = "lattice", sides = [15, 2], periodic = false }"#,
];
const PAIRINGS: [&str; 4] = ["agent-then-neighbour", "neighbour-then-agent", "edge", "random-matching"];

fn population() -> impl Strategy<Value = String> {
    (0..NETWORKS.len(), 0..PAIRINGS.len()).prop_map(|(network, pairing)| {
        let network = if PAIRINGS[pairing] == "random-matching" { NETWORKS[0] } else { NETWORKS[network] };
        format!("size = 30\nnetwork = {network}\npairing = \"{}\"\n", PAIRINGS[pairing])
    })
}

fn naming() -> impl Strategy<Value = String> {
    let rules = prop_oneof![
        Just(""),
        Just(", rule = \"ai-norms\""),
        Just(", beta = 0.4"),
        Just(", pi = 0.7, phi = 0.2"),
        Just(", rule = \"ai-norms\", pi = 0.9, phi = 0.1"),
    ];
    let pool = prop_oneof![Just(0usize), Just(2), Just(3), Just(63), Just(64), Just(200)];
    let groups = prop_oneof![Just(0), Just(1), Just(2)];
    (any::<u32>(), population(), rules, pool, groups, any::<bool>(), 40u64..3000).prop_map(
        |(seed, population, rule, pool, groups, shares, most)| {
            let names: Vec<String> = (0..pool).map(|i| format!("\"n{i}\"")).collect();
            let pooled = pool > 0;
            let names = if pooled { format!("names = [{}]", names.join(", ")) } else { String::new() };
            let start = if pooled && shares { "start = { shares = { n0 = 0.4, n1 = 0.6 } }" } else { "" };
            let committed = match groups {
                1 if pooled => "[agents.committed]\nname = \"n1\"\ncount = 4\n",
                2 if pooled => {
                    "[[agents.committed]]\nname = \"n1\"\ncount = 3\n[[agents.committed]]\nname = \"n0\"\nshare = 0.1\n"
                }
                _ => "",
            };
            format!(
                "seed = {seed}\n[population]\n{population}{start}\n[game]\nkind = \"naming\"\n{names}\n\
                 [stop]\nconsensus = {{ {} }}\ninteractions = {most}\n\
                 [agents]\nkind = \"inventory\"{}\n{committed}",
                ["window_rounds = 3", "window = 7", "window = 20, threshold = 0.8", "by = \"inventories\""][seed as usize % 4],
                rule.replace(", ", "\n")
            )
        },
    )
}

fn coordination() -> impl Strategy<Value = String> {
    let kinds = [
        "kind = \"copy-last-partner\"",
        "kind = \"majority-of-window\"",
        "kind = \"best-response\"",
        "kind = \"win-stay-lose-shift\"",
        "kind = \"emulated\"\nmodel = \"llama-2-70b\"",
        "mix = [{ share = 0.5, kind = \"emulated\", model = \"claude-3.5-sonnet\" }, { share = 0.5, kind = \"majority-of-window\" }]",
    ];
    // Two names and short memories are tabulated; of all else windows are numbered as they come up.
    let memories = (0usize..4).prop_map(|i| [1, 3, 5, 12][i]);
    let pools = (0usize..5).prop_map(|i| [0usize, 0, 1, 8, 70][i]);
    let of = (0..kinds.len(), memories, pools);
    (any::<u32>(), population(), of, 0u32..5, any::<bool>(), 40u64..600).prop_map(
        move |(seed, population, (kind, memory, more), committed, shares, most)| {
            let start = if shares { "start = { shares = { Q = 0.4, M = 0.6 } }" } else { "" };
            let more: String = (0..more).map(|i| format!(", \"n{i}\"")).collect();
            format!(
                "seed = {seed}\n[population]\n{population}{start}\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"{more}]\nmemory = {memory}\n\
                 [stop]\ninteractions = {most}\nshare = {{ name = \"M\", threshold = 0.97 }}\n[agents]\n{}\n[[agents.committed]]\nname = \"M\"\ncount = {committed}\n",
                kinds[kind]
            )
        },
    )
}

/// Keeps events, of blocks what events do not say, and what measures and outcome make of them.
struct Packed {
    events: Vec<PairEvent>,
    committed: Vec<[bool; 2]>,
    readers: Readers,
}

impl Packed {
    fn new(world: &World) -> Packed {
        Packed { events: Vec::new(), committed: Vec::new(), readers: Readers::new(world, 3) }
    }
}

impl Sink for Packed {
    fn take(&mut self, _: u64, _: &Batch) -> Result<(), Fault> {
        panic!("this is to be played in blocks")
    }
    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        self.events.extend(block.events());
        self.committed.extend((block.first..block.n).map(|i| block.committed.map(|bits| bits >> i & 1 == 1)));
        self.readers.block(replica, block)
    }
    fn end(&mut self, replica: u64) -> Result<(), Fault> {
        self.readers.end(replica)
    }
}

/// A run that is kept now and then, and goes on in another program, is the same run.
fn can_be_kept(world: &World, how: Play, every: u64, text: &str) {
    let mut whole = Readers::new(world, 3);
    run(world, &[3], how, &mut whole).unwrap();
    let mut pieces = Readers::new(world, 3);
    let mut played = Run::new(world, 3, how).unwrap();
    let mut until = every;
    while !played.play(until, &mut pieces).unwrap() {
        let mut kept = Vec::new();
        let mut out = Keeper::new(&mut kept);
        played.keep(&mut out);
        pieces.measures.keep(&mut out);
        pieces.outcome.keep(&mut out);
        out.end().unwrap();
        let from = &mut &kept[..];
        played = Run::restore(world, 3, how, from).unwrap();
        pieces = Readers::new(world, 3);
        pieces.measures.restore(from).unwrap();
        pieces.outcome.restore(from).unwrap();
        assert!(from.is_empty(), "{text}");
        until += every;
    }
    assert_eq!(whole.measures.readings, pieces.measures.readings, "{text}");
    assert_eq!(whole.outcome.end(), pieces.outcome.end(), "{text}");
}

#[test]
fn every_experiment_can_be_kept_in_the_midst_of_a_run() {
    let mut seen = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        // Beside them lie plans of audits, benchmarks, trainings, and networks that learn to signal.
        if ["\n[data]", "\n[[corpora]]", "\n[[ingredients]]", "\n[channel]"].iter().any(|section| text.contains(section)) {
            continue;
        }
        let points = Document::parse(&name, &text, &[]).unwrap().points().unwrap();
        for point in [&points[0], &points[points.len() - 1]] {
            let mut point = point.clone();
            let stop = &mut point.experiment.stop;
            let most = stop.most(point.experiment.population.size).min(3000);
            stop.interactions = Some(most);
            let Ok(world) = World::build(&point, &NoInputs) else { continue };
            if world.live() {
                continue;
            }
            can_be_kept(&world, Play::Fastest, most / 3 + 1, &name);
            can_be_kept(&world, Play::Plain { block: 50 }, most / 4 + 7, &name);
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

fn agree(text: &str) {
    agree_in(&world(text), text);
}

fn agree_in(world: &World, text: &str) {
    let mut fast = Packed::new(world);
    run(world, &[3], Play::Fastest, &mut fast).unwrap();
    let mut plain = Batch::new();
    run(world, &[3], Play::Plain { block: 50 }, &mut plain).unwrap();
    assert_eq!(fast.events.len(), plain.len(), "{text}");
    let mut slow = Readers::new(world, 3);
    for (event, packed) in plain.iter().zip(&fast.events) {
        assert_eq!(event.pair(), *packed, "{text}");
        // All of it, and not only what a pair holds.
        packed.show(|packed| assert_eq!((packed.seats, packed.moves, packed.fate), (event.seats, event.moves, event.fate)));
        slow.measures.see(&event);
        slow.outcome.see(&event);
    }
    slow.measures.end();
    assert_eq!(fast.readers.measures.readings, slow.measures.readings, "{text}");
    assert_eq!(fast.readers.outcome.end(), slow.outcome.end(), "{text}");
    can_be_kept(world, Play::Fastest, 1 + plain.len() as u64 / 3, text);
    let committed = world.context(3).committed_at();
    for (event, bound) in fast.events.iter().zip(&fast.committed) {
        assert_eq!(event.agents.map(|agent| committed.is(event.t, agent)), *bound, "{text}");
    }
}

const INTERVENTIONS: [&str; 7] = [
    "set = { \"agents.committed\" = { name = \"M\", count = 5 } }",
    "set = { \"agents.committed\" = [] }",
    "set = { \"agents.committed\" = [{ name = \"M\", count = 3 }, { name = \"Q\", share = 0.2 }] }",
    "turnover = 0.4",
    "set = { \"population.network\" = { kind = \"ring\", degree = 4 } }",
    "set = { \"population.network\" = { kind = \"barabasi-albert\", m = 2 }, \"population.pairing\" = \"edge\" }, turnover = 0.1",
    "set = { \"population.network\" = { kind = \"complete\" } }",
];

fn interventions() -> impl Strategy<Value = String> {
    let some = proptest::collection::vec((0..INTERVENTIONS.len(), 1u64..90), 1..4);
    (any::<u32>(), 0u32..5, some, 0usize..4, 0u32..6).prop_map(|(seed, kind, some, pool, committed)| {
        let mut at = 0;
        let list: Vec<String> = some
            .iter()
            .map(|(which, after)| {
                at += after;
                format!("{{ interaction = {at}, {} }}", INTERVENTIONS[*which])
            })
            .collect();
        let (game, agents) = match kind {
            0 => {
                let more: String = (0..[0, 1, 61, 62][pool]).map(|i| format!(", \"n{i}\"")).collect();
                (format!("kind = \"naming\"\nnames = [\"Q\", \"M\"{more}]"), "kind = \"inventory\"\npi = 0.8")
            }
            1 => ("kind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 3".into(), "kind = \"best-response\""),
            2 => ("kind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 2".into(), "kind = \"uniform\""),
            3 => ("kind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 4".into(), "kind = \"copy-last-partner\""),
            _ => ("kind = \"coordination\"\nnames = [\"Q\", \"X\", \"M\"]\nmemory = 4".into(), "kind = \"majority-of-window\""),
        };
        let then = if kind == 0 { "\"agents.pi\" = 0.5" } else { "\"agents.kind\" = \"copy-last-partner\"" };
        format!(
            "seed = {seed}\ninterventions = [{}, {{ interaction = {}, set = {{ {then} }} }}]\n[population]\nsize = 30\n[game]\n{game}\n\
             [stop]\ninteractions = 500\n[agents]\n{agents}\n[agents.committed]\nname = \"Q\"\ncount = {committed}\n",
            list.join(", "),
            at + 30
        )
    })
}

/// Opinions, with committed agents, mixtures and changes on the way.
fn opinions() -> impl Strategy<Value = String> {
    let rules = || prop_oneof![Just("rule = \"voter\""), Just("rule = \"majority\""), Just("rule = \"tanh\", beta = 1.4")];
    let more = prop_oneof![
        Just(""),
        Just("[[agents.committed]]\nname = \"n1\"\ncount = 4\n"),
        Just("[[interventions]]\nround = 3\nset = { \"agents.committed\" = { name = \"n0\", count = 3 } }\n"),
        Just("[[interventions]]\nround = 2\nturnover = 0.5\n"),
    ];
    let networks = 0..NETWORKS.len();
    (any::<u32>(), networks, [rules(), rules()], 2usize..4, any::<bool>(), more, 100u64..3000).prop_map(
        |(seed, network, [one, other], pool, shares, more, most)| {
            let names: Vec<String> = (0..pool).map(|i| format!("\"n{i}\"")).collect();
            let start = if shares { "start = { shares = { n0 = 0.4, n1 = 0.6 } }" } else { "" };
            let mix =
                format!("mix = [{{ share = 0.5, kind = \"opinion\", {one} }}, {{ share = 0.5, kind = \"opinion\", {other} }}]");
            format!(
                "seed = {seed}\n[population]\nsize = 30\nnetwork = {}\n{start}\n[game]\nkind = \"opinion\"\n\
                 names = [{}]\n[agents]\n{mix}\n[stop]\ninteractions = {most}\n{more}",
                NETWORKS[network],
                names.join(", ")
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn opinions_counted_are_opinions_gone_through(text in opinions()) {
        let world = world(&text);
        let [mut counted, mut plain] = [Kept::default(), Kept::default()];
        run(&world, &[0, 1], Play::Fastest, &mut counted).unwrap();
        run(&world, &[0, 1], Play::Plain { block: 64 }, &mut plain).unwrap();
        prop_assert_eq!(counted.0, plain.0);
    }

    #[test]
    fn populations_are_changed_alike_while_they_play(text in interventions()) {
        agree(&text);
    }

    #[test]
    fn the_naming_game_in_flat_memory_is_that_of_the_plain_path(text in naming()) {
        agree(&text);
    }

    #[test]
    fn so_is_the_coordination_game(text in coordination()) {
        agree(&text);
    }
}

#[test]
fn inventories_that_outgrow_their_lines_are_the_same() {
    // Agents that never agree learn more and more: past fourteen words into chunks, and past what chunks of the first
    // size can number into wider ones.
    for (size, most) in [(300, 40_000), (40, 60_000)] {
        agree(&format!(
            "[population]\nsize = {size}\nnetwork = {{ kind = \"ring\" }}\n[game]\nkind = \"naming\"\nnames = [{}]\n\
             [agents]\nkind = \"inventory\"\npi = 0.05\n[stop]\ninteractions = {most}\n",
            (0..2000).map(|i| format!("\"{i}\"")).collect::<Vec<_>>().join(", ")
        ));
    }
    agree(
        "[population]\nsize = 2000\n[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n[stop]\ninteractions = 150_000\n",
    );
}

#[test]
fn consensus_by_inventories_is_told_at_the_interaction_that_brings_it() {
    // Where a word is exchanged for another nobody knows more or fewer words; where a hearer disagrees to what it knows
    // nothing changes at all.
    agree(
        "seed = 3751318295\n[population]\nsize = 30\nnetwork = { kind = \"lattice\", sides = [15, 2], periodic = false }\n\
         pairing = \"edge\"\n[game]\nkind = \"naming\"\n[stop]\nconsensus = { by = \"inventories\" }\ninteractions = 830\n\
         [agents]\nkind = \"inventory\"\nrule = \"ai-norms\"\npi = 0.9\nphi = 0.1\n",
    );
    agree(&format!(
        "seed = 3368007731\n[population]\nsize = 30\npairing = \"random-matching\"\nstart = {{ shares = {{ n0 = 0.4, n1 = 0.6 }} }}\n\
         [game]\nkind = \"naming\"\nnames = [{}]\n[stop]\nconsensus = {{ by = \"inventories\" }}\ninteractions = 828\n\
         [agents]\nkind = \"inventory\"\nbeta = 0.4\n",
        (0..64).map(|i| format!("\"n{i}\"")).collect::<Vec<_>>().join(", ")
    ));
}
