//! `cratylus check`: validates an experiment and says what it will run.

use crate::caller::{print, print_json};
use crate::experiment::{Loaded, load};
use crate::failure::Failure;
use crate::signals;
use crate::words::{bytes, count, table};
use clap::Args;
use cratylus_core::estimate::{ANY, Estimate, estimate};
use cratylus_core::event::block::Block;
use cratylus_core::experiment::{Budget, Experiment, Followed};
use cratylus_core::fault::Fault;
use cratylus_core::language::model::{Query, Source};
use cratylus_core::watch::measures::Measures;
use cratylus_core::watch::outcome::OutcomeSeen;
use cratylus_core::{Batch, Play, Sink, World, run};
use cratylus_io::models::asker::shown;
use cratylus_io::models::prices::{Price, Prices};
use cratylus_io::models::server::misaddressed;
use cratylus_io::models::trained::is_trained;
use cratylus_io::question::CHARACTERS_PER_TOKEN;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Validate an experiment and say what it will run, without running anything.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus check experiments/consensus.toml\n  cratylus check experiments/live.toml --memory 'Q M, M M'   (what an agent that remembers these rounds would be told)"
)]
pub struct Check {
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// Change any key of the file, quoted as TOML; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Show the exact messages of an agent of a live model that remembers these rounds: own and partner's choice, oldest
    /// first, rounds separated by commas; empty for no memory.
    #[arg(long, value_name = "ROUNDS")]
    memory: Option<String>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub fn go(self) -> Result<(), Failure> {
        if signals::meant(&self.experiment) {
            if self.memory.is_some() {
                return Err(Failure::input("these agents remember no rounds, so `--memory` says nothing"));
            }
            return signals::check(&self.experiment, &self.sets, self.json);
        }
        let loaded = load(&self.experiment, &self.sets)?;
        let runs: u64 = loaded.points.iter().map(|point| point.experiment.replicas).sum();
        let most = |i: usize| loaded.points[i].experiment.replicas.saturating_mul(loaded.worlds[i].stop(0).most());
        let each = |i: usize| loaded.worlds[i].seats();
        let interactions = (0..loaded.points.len()).map(most).fold(0, u64::saturating_add);
        let decisions = (0..loaded.points.len()).map(|i| most(i).saturating_mul(each(i))).fold(0, u64::saturating_add);
        let mut cautions = World::each_once(&loaded.worlds, |world| &world.cautions);
        cautions.extend(misaddressed(&loaded.worlds).map(|trouble| format!("`run` will be refused: {trouble}")));
        let live = loaded.worlds.iter().any(World::live);
        if let Some(memory) = &self.memory {
            return messages(&loaded, memory, self.json);
        }
        let bill = if live { Some(Bill::of(&loaded)?) } else { None };
        if self.json {
            return print_json(&json!({
                "valid": true, "points": loaded.points.len(), "runs": runs,
                "interactions_at_most": interactions, "decisions_at_most": decisions,
                "model_calls": bill.as_ref().map_or(json!(0), Bill::json), "cautions": cautions, "inputs": loaded.inputs,
            }));
        }
        let experiment = &loaded.points[0].experiment;
        let at_most = if experiment.sequential.is_some() { "at most " } else { "" };
        let mut rows = vec![
            vec!["experiment".to_string(), experiment.name.clone()],
            vec!["game".into(), experiment.game.kind.into()],
            vec!["points".into(), count(loaded.points.len() as u64)],
            vec!["replicas".into(), format!("{at_most}{}", count(experiment.replicas))],
            vec!["runs".into(), format!("{at_most}{}", count(runs))],
            vec!["interactions".into(), format!("at most {}", count(interactions))],
            vec!["decisions".into(), format!("at most {}{}", count(decisions), if live { "" } else { " (no model is called)" })],
        ];
        let control = loaded.points.iter().flat_map(|point| point.experiment.control.words());
        for words in control {
            let row = vec!["control".to_string(), words];
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        let sources = World::each_once(&loaded.worlds, |world| &world.sources);
        let networks = sources.iter().filter_map(|source| source.strip_prefix("network"));
        rows.extend(networks.map(|words| vec!["network".to_string(), words.trim_start_matches([':', ',', ' ']).to_string()]));
        rows.extend(experiment.interventions.iter().map(|intervention| {
            let when = format!("after {} interactions: {}", count(intervention.at), intervention.words);
            vec!["intervention".to_string(), when]
        }));
        match &bill {
            Some(bill) => rows.extend(bill.rows()),
            None => {
                let mut ways: Vec<(&str, usize)> = Vec::new();
                for way in loaded.worlds.iter().map(World::played_on) {
                    match ways.iter_mut().find(|(known, _)| *known == way) {
                        Some((_, n)) => *n += 1,
                        None => ways.push((way, 1)),
                    }
                }
                let several = ways.len() > 1;
                let words =
                    ways.into_iter().map(|(way, n)| if several { format!("{way} ({n} points)") } else { way.to_string() });
                rows.extend(words.map(|words| vec!["played on".to_string(), words]));
                rows.extend(time(&loaded).map(|words| vec!["time".to_string(), words]));
                let most = loaded.worlds.iter().map(World::memory).max().unwrap_or(0);
                if most > 1 << 20 {
                    rows.push(vec!["memory".into(), format!("about {} for the agents of a run", bytes(most))]);
                }
            }
        }
        rows.extend(loaded.inputs.iter().map(|(file, hash)| vec!["input".into(), format!("{file}  sha256 {}…", &hash[..16])]));
        print(table(&rows, &[]))?;
        let needs = |source: &Source| matches!(source, Source::File(path) if !is_trained(Path::new(path)));
        let files = |world: &World| world.models().any(|(_, model)| needs(&model.source));
        if !cfg!(feature = "in-process") && loaded.worlds.iter().any(files) {
            eprintln!("note: this program was built without the means to run a model file (`--features in-process`)");
        }
        let stop = &experiment.stop;
        if live && stop.consensus.is_none() && stop.share.is_none() && stop.interactions.is_none() && stop.rounds.is_none() {
            let most = loaded.worlds.iter().map(|world| world.stop(0).most()).max().unwrap_or(0);
            eprintln!(
                "note: nothing ends a run but the most that any may last, 1,000 population rounds ({} interactions); `[stop]` names what does",
                count(most)
            );
        }
        cautions.iter().for_each(|caution| eprintln!("note: {caution}"));
        Ok(())
    }
}

/// The messages that an agent with a given memory is shown, by every kind of model in the experiment.
fn messages(loaded: &Loaded, memory: &str, as_json: bool) -> Result<(), Failure> {
    let mut seen = Vec::new();
    for world in &loaded.worlds {
        for (_, model) in world.models() {
            // A seat of a scene is told of the episode: its first question, one later on, and one in which it is to speak.
            if let Some(stage) = world.experiment.game.spec.stage() {
                let (samples, mut shown) = (stage.samples(), Vec::new());
                shown.extend(samples.first());
                shown.extend(samples.iter().rfind(|facts| facts.text.is_none()));
                shown.extend(samples.iter().find(|facts| facts.text.is_some()));
                for facts in shown {
                    let order = (0..facts.names.len() as u16).collect::<Vec<_>>().into();
                    let query = Query { window: [].into(), order, draw: 0, again: 0, facts: Some(Arc::new(facts.clone())) };
                    let prompt = model.prompt(&query).map_err(Failure::input)?;
                    if !seen.iter().any(|(protocol, known)| *known == prompt && *protocol == model.protocol.name) {
                        seen.push((model.protocol.name.clone(), prompt));
                    }
                }
                continue;
            }
            let mut window = Vec::new();
            for round in memory.split(',').map(str::trim).filter(|round| !round.is_empty()) {
                // A name may hold spaces, so every way to cut a round in two is tried.
                let place = |word: &str| model.names.iter().position(|name| name == word.trim()).map(|place| place as u16);
                let cuts = round.char_indices().filter(|(_, c)| c.is_whitespace());
                let both = cuts.filter_map(|(at, _)| Some([place(&round[..at])?, place(&round[at..])?])).next();
                let Some([own, partner]) = both else {
                    let help = format!("for example: --memory '{} {}'", model.names[0], model.names[1]);
                    return Err(Failure::input(format!(
                        "`{round}` is no round: own and partner's choice, of the pool {}",
                        model.names.join(", ")
                    ))
                    .help(&help));
                };
                window.push([own, partner]);
            }
            if window.len() > model.memory {
                return Err(Failure::input(format!(
                    "{} rounds are given, and an agent remembers {}",
                    window.len(),
                    model.memory
                )));
            }
            // What the first seat of a run's first interaction is shown.
            let (seed, control) = (world.seed(0), world.experiment.control);
            let alias = control.alias_at(seed, 0, 0, 0, model.names.len());
            let window = alias.show_rounds(&control.memory_at(seed, 0, 0, 0, &window));
            let order = model.order.shown(seed, 0, 0, model.names.len()).remove(0);
            let order: Vec<u16> = order.into_iter().map(|name| alias.show(name)).collect();
            let prompt = model.told(&window, &order).map_err(Failure::input)?;
            if !seen.iter().any(|(protocol, known)| *known == prompt && *protocol == model.protocol.name) {
                seen.push((model.protocol.name.clone(), prompt));
            }
        }
    }
    if seen.is_empty() {
        return Err(Failure::input("no agent of this experiment is a live model, so none is told anything"));
    }
    for (protocol, prompt) in seen {
        match as_json {
            true => print_json(&json!({ "protocol": protocol, "messages": prompt.messages, "prefill": prompt.prefill }))?,
            false => print(format!("protocol {protocol}\n{}", shown(&prompt)))?,
        }
    }
    Ok(())
}

/// What a live experiment will come to, by emulated models in place of the live ones.
struct Bill {
    estimates: Vec<Estimate>,
    /// The most tokens of an answer in words.
    answer: u64,
    price: Option<(String, Price)>,
    /// The number of a table of prices, if it says when it was written.
    written: Option<String>,
    budget: Budget,
}

/// A way of asking, and what it comes to.
struct Way {
    words: &'static str,
    key: &'static str,
    /// How many calls it takes.
    calls: fn(&Estimate) -> f64,
    /// Tokens of an answer.
    answer: f64,
}

impl Bill {
    fn of(loaded: &Loaded) -> Result<Bill, Failure> {
        let estimates = estimate(&loaded.worlds).map_err(|fault| Failure::run(fault.0))?;
        let budget = loaded.points[0].experiment.budget.clone();
        let prices = match &budget.prices {
            Some(file) => Prices::read(&loaded.base.join(file)).map_err(Failure::input)?,
            None => Prices::built_in(),
        };
        let models: Vec<_> = loaded.worlds.iter().flat_map(|world| world.models().map(|(_, model)| model.clone())).collect();
        let price = models.iter().find_map(|model| Some((model.name.clone(), prices.of(&model.name)?)));
        let answer = models.iter().map(|model| u64::from(model.protocol.max_tokens)).max().unwrap_or(0);
        Ok(Bill { estimates, answer, price, written: prices.written.clone(), budget })
    }

    /// The least and the most over stand-ins.
    fn range(&self, of: impl Fn(&Estimate) -> f64) -> [f64; 2] {
        let values: Vec<f64> = self.estimates.iter().map(of).collect();
        [values.iter().copied().fold(f64::INFINITY, f64::min), values.iter().copied().fold(0.0, f64::max)]
    }

    fn tokens(&self, calls: fn(&Estimate) -> f64, answer: f64) -> [f64; 2] {
        self.range(|estimate| calls(estimate) * (estimate.characters / CHARACTERS_PER_TOKEN + answer))
    }

    fn usd(&self, calls: fn(&Estimate) -> f64, answer: f64) -> Option<[f64; 2]> {
        let (_, price) = self.price.as_ref()?;
        let each = |estimate: &Estimate| (estimate.characters / CHARACTERS_PER_TOKEN * price.input + answer * price.output) / 1e6;
        Some(self.range(|estimate| calls(estimate) * each(estimate)))
    }

    fn ways(&self) -> [Way; 2] {
        [
            Way { words: "with probabilities", key: "probabilities", calls: |estimate| estimate.prompts as f64, answer: 1.0 },
            Way {
                words: "with text alone",
                key: "text",
                calls: |estimate| estimate.decisions as f64,
                answer: self.answer as f64,
            },
        ]
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let span = |[low, high]: [f64; 2]| match (low.round() as u64, high.round() as u64) {
            (low, high) if low == high => count(low),
            (low, high) => format!("{} to {}", count(low), count(high)),
        };
        let mut rows = vec![vec![
            "decisions".into(),
            match self.estimates.iter().any(|estimate| estimate.model == ANY) {
                true => format!("{} where every act is drawn at random", span(self.range(|e| e.decisions as f64))),
                false => format!("{} to be expected, going by emulated models", span(self.range(|e| e.decisions as f64))),
            },
        ]];
        for Way { words, calls, answer, .. } in self.ways() {
            let mut line = format!("{} calls, about {} tokens", span(self.range(calls)), span(self.tokens(calls, answer)));
            if let Some([low, high]) = self.usd(calls, answer) {
                line += &format!(", about {low:.2} to {high:.2} USD");
            }
            let [low, high] = self.range(calls).map(|calls| calls / 20.0 / 60.0);
            line += &format!(", {low:.1} to {high:.1} minutes at a second a call and 20 at once");
            rows.push(vec![words.into(), line]);
        }
        if let (Some((model, _)), Some(written)) = (&self.price, &self.written) {
            rows.push(vec!["prices".into(), format!("of {model}, from a table of {written}; `[budget] prices` names another")]);
        }
        if self.estimates.iter().any(|estimate| estimate.partly) {
            rows.push(vec!["".into(), "only some of the runs were tried: different questions may be more".into()]);
        }
        let Budget { calls, tokens, usd, hours, .. } = &self.budget;
        let limits = [
            calls.map(|calls| format!("{} calls", count(calls))),
            tokens.map(|tokens| format!("{} tokens", count(tokens))),
            usd.map(|usd| format!("{usd} USD")),
            hours.map(|hours| format!("{hours} hours")),
        ];
        let limits: Vec<String> = limits.into_iter().flatten().collect();
        rows.push(vec![
            "budget".into(),
            if limits.is_empty() {
                "none; `[budget] calls, tokens, usd, hours` would stop a run".into()
            } else {
                limits.join(", ")
            },
        ]);
        rows
    }

    fn json(&self) -> serde_json::Value {
        let ways = self.ways().map(|Way { key, calls, answer, .. }| {
            (
                key.to_string(),
                json!({ "calls": self.range(calls), "tokens": self.tokens(calls, answer), "usd": self.usd(calls, answer) }),
            )
        });
        let stand_ins: Vec<&str> = self.estimates.iter().map(|estimate| estimate.model.as_str()).collect();
        json!({ "stand_ins": stand_ins, "decisions": self.range(|e| e.decisions as f64), "ways": serde_json::Map::from_iter(ways) })
    }
}

/// How long all runs take about, from playing a few of each point for a moment; None where that cannot be tried so: a
/// population that is large or counted, agents or a game that a calling program brings along.
fn time(loaded: &Loaded) -> Option<String> {
    const WHOLE: f64 = 0.1;
    const LARGE: u64 = 1 << 28;
    let experiment = &loaded.points[0].experiment;
    const BROUGHT: &str = "outside";
    let odd = |world: &World| {
        let Experiment { agents, game, population, .. } = &world.experiment;
        let brought = game.kind == BROUGHT || agents.kinds.iter().any(|(_, kind)| kind.kind == BROUGHT);
        brought || world.memory() > LARGE || population.engine == Followed::Counts
    };
    if loaded.worlds.iter().any(odd) {
        return None;
    }
    let each = Duration::from_secs_f64(WHOLE / loaded.worlds.len() as f64);
    let (mut seconds, mut ended) = (0.0, true);
    for world in &loaded.worlds {
        let began = Instant::now();
        let mut sink = Until { end: began + each, seen: 0, world, readers: None };
        let (mut runs, replicas) = (0, world.experiment.replicas);
        while runs < replicas && began.elapsed() < each && run(world, &[runs], Play::Fastest, &mut sink).is_ok() {
            runs += 1;
        }
        let took = began.elapsed().as_secs_f64();
        // A run that did not end within its moment is taken to last as long as it may.
        ended &= runs > 0;
        seconds += match (runs, sink.seen) {
            (0, 0) => return None,
            (0, seen) => took * replicas as f64 * world.stop(0).most() as f64 / seen as f64,
            (runs, _) => took * replicas as f64 / runs as f64,
        };
    }
    let about = if ended && experiment.sequential.is_none() { "about" } else { "at most about" };
    let words = match seconds {
        none if none < 0.1 => "a tenth of a second".into(),
        few if few < 10.0 => format!("{few:.1} s"),
        some if some < 600.0 => format!("{some:.0} s"),
        more if more < 36_000.0 => format!("{:.0} minutes", more / 60.0),
        many => format!("{:.0} hours", many / 3600.0),
    };
    Some(format!("{about} {words} of one processor to play, by a moment's trial; threads share it, and the report comes after"))
}

/// Reads events as a run does, until a moment is over.
struct Until<'w> {
    end: Instant,
    seen: u64,
    world: &'w World,
    readers: Option<(u64, Measures, OutcomeSeen)>,
}

impl Until<'_> {
    fn readers(&mut self, replica: u64) -> (&mut Measures, &mut OutcomeSeen) {
        if self.readers.as_ref().is_none_or(|(of, ..)| *of != replica) {
            let context = self.world.context(replica);
            self.readers =
                Some((replica, Measures::new(&context, &self.world.experiment.registry.measures), OutcomeSeen::new(&context)));
        }
        let (_, measures, outcome) = self.readers.as_mut().expect("made where it was not");
        (measures, outcome)
    }

    fn saw(&mut self, n: usize) -> Result<(), Fault> {
        self.seen += n as u64;
        if Instant::now() > self.end { Err(Fault("the moment is over".into())) } else { Ok(()) }
    }
}

impl Sink for Until<'_> {
    fn take(&mut self, replica: u64, events: &Batch) -> Result<(), Fault> {
        let (measures, outcome) = self.readers(replica);
        for event in events.iter() {
            measures.see(&event);
            outcome.see(&event);
        }
        measures.readings.clear();
        self.saw(events.len())
    }

    fn block(&mut self, replica: u64, block: &Block) -> Result<(), Fault> {
        let (measures, outcome) = self.readers(replica);
        measures.see_block(block);
        measures.readings.clear();
        outcome.see_block(block);
        self.saw(block.n - block.first)
    }

    fn end(&mut self, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}
