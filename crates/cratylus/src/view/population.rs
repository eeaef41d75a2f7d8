//! One run's population, moment by moment: what each agent would say, and what it remembered, was asked and did.

use super::asked::{Query, Wrong};
use super::run::{INTERACTIONS_MAX, SIZE_MAX, no_population, too_long};
use crate::caller::registry;
use cratylus_core::agent::Mind;
use cratylus_core::categories::{Divided, Scene};
use cratylus_core::engines::live::Live;
use cratylus_core::event::{Fate, Said};
use cratylus_core::experiment::Point;
use cratylus_core::fault::Fault;
use cratylus_core::game::Hand;
use cratylus_core::language::model::{Query as Asked, Reply};
use cratylus_core::meeting::groups::Groups;
use cratylus_core::meeting::networks::spec::NetworkSpec;
use cratylus_core::minds::{Leaning, Minds, unknown};
use cratylus_core::policy::Round;
use cratylus_core::{AgentId, Batch, Digest, DigestSeen, NOBODY, Name, PairEvent, Play, Purpose, Sink, World, run};
use cratylus_io::models::asker::Taped;
use cratylus_io::models::tape::{Call, KeptAnswer, Tape};
use cratylus_io::store::inputs::FileInputs;
use cratylus_io::store::manifest::Manifest;
use cratylus_io::store::names::CALLS;
use cratylus_io::store::run_dir::{RunDir, base, declared_start, digest};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// Frames of all agents take at most so many bytes, and are at most so many.
const FRAMES_BYTES: usize = 32 << 20;
const FRAMES: usize = 2000;
/// Edges that are drawn.
const EDGES: u64 = 20_000;
/// Names with a colour of their own; the rest are others.
const NAMES: usize = 12;
const SEVERAL: u8 = 253;
const OTHER: u8 = 254;
const NOTHING: u8 = 255;

/// A run that is looked at.
pub struct Watched {
    run: u64,
    replica: u64,
    world: World,
    /// Whether its agents' responses are those of the world, or only what they did is known.
    recorded: Option<Starts>,
    /// The groups in which agents meet, where they do not meet in pairs.
    groups: Option<Arc<Groups>>,
    events: Vec<PairEvent>,
    /// Everything that was shown and done in them, where that is more.
    hands: Option<Vec<Hand>>,
    committed: Vec<AgentId>,
    /// In the category game, of which object it is shown what agents would say.
    object: f64,
    names: Vec<Name>,
    step: u64,
    frames: Vec<u8>,
    success: Vec<Option<f64>>,
    asked: Questions,
    note: Option<String>,
    source: &'static str,
}

/// Keeps events, up to what is held in memory, and works out their digest.
#[derive(Default)]
struct All {
    events: Vec<PairEvent>,
    hands: Vec<Hand>,
    digest: DigestSeen,
    /// Whether games have more to them than pairs.
    whole: bool,
}

impl All {
    fn of(world: &World) -> All {
        All { whole: world.game.acts(), ..All::default() }
    }

    fn found(self, source: &'static str, asked: Questions) -> Found {
        Found { events: self.events, hands: self.whole.then_some(self.hands), digest: self.digest.end(), source, asked }
    }
}

impl Sink for All {
    fn take(&mut self, _: u64, events: &Batch) -> Result<(), Fault> {
        if self.events.len() as u64 + events.len() as u64 > INTERACTIONS_MAX {
            return Err(Fault(too_long()));
        }
        for event in events.iter() {
            self.events.push(event.pair());
            self.digest.see(&event);
            if self.whole {
                self.hands.push(Hand::of(&event));
            }
        }
        Ok(())
    }

    fn block(&mut self, replica: u64, block: &cratylus_core::event::block::Block) -> Result<(), Fault> {
        let mut events = Batch::new();
        events.extend(&block.events().collect::<Vec<_>>());
        self.take(replica, &events)
    }

    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}

impl Watched {
    pub fn of(path: &Path, number: u64, object: f64) -> Result<Watched, Wrong> {
        let dir = RunDir::open_so_far(path, &registry())?;
        let row = dir.rows()?.into_iter().find(|row| row.run == number);
        let Some(row) = row else { return Err(Wrong::missing(format!("run {number} is not there, or not over"))) };
        let point = dir.point(number);
        if let Some(why) = no_population(&point.experiment) {
            return Err(Wrong::asked(why));
        }
        if row.outcome.interactions > INTERACTIONS_MAX {
            return Err(Wrong::asked(too_long()));
        }
        let (world, recorded) = world(&dir, point, number)?;
        let Found { events, hands, digest, source, asked } = events(&dir, &world, recorded.is_some(), number, row.replica)?;
        if digest != row.outcome.digest {
            return Err(Wrong::asked(format!(
                "run {number} cannot be shown: {source}, its events are not those that runs.parquet vouches for; the directory, or a file that it names, is not what it was when it ran"
            )));
        }
        let mut watched = Watched {
            run: number,
            replica: row.replica,
            events,
            hands,
            committed: row.committed,
            object,
            names: Vec::new(),
            step: 0,
            frames: Vec::new(),
            success: Vec::new(),
            asked,
            note: None,
            source,
            recorded,
            groups: world.groups(world.seed(row.replica)).ok().flatten(),
            world,
        };
        watched.draw();
        Ok(watched)
    }

    fn minds(&self) -> Minds<'_> {
        match &self.recorded {
            Some(starts) => Minds::recorded(&self.world, self.replica, starts.clone()),
            None => Minds::new(&self.world, self.replica),
        }
    }

    /// Lets agents learn from a stretch of the events.
    fn follow(&self, minds: &mut Minds<'_>, from: usize, to: usize) {
        let to = to.min(self.events.len());
        match &self.hands {
            Some(hands) => hands[from..to].iter().for_each(|hand| minds.see_all(hand)),
            None => self.events[from..to].iter().for_each(|event| minds.see(event)),
        }
    }

    /// Works out all frames.
    fn draw(&mut self) {
        let size = self.world.size as usize;
        let rounds = (self.events.len() as u64).div_ceil(size as u64).max(1);
        let most = (FRAMES_BYTES / size).clamp(2, FRAMES) as u64;
        let step = rounds.div_ceil(most - 1) * size as u64;
        // The commonest names get colours: of a pool the first of it, else those said most often.
        let pool = self.world.experiment.names().len();
        let names: Vec<Name> = match pool {
            1..=NAMES => (0..pool as Name).collect(),
            _ => {
                let mut said: BTreeMap<Name, u64> = BTreeMap::new();
                // What was said late was said by those who agreed; in the category game of other objects, too.
                let late = self.events.len() / 2;
                if self.world.scenes().is_some() {
                    let mut minds = self.minds();
                    let mut ask = |minds: &mut Minds<'_>| {
                        for agent in 0..self.world.size {
                            if let Leaning::Name(name) = minds.leaning(agent, self.object) {
                                *said.entry(name).or_default() += 1;
                            }
                        }
                    };
                    self.follow(&mut minds, 0, late);
                    let step = (late / 20).max(1);
                    for from in (late..self.events.len()).step_by(step) {
                        self.follow(&mut minds, from, from + step);
                        ask(&mut minds);
                    }
                } else {
                    let late = self.events[late..].iter().flat_map(PairEvent::choices);
                    late.for_each(|(_, name)| *said.entry(name).or_default() += 1);
                }
                let mut said: Vec<(Name, u64)> = said.into_iter().collect();
                said.sort_by_key(|&(name, n)| (std::cmp::Reverse(n), name));
                said.into_iter().take(NAMES).map(|(name, _)| name).collect()
            }
        };
        let place: HashMap<Name, u8> = names.iter().copied().zip(0u8..).collect();
        let (mut frames, mut success) = (Vec::new(), Vec::new());
        let mut minds = self.minds();
        let mut take = |minds: &mut Minds<'_>| {
            frames.extend((0..self.world.size).map(|agent| match minds.leaning(agent, self.object) {
                Leaning::Name(name) => place.get(&name).copied().unwrap_or(OTHER),
                Leaning::Several => SEVERAL,
                Leaning::Nothing => NOTHING,
            }));
        };
        take(&mut minds);
        for (i, events) in self.events.chunks(step as usize).enumerate() {
            let from = i * step as usize;
            self.follow(&mut minds, from, from + events.len());
            take(&mut minds);
            let settled: Vec<bool> = events.iter().filter_map(|event| event.success).collect();
            let yes = settled.iter().filter(|&&success| success).count();
            success.push((!settled.is_empty()).then(|| yes as f64 / settled.len() as f64));
        }
        let live = self.world.live() || self.recorded.is_some();
        self.note =
            live.then(|| "What these agents would say is not known before they are asked: shown is what each said last.".into());
        (self.names, self.step, self.frames, self.success) = (names, step, frames, success);
    }

    fn word(&self, name: Name) -> String {
        self.world.experiment.names().get(name as usize).cloned().unwrap_or_else(|| format!("w{name}"))
    }

    pub fn describe(&self) -> Result<Value, Wrong> {
        Ok(json!({
            "run": self.run,
            "size": self.world.size,
            "names": self.names.iter().map(|&name| self.word(name)).collect::<Vec<_>>(),
            "interactions": self.events.len(),
            "step": self.step,
            "frames": self.frames.len() / self.world.size as usize,
            "committed": self.committed,
            "layout": self.layout(),
            "success": self.success,
            "source": self.source,
            "object": self.world.scenes().map(|_| self.object),
            "note": self.note,
        }))
    }

    /// How agents are laid out: who can meet whom, where that is few.
    fn layout(&self) -> Value {
        match &self.world.experiment.population.network {
            NetworkSpec::Complete | NetworkSpec::Ring { .. } => return json!({ "kind": "ring" }),
            NetworkSpec::Lattice { sides, .. } if sides.len() == 2 => return json!({ "kind": "grid", "sides": sides }),
            _ => (),
        }
        match self.world.network(self.world.seed(self.replica)) {
            Ok(network) if network.half_edges() <= 2 * EDGES => {
                let edges: Vec<[AgentId; 2]> = (0..network.len())
                    .flat_map(|agent| (0..network.degree(agent)).map(move |i| (agent, i)))
                    .map(|(agent, i)| [agent, network.neighbour(agent, i)])
                    .filter(|[a, b]| a < b)
                    .collect();
                json!({ "kind": "network", "edges": edges })
            }
            _ => json!({ "kind": "ring" }),
        }
    }

    pub fn frames(&self, query: &Query) -> Result<Vec<u8>, Wrong> {
        let (from, n): (usize, usize) = (query.number("from", 0)?, query.number("n", 1)?);
        let size = self.world.size as usize;
        let start = from.saturating_mul(size).min(self.frames.len());
        let end = start.saturating_add(n.min((4 << 20) / size + 1) * size).min(self.frames.len());
        Ok(self.frames[start..end].to_vec())
    }

    pub fn agent(&self, query: &Query) -> Result<Value, Wrong> {
        let (agent, t): (AgentId, u64) = (query.number("agent", 0)?, query.number("t", 0)?);
        if agent >= self.world.size {
            return Err(Wrong::missing(format!("there are {} agents", self.world.size)));
        }
        let mut minds = self.minds();
        let until = self.events.partition_point(|event| event.t < t);
        self.follow(&mut minds, 0, until);
        let takes_part = |event: &&PairEvent| self.who(event).contains(&agent);
        let last = self.events[..until].iter().rev().find(takes_part);
        let next = self.events[until..].iter().find(takes_part);
        let agrees = self.world.experiment.game.spec.agrees();
        let round = |[own, partner]: &Round| {
            let success = agrees.then_some(own == partner);
            json!({ "own": self.word((*own).into()), "partner": self.word((*partner).into()), "success": success })
        };
        let would = minds.would(agent).filter(|p| self.recorded.is_none() && !p.is_empty()).map(|p| {
            let mut names: Vec<(Name, f64)> = (0..).zip(p).collect();
            names.sort_by(|a, b| b.1.total_cmp(&a.1));
            names.into_iter().take(26).map(|(name, p)| json!({ "name": self.word(name), "p": p })).collect::<Vec<_>>()
        });
        let mind = minds.mind(agent);
        let words = |known: &[Name]| known.iter().map(|&name| self.word(name)).collect::<Vec<_>>();
        let committed = self.committed.contains(&agent).then(|| self.committed_to(&minds, agent)).flatten();
        Ok(json!({
            "agent": agent,
            "t": t,
            "kind": super::run::agents(&self.world.experiment).into_iter().nth(minds.kind(agent).into()),
            "committed": committed,
            "memory": matches!(mind, Mind::Rounds(_)).then(|| mind.rounds().iter().map(round).collect::<Vec<_>>()),
            "knows": matches!(mind, Mind::Names(_)).then(|| words(mind.names())),
            "categories": minds.categories(agent).map(|divided| self.categories(&divided)),
            "mind": match &mind {
                Mind::Own(own) if !own.is_null() && self.world.scenes().is_none() => Some(own),
                _ => None,
            },
            "would": would,
            "last": last.map(|event| self.turn(event, agent)),
            "next": next.map(|event| self.turn(event, agent)),
        }))
    }

    /// How an agent divides the line: from where to where, what it would say, and all its words.
    fn categories(&self, divided: &Divided) -> Vec<Value> {
        let from = std::iter::once(&0.0).chain(&divided.ends);
        let each = from.zip(&divided.ends).zip(&divided.categories);
        each.map(|((from, to), category)| {
            let words: Vec<String> = category.words.iter().map(|&word| self.word(word)).collect();
            json!({ "from": from, "to": to, "says": category.says.map(|word| self.word(word)), "words": words })
        })
        .collect()
    }

    /// Who took part, the speaker first.
    fn who(&self, event: &PairEvent) -> Vec<AgentId> {
        let at = |hands: &Vec<Hand>| hands.get(hands.partition_point(|hand| hand.t < event.t)).map(|hand| hand.seats.to_vec());
        if let Some(seats) = self.hands.as_ref().and_then(at) {
            return seats;
        }
        let mut who = event.agents.to_vec();
        if let Some(groups) = &self.groups {
            groups.meet(self.world.seed(self.replica), event.t, &mut who);
        }
        who
    }

    fn committed_to(&self, minds: &Minds<'_>, agent: AgentId) -> Option<String> {
        let group = || self.world.experiment.agents.committed.first().map(|group| group.name.clone());
        minds.committed(agent).map(|name| self.word(name)).or_else(group)
    }

    /// Everything that was shown and done in an interaction, in words, with what each seat was paid.
    fn done(&self, hand: &Hand) -> Value {
        let event = hand.event();
        let words = |said: Said| match said {
            Said::Nothing => "nothing".to_string(),
            Said::Name(name) => self.word(name),
            Said::Yes(yes) => if yes { "yes" } else { "no" }.into(),
            Said::Symbols(span) => {
                let symbols: Vec<String> = event.symbols_of(span).iter().map(u16::to_string).collect();
                format!("signal {}", symbols.join(" "))
            }
            Said::Number(number) => format!("{}", (number * 1e4).round() / 1e4),
            Said::Option(option) => format!("option {option}"),
            Said::Pointing(thing) => format!("object {thing}"),
            Said::Text(span) => event.text_of(span).into(),
            Said::Unusable => "no usable answer".into(),
        };
        let agent = |seat: u16| hand.seats.get(usize::from(seat)).copied();
        // A speaker to a large group is read, and not everyone who heard.
        const MOST: usize = 100;
        let saw = hand.saw.iter().map(|sight| json!({ "who": agent(sight.seat), "saw": words(sight.what) }));
        let did = hand
            .moves
            .iter()
            .map(|one| json!({ "who": agent(one.seat), "did": words(one.said), "pay": hand.pay.get(usize::from(one.seat)) }));
        saw.chain(did).take(MOST).collect()
    }

    /// What an agent did in an interaction.
    fn turn(&self, event: &PairEvent, agent: AgentId) -> Value {
        let seat = usize::from(event.agents[0] != agent);
        // Who speaks to a group has no one partner; who hears has the speaker.
        let game = self.world.experiment.game.kind;
        let speaks = matches!(game, "naming" | "category");
        let partner = match self.groups.is_some() {
            true if seat == 1 && speaks => event.agents[0],
            true => NOBODY,
            false => event.agents[1 - seat],
        };
        let says = |seat: usize| event.names[seat].map(|name| self.word(name));
        let seat_word = match (game, partner == NOBODY, seat) {
            ("naming" | "category", _, 0) => "speaker",
            (_, true, _) if self.groups.is_some() => "in a group",
            (_, true, _) => "alone",
            ("naming" | "category", _, _) => "hearer",
            (_, _, 0) => "first",
            _ => "second",
        };
        let hand = self.hands.as_ref().and_then(|hands| hands.get(hands.partition_point(|hand| hand.t < event.t)));
        let mut turn = json!({
            "open": hand.map_or_else(|| event.show(|event| event.fate == Fate::Open), |hand| hand.fate == Fate::Open),
            "t": event.t, "seat": seat_word, "partner": (partner != NOBODY).then_some(partner),
            "said": says(seat), "partner_said": says(1 - seat), "success": event.success, "invalid": event.invalid[seat],
        });
        if let Some(hand) = hand {
            turn["done"] = self.done(hand);
        }
        if let Some(scenes) = self.world.scenes() {
            let mut scene = Scene::default();
            scenes.draw(&mut self.world.seed(self.replica).stream(Purpose::Scene, event.t), &mut scene);
            turn["saw"] = json!({ "objects": scene.objects, "topic": scene.topic });
        }
        if let Some((query, reply, kind)) = self.asked.asked.get(&(event.t, seat as u8))
            && let Some(model) = self.world.model(*kind)
        {
            turn["asked"] = model
                .prompt(query)
                .map_or(Value::Null, |prompt| json!({ "messages": prompt.messages, "prefill": prompt.prefill }));
            match reply {
                Reply::Distribution(distribution) => {
                    let gave = model.names.iter().zip(&distribution.names).map(|(name, p)| json!({ "name": name, "p": p }));
                    turn["gave"] = gave.collect();
                }
                Reply::Text(text) => turn["text"] = text.clone().into(),
                Reply::Read(read) => {
                    let words = self.asked.words.get(&query.draw).cloned();
                    turn["text"] = words.or_else(|| Some(model.names[*read.as_ref().ok()? as usize].clone())).into();
                }
            }
        }
        turn
    }
}

/// What each agent remembered at the start, oldest first.
type Starts = Vec<Vec<Round>>;

/// The world of a run; for one that was recorded elsewhere a stand-in, with what agents remembered at its start.
fn world(dir: &RunDir, point: &Point, number: u64) -> Result<(World, Option<Starts>), Wrong> {
    let recorded = point.experiment.agents.kinds.iter().any(|(_, kind)| kind.kind == "recorded");
    if !recorded {
        let built = World::build(point, &FileInputs::new(&base(&dir.path), &registry()));
        // Why is left out: it may repeat what is in a file that the directory names.
        let why = |(key, _): (String, String)| {
            format!("{key}: this population cannot be built again, as it takes files that are not there or not what they were")
        };
        return built.map(|world| (world, None)).map_err(|wrong| Wrong::asked(why(wrong)));
    }
    let names = point.experiment.names();
    let place = |word: &String| names.iter().position(|name| name == word).map(|place| place as u16);
    let starts = dir.memories()?.remove(&number).unwrap_or_else(|| declared_start(&point.experiment));
    let rounds = starts
        .iter()
        .take(SIZE_MAX as usize)
        .map(|memory| memory.iter().filter_map(|[own, partner]| Some([place(own)?, place(partner)?])).collect());
    Ok((unknown(point), Some(rounds.collect())))
}

/// What models were asked, and what came back, by interaction and seat: the last try of each.
#[derive(Default)]
struct Questions {
    asked: HashMap<(u64, u8), (Asked, Reply, u16)>,
    /// Answers in words, by the number of their draw.
    words: HashMap<u64, String>,
}

/// The events of a run.
struct Found {
    events: Vec<PairEvent>,
    hands: Option<Vec<Hand>>,
    digest: Digest,
    /// Where they are from.
    source: &'static str,
    asked: Questions,
}

/// The events of a run: as they are kept, or played again.
fn events(dir: &RunDir, world: &World, recorded: bool, number: u64, replica: u64) -> Result<Found, Wrong> {
    let fault = |fault: Fault| Wrong::asked(fault.0);
    if world.live() && !recorded {
        return asked(dir, world, replica).map_err(fault);
    }
    if dir.has_interactions() {
        let events = dir.events(number, INTERACTIONS_MAX as usize)?;
        let hands = dir.whole(number, &events).map_err(fault)?;
        let digest = digest(&events, hands.as_deref());
        return Ok(Found { events, hands, digest, source: "recorded", asked: Questions::default() });
    }
    let mut all = All::of(world);
    run(world, &[replica], Play::Fastest, &mut all).map_err(fault)?;
    Ok(all.found("played again", Questions::default()))
}

/// Plays a run of live models from its tape, and keeps what was asked.
fn asked(dir: &RunDir, world: &World, replica: u64) -> Result<Found, Fault> {
    let tape = match dir.path.join(CALLS).exists() {
        true => cratylus_io::store::calls::read(&dir.path)?,
        false => Tape::read(&dir.path.join(cratylus_io::store::names::TAPE))?,
    };
    let text = |call: &Arc<Call>| match (&call.answer, call.draw) {
        (KeptAnswer::Text { text, .. }, Some(draw)) => Some((draw, text.clone())),
        _ => None,
    };
    let words = tape.calls().iter().filter_map(text).collect();
    let mut taped = Taped::new(tape, Manifest::read(&dir.path)?.servers);
    let ways: BTreeMap<u16, String> = world.models().map(|(kind, _)| (kind, world.asked(kind))).collect();
    let mut live = Live::new(world, replica);
    let (mut questions, mut events, mut all, mut out) = (Vec::new(), Batch::new(), All::of(world), HashMap::new());
    while !live.over() {
        live.questions(&mut questions, &mut events)?;
        for (ticket, query) in questions.drain(..) {
            let model = world.model(ticket.kind).expect("only models are asked");
            let reply = taped.reply(&ways[&ticket.kind], model, &query)?;
            live.reply(ticket, &reply, &mut events)?;
            out.insert((ticket.t, ticket.seat), (query, reply, ticket.kind));
        }
        all.take(replica, &events)?;
        events.clear();
    }
    Ok(all.found("played again from the calls that are kept", Questions { asked: out, words }))
}
