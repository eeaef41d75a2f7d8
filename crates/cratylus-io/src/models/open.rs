//! From a model as an experiment describes it to one that is ready to be asked.

use super::asker::Opened;
use super::backend::{Backend, Raw, Request, Want};
use super::pool::Pool;
use super::probe::{Probe, find, patiently};
use super::scripted::{CannedAnswers, MockModel, Program, canned_probabilities};
use super::server::endpoint;
use super::tape::{AskedHow, Setup, Tape, TapeEntry};
use super::trained::is_trained;
use crate::models::hash::sha;
use cratylus_core::World;
use cratylus_core::fault::Fault;
use cratylus_core::language::model::{Limits, Model, OnChange, Query, Server, Source};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// Opens the models of a run, each once.
pub struct Opener {
    /// The folder of the experiment.
    pub base: PathBuf,
    /// Set by whoever wants the run to stop; the pools look at it.
    pub stop: Arc<AtomicBool>,
    pools: HashMap<String, Arc<Pool>>,
    opened: HashMap<String, Arc<Opened>>,
}

impl Opener {
    /// Of models whose files are below `base`. Nothing is opened yet.
    pub fn new(base: &Path, stop: Arc<AtomicBool>) -> Opener {
        Opener { base: base.into(), stop, pools: HashMap::new(), opened: HashMap::new() }
    }

    /// The model of a kind of agents of a world. What the tape says of it stands, if the model is still the same.
    pub fn open(&mut self, world: &World, kind: u16, tape: &Tape) -> Result<Arc<Opened>, Fault> {
        let model = world.model(kind).expect("only models are opened");
        let asked = world.asked(kind);
        if let Some(opened) = self.opened.get(&asked) {
            return Ok(opened.clone());
        }
        let opened = Arc::new(self.open_new(model, &asked, tape)?);
        self.opened.insert(asked, opened.clone());
        Ok(opened)
    }

    /// The models that are open.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Opened>> {
        self.opened.values()
    }

    fn pool(&mut self, place: String, limits: Limits, known: Option<u32>) -> Arc<Pool> {
        let stop = self.stop.clone();
        self.pools.entry(place).or_insert_with(|| Pool::new(limits, known, stop)).clone()
    }

    fn open_new(&mut self, model: &Model, asked: &str, tape: &Tape) -> Result<Opened, Fault> {
        let before = tape.setup(asked);
        let (backend, setup, pool): (Arc<dyn Backend>, Setup, Arc<Pool>) = match &model.source {
            Source::Server(server) => {
                let (backend, setup) = open_server(server, model, asked, before.as_ref())?;
                let known = backend.in_flight();
                (backend, setup, self.pool(endpoint(server)?, server.limits, known))
            }
            Source::Mock(mock) => {
                let backend = Arc::new(MockModel { mock: mock.clone(), requests: AtomicU64::new(0) });
                let how = if mock.text { AskedHow::Text } else { AskedHow::Names };
                let setup = given(model, asked, json!({ "mock": asked }), how);
                let known = backend.in_flight();
                (backend, setup, self.pool(format!("mock {asked}"), Limits::default(), known))
            }
            Source::Canned(answers) => {
                let how = if canned_probabilities(answers)? { AskedHow::Names } else { AskedHow::Text };
                let setup = given(model, asked, json!({ "canned": asked }), how);
                (
                    Arc::new(CannedAnswers(answers.clone())),
                    setup,
                    self.pool(format!("canned {asked}"), Limits::default(), Some(4)),
                )
            }
            Source::Command(command) => {
                let program = Arc::new(Program::start(command, &self.base)?);
                let how = match &before {
                    Some(before) => before.how,
                    None => probe_program(&program, model)?,
                };
                let setup = given(model, asked, json!({ "command": command }), how);
                (program, setup, self.pool(format!("program {asked}"), Limits::default(), Some(16)))
            }
            Source::File(path) => {
                let folder = Path::new(path);
                let (backend, setup) = match is_trained(folder) {
                    true => super::trained::open(folder, model, asked)?,
                    false => super::file::open(folder, model, asked)?,
                };
                // Threads for as many prompts at once as there are cores; the model's bytes do not depend on it.
                let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
                (backend, setup, self.pool(path.clone(), Limits::default(), Some(cores)))
            }
        };
        match before {
            None => {
                tape.keep(&[TapeEntry::Setup(setup.clone())])?;
                Ok(Opened { setup, backend, pool })
            }
            Some(before) if before.id == setup.id => Ok(Opened { setup: before, backend, pool }),
            Some(before) => {
                let allowed = matches!(&model.source, Source::Server(server) if server.identity == OnChange::Allow);
                if !allowed {
                    return Err(Fault(format!(
                        "the model is not the one that began this run:\n{}  help: start a new run (`--fresh` or another `--out`), or go on with agents.on_change = \"allow\"",
                        differences(&before.identity, &setup.identity)
                    )));
                }
                Ok(Opened { setup: before, backend, pool })
            }
        }
    }
}

fn given(model: &Model, asked: &str, identity: Value, how: AskedHow) -> Setup {
    let id = sha(identity.to_string().as_bytes());
    let why = if how.probabilities() { "it gives probabilities by itself" } else { "it gives text" };
    // The prefill is for models that can be made to begin with it; a script is told of it and does as it likes.
    Setup {
        asked: asked.into(),
        name: model.name.clone(),
        identity,
        id,
        how,
        prefill: false,
        why: why.into(),
        characters_per_token: None,
    }
}

fn open_server(server: &Server, model: &Model, asked: &str, before: Option<&Setup>) -> Result<(Arc<dyn Backend>, Setup), Fault> {
    let mut found = find(server)?;
    let (how, prefill, why, per_token) = match before {
        Some(before) => {
            // Answers must be signed as they were.
            let _ = found.model.answered_as.set(before.identity["signed"].clone());
            found.identity["signed"] = before.identity["signed"].clone();
            found.model.another = (found.identity != before.identity).then(|| found.identity.to_string());
            (before.how, before.prefill, before.why.clone(), before.characters_per_token)
        }
        None => {
            let probe = Probe::new(&found.model, model);
            let way = probe.way()?;
            found.identity["signed"] = probe.signed()?;
            (way.how, way.prefill, way.why, probe.characters_per_token())
        }
    };
    let id = sha(found.identity.to_string().as_bytes());
    // It is shown wherever the model is spoken of, and the server chose it.
    let name = super::http::escaped(short(&found.model.model));
    let setup =
        Setup { asked: asked.into(), name, identity: found.identity, id, how, prefill, why, characters_per_token: per_token };
    Ok((Arc::new(found.model), setup))
}

/// A model's name, of which llama-server makes the path of its file: then the file's.
fn short(model: &str) -> &str {
    let path = model.starts_with(['/', '.', '~']) || model.contains('\\') || (model.ends_with(".gguf") && model.contains('/'));
    if path { model.rsplit(['/', '\\']).next().filter(|file| !file.is_empty()).unwrap_or(model) } else { model }
}

fn probe_program(program: &Program, model: &Model) -> Result<AskedHow, Fault> {
    let order: Vec<u16> = (0..model.names.len() as u16).collect();
    let query = Query { window: [].into(), order: order.into(), draw: 0, again: 0, facts: None };
    let prompt = model.prompt(&query).map_err(Fault)?;
    let want = Want::Text { constrained: None };
    let request = Request { model, query: &query, prompt: &prompt, names: &model.names, before: &[], want, prefill: false };
    match patiently(|| program.ask(&request)).map_err(Fault::from)?.raw {
        Raw::Names(_) => Ok(AskedHow::Names),
        _ => Ok(AskedHow::Text),
    }
}

/// What differs between two identities, a line each.
fn differences(before: &Value, after: &Value) -> String {
    let keys = before.as_object().into_iter().chain(after.as_object()).flat_map(|object| object.keys());
    let mut keys: Vec<&String> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    let differ = keys.into_iter().filter(|key| before[key.as_str()] != after[key.as_str()]);
    let line = |key: &String| format!("  {key}: was {}, is now {}\n", before[key.as_str()], after[key.as_str()]);
    super::http::escaped(&differ.map(line).collect::<String>())
}
