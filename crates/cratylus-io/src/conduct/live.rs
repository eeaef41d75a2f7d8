//! Plays populations of live models: many replicas at once, whose questions share one tape and one limiter.
//!
//! One thread plays; the pools' threads ask. A question whose answer is known is answered at once, one that is being
//! asked already is waited for, and only the rest goes out. Replicas begin when there is room for their questions, the
//! first ones first, so that early runs are whole early.

use crate::conduct::job::{Job, Refused, Unit};
use crate::conduct::progress::Progress;
use crate::conduct::recorder::Recorder;
use crate::models::asker::{Asking, Asks, NoReply, Opened, QuestionKey, Spent, Tapes, in_words, told};
use crate::models::open::Opener;
use crate::models::pool::Unasked;
use crate::models::prices::{Price, Prices};
use crate::models::server::caution;
use crate::models::tape::{KeptPrompt, Setup, Tape, TapeEntry, Took};
use crate::store::names::TAPE;
use cratylus_core::engines::live::{Live, Ticket};
use cratylus_core::experiment::Budget;
use cratylus_core::fault::Fault;
use cratylus_core::language::model::{Choice, Model, Query, Reply, Source};
use cratylus_core::{Batch, Sink};
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// A job's models, opened.
pub struct Studio {
    /// The run's own tape, and the store.
    pub tapes: Arc<Tapes>,
    opener: Opener,
    /// For each world and each of its kinds, the number of its model.
    places: Vec<HashMap<u16, u32>>,
    models: Vec<(Arc<Model>, Arc<Opened>, Option<Price>)>,
    spent: Arc<Spent>,
    budget: Arc<Budget>,
    stop: Arc<AtomicBool>,
    started: Instant,
}

impl Studio {
    /// Opens tapes and models. What an earlier call found out of the models stands.
    pub fn open(job: &Job<'_>, dir: &Path, progress: &Progress) -> Result<Studio, Fault> {
        let own = Arc::new(Tape::open(&dir.join(TAPE))?);
        let store = job.live.store.as_ref().map(|path| Tape::open(path)).transpose()?.map(Arc::new);
        let prices = match &job.live.prices {
            Some(path) => Prices::read(path)?,
            None => Prices::built_in(),
        };
        let stop = progress.stop.clone();
        let mut opener = Opener::new(job.base, stop.clone());
        let (mut places, mut models) = (Vec::new(), Vec::<(Arc<Model>, Arc<Opened>, Option<Price>)>::new());
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for world in job.worlds {
            let mut place = HashMap::new();
            for (kind, model) in world.models() {
                let asked = world.asked(kind);
                let number = match numbers.get(&asked) {
                    // The same model, but agents may be told or sampled differently only if the plan says so, which
                    // `asked` covers; what else may differ is memory and payoff.
                    Some(&number) if same(&models[number as usize].0, model) => number,
                    _ => {
                        if let Source::Server(server) = &model.source {
                            caution(server).into_iter().for_each(|caution| progress.note(caution));
                        }
                        let opened = opener.open(world, kind, &own)?;
                        let setup = &opened.setup;
                        if model.choice == Choice::Auto && matches!(model.source, Source::Server(_)) && !setup.how.probabilities()
                        {
                            let why = &setup.why;
                            progress.note(format!(
                                "{}: every decision is a call, as {why}; choice = \"text\" or \"constrained\" says so in the experiment",
                                setup.name
                            ));
                        }
                        let price = prices.of(&opened.setup.name).filter(|_| matches!(model.source, Source::Server(_)));
                        models.push((model.clone(), opened, price));
                        numbers.insert(asked, models.len() as u32 - 1);
                        models.len() as u32 - 1
                    }
                };
                place.insert(kind, number);
            }
            places.push(place);
        }
        if let (Some(_), Some((model, ..))) = (
            job.live.budget.usd,
            models.iter().find(|(model, _, price)| matches!(model.source, Source::Server(_)) && price.is_none()),
        ) {
            // OpenRouter says what each call cost; elsewhere a budget in dollars needs a price.
            progress.note(format!(
                "`{}` is in no table of prices, so only costs that the server itself reports count towards the budget",
                model.name
            ));
        }
        if let Some(store) = &store {
            let known = store.setups();
            let new = models.iter().map(|(_, opened, _)| &opened.setup).filter(|setup| !known.contains(setup));
            let new: Vec<TapeEntry> = new.cloned().map(TapeEntry::Setup).collect();
            if !new.is_empty() {
                store.keep(&new)?;
            }
        }
        Ok(Studio {
            tapes: Arc::new(Tapes { own, store }),
            opener,
            places,
            models,
            spent: progress.spent.clone(),
            budget: Arc::new(job.live.budget.clone()),
            stop,
            started: Instant::now(),
        })
    }

    /// How each model is asked, in the order of the hashes by which the tape knows them.
    pub fn setups(&self) -> Vec<Setup> {
        let mut setups: Vec<Setup> = self.opener.all().map(|opened| opened.setup.clone()).collect();
        setups.sort_by(|a, b| a.asked.cmp(&b.asked));
        setups
    }

    /// The models, each with how it is asked.
    pub fn models(&self) -> Vec<(Setup, Arc<Model>)> {
        self.models.iter().map(|(model, opened, _)| (opened.setup.clone(), model.clone())).collect()
    }

    /// How many requests are in flight, and may be.
    pub fn load(&self) -> (u32, u32) {
        let loads = self.opener.all().map(|opened| opened.pool.load());
        loads.fold((0, 0), |sum, load| (sum.0 + load.0, sum.1 + load.1))
    }

    fn close(&self) {
        self.opener.all().for_each(|opened| opened.pool.close());
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.close();
    }
}

fn same(a: &Model, b: &Model) -> bool {
    a.names == b.names && a.payoff == b.payoff
}

/// Who waits for a reply.
type Waiter = (usize, Ticket);

/// A reply that came, and for whom.
struct Done {
    key: Option<QuestionKey>,
    waiter: Waiter,
    reply: Result<Reply, NoReply>,
}

/// Sends a reply even if its thread panics, so that nobody waits for ever.
struct Promise {
    to: Sender<Done>,
    done: Option<Done>,
}

impl Promise {
    fn keep(&mut self, done: Done) {
        self.done = Some(done);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            let _ = self.to.send(done);
        }
    }
}

/// A replica that is being played.
struct Playing<'a> {
    live: Live<'a>,
    recorder: Recorder<'a>,
    world: usize,
}

/// Plays units of one replica each.
pub(crate) fn play<'a>(
    job: &Job<'a>,
    dir: &Path,
    units: Vec<Unit>,
    studio: &Studio,
    progress: &'a Progress,
) -> Result<(), Refused> {
    let (to, from) = channel();
    let mut table = Table {
        job,
        dir,
        studio,
        progress,
        waiting: units.into(),
        playing: HashMap::new(),
        next: 0,
        known: HashMap::new(),
        asking: HashMap::new(),
        told: HashMap::new(),
        out: 0,
        paused: false,
        heard: Instant::now(),
        silent: false,
        to,
        questions: Vec::new(),
        events: Batch::new(),
    };
    let played = table.play(&from);
    if played.is_err() {
        // What is on its way is paid for: it is waited for and kept. What is not sent yet is not sent.
        studio.stop.store(true, Ordering::Relaxed);
        studio.opener.all().for_each(|opened| opened.pool.clear());
        let running = studio.load().0;
        if running > 0 {
            progress.note(format!(
                "{running} answers are on their way and are waited for, as they are paid for; Ctrl-C does not wait"
            ));
        }
        while table.out > 0 && from.recv().is_ok() {
            table.out -= 1;
        }
    }
    played
}

/// A pause that the user should know of.
const LONG_PAUSE: Duration = Duration::from_secs(10);
/// A silence that the user should know of.
const LONG_SILENCE: Duration = Duration::from_secs(30);

/// The most prompts held in memory beside those that wait.
const TOLD_MAX: usize = 1 << 16;

/// The replicas on the table, and what is known to them.
struct Table<'t, 'a> {
    job: &'t Job<'a>,
    dir: &'t Path,
    studio: &'t Studio,
    progress: &'a Progress,
    waiting: VecDeque<Unit>,
    playing: HashMap<usize, Playing<'a>>,
    next: usize,
    /// Distributions, by what is remembered and the order shown.
    known: HashMap<QuestionKey, Reply>,
    asking: HashMap<QuestionKey, Vec<Waiter>>,
    /// Prompts of models that give text.
    told: HashMap<QuestionKey, Arc<KeptPrompt>>,
    /// Questions that are out.
    out: usize,
    /// Whether a long pause was told of.
    paused: bool,
    /// When the last answer came, and whether the silence since was told of.
    heard: Instant,
    silent: bool,
    to: Sender<Done>,
    questions: Vec<(Ticket, Query)>,
    events: Batch,
}

impl<'a> Table<'_, 'a> {
    fn play(&mut self, from: &Receiver<Done>) -> Result<(), Refused> {
        let room = self.studio.opener.all().map(|opened| opened.pool.ceiling() as usize).sum::<usize>();
        loop {
            while self.out < 2 * room + 8
                && let Some(unit) = self.waiting.pop_front()
            {
                self.begin(unit)?;
            }
            if self.playing.is_empty() && self.waiting.is_empty() {
                return Ok(());
            }
            self.progress.load.store(self.studio.load());
            self.say_pauses();
            let notes = std::mem::take(&mut *self.studio.spent.notes.lock().expect("no panic while noting"));
            notes.into_iter().for_each(|note| self.progress.note(note));
            match from.recv_timeout(Duration::from_millis(100)) {
                Ok(done) => {
                    self.heard = Instant::now();
                    self.silent = false;
                    self.take(done)?;
                }
                Err(RecvTimeoutError::Timeout) => self.say_silence(),
                Err(RecvTimeoutError::Disconnected) => unreachable!("the table keeps a sender"),
            }
            // What has come meanwhile, before new replicas begin.
            while let Ok(done) = from.try_recv() {
                self.take(done)?;
            }
            if self.progress.stop.load(Ordering::Relaxed) {
                return Err(Refused::Interrupted);
            }
        }
    }

    /// Says once of every long silence that answers are waited for.
    fn say_silence(&mut self) {
        let running = self.studio.load().0;
        if running > 0 && self.heard.elapsed() > LONG_SILENCE && !std::mem::replace(&mut self.silent, true) {
            let seconds = LONG_SILENCE.as_secs();
            self.progress.note(format!("{running} requests are out and none was answered for {seconds} s; agents.limits.first_byte_seconds says how long they are waited for"));
        }
    }

    /// Says once of every long pause that it is the server's wish.
    fn say_pauses(&mut self) {
        let pause = self.studio.opener.all().map(|opened| opened.pool.pause()).max().unwrap_or_default();
        if pause < LONG_PAUSE {
            self.paused = false;
        } else if !std::mem::replace(&mut self.paused, true) {
            self.progress.note(format!("the server asks to be left alone for {} s; the run goes on then", pause.as_secs()));
        }
    }

    fn begin(&mut self, unit: Unit) -> Result<(), Refused> {
        let point = &self.job.points[unit.point];
        let world = &self.job.worlds[unit.point];
        let base = unit.point as u64 * point.experiment.replicas;
        let replica = unit.first - base;
        let recorder = Recorder::new(self.job, unit, self.dir, self.progress)?;
        let id = self.next;
        self.next += 1;
        self.playing.insert(id, Playing { live: Live::new(world, replica), recorder, world: unit.point });
        self.pump(id)
    }

    fn take(&mut self, done: Done) -> Result<(), Refused> {
        self.out -= 1;
        let reply = match done.reply {
            Ok(reply) => reply,
            Err(NoReply::Ended(Unasked::Stopped)) => return Err(Refused::Interrupted),
            Err(NoReply::Ended(Unasked::Failed(trouble))) => return Err(trouble.into()),
            Err(NoReply::Spent(what)) => return Err(Refused::Spent(what)),
            Err(NoReply::Missing) => unreachable!("who asks a backend misses nothing"),
        };
        let mut waiters = vec![done.waiter];
        if let Some(key) = done.key {
            waiters = self.asking.remove(&key).unwrap_or_default();
            self.known.insert(key, reply.clone());
        }
        let mut moved: Vec<usize> = Vec::new();
        for (id, ticket) in waiters {
            let playing = self.playing.get_mut(&id).expect("a replica with a question out is not over");
            playing.live.reply(ticket, &reply, &mut self.events).map_err(fault)?;
            deliver(playing, &mut self.events)?;
            if !moved.contains(&id) {
                moved.push(id);
            }
        }
        moved.into_iter().try_for_each(|id| self.pump(id))
    }

    /// Plays a replica as far as it goes on what is known, and sends out what it has to ask.
    fn pump(&mut self, id: usize) -> Result<(), Refused> {
        let mut playing = self.playing.remove(&id).expect("it is being played");
        loop {
            playing.live.questions(&mut self.questions, &mut self.events).map_err(fault)?;
            if self.questions.is_empty() {
                break;
            }
            for (ticket, query) in std::mem::take(&mut self.questions) {
                if let Some(reply) = self.known_or_asked(id, &playing, ticket, query)? {
                    self.progress.spent.stored.fetch_add(1, Ordering::Relaxed);
                    playing.live.reply(ticket, &reply, &mut self.events).map_err(fault)?;
                }
            }
            deliver(&mut playing, &mut self.events)?;
        }
        deliver(&mut playing, &mut self.events)?;
        if playing.live.over() {
            let replica = playing.live.replica;
            playing.recorder.end(replica).map_err(fault)?;
            playing.recorder.finish(self.job.points)?;
        } else {
            self.playing.insert(id, playing);
        }
        Ok(())
    }

    /// A question's reply, if it is known; else the question is on its way, or was already.
    fn known_or_asked(
        &mut self,
        id: usize,
        playing: &Playing<'a>,
        ticket: Ticket,
        query: Query,
    ) -> Result<Option<Reply>, Refused> {
        let number = self.studio.places[playing.world][&ticket.kind];
        let (model, opened, price) = &self.studio.models[number as usize];
        let words = in_words(&opened.setup, &query);
        let setup = words.as_ref().unwrap_or(&opened.setup);
        let key = setup.how.probabilities().then(|| QuestionKey {
            model: number,
            window: query.window.clone(),
            order: query.order.clone(),
            facts: query.facts.clone(),
        });
        if let Some(key) = &key {
            if let Some(reply) = self.known.get(key) {
                return Ok(Some(reply.clone()));
            }
            if let Some(waiters) = self.asking.get_mut(key) {
                self.progress.spent.stored.fetch_add(1, Ordering::Relaxed);
                waiters.push((id, ticket));
                return Ok(None);
            }
        }
        // What an earlier call of this run, or another run, paid for.
        let tapes = &*self.studio.tapes;
        let told_key = key.clone().unwrap_or_else(|| QuestionKey {
            model: number,
            window: query.window.clone(),
            order: query.order.clone(),
            facts: query.facts.clone(),
        });
        let prompt = match self.told.get(&told_key) {
            Some(prompt) => prompt.clone(),
            None => {
                let prompt = Arc::new(told(model, &query)?);
                // Where only text comes back the same memory is told again and again.
                if key.is_none() && self.told.len() < TOLD_MAX {
                    self.told.insert(told_key, prompt.clone());
                }
                prompt
            }
        };
        let model = match query.facts {
            Some(_) => &Arc::new(model.facing(&query).into_owned()),
            None => model,
        };
        match (Asking { model, setup, tapes, query: &query, prompt: &prompt, asks: None }).reply() {
            Ok(reply) => {
                if let Some(key) = key {
                    self.known.insert(key, reply.clone());
                }
                return Ok(Some(reply));
            }
            Err(NoReply::Missing) => (),
            Err(NoReply::Ended(Unasked::Failed(trouble))) => return Err(trouble.into()),
            Err(_) => unreachable!("a tape does not stop or spend"),
        }
        if let Some(key) = &key {
            self.asking.insert(key.clone(), vec![(id, ticket)]);
        }
        let waiter = (id, ticket);
        let lost = Fault::new("the thread that asked a model ended before it had an answer");
        let lost = Done { key: key.clone(), waiter, reply: Err(lost.into()) };
        let mut promise = Promise { to: self.to.clone(), done: Some(lost) };
        let (model, opened, price) = (model.clone(), opened.clone(), *price);
        let (tapes, spent, budget) = (self.studio.tapes.clone(), self.studio.spent.clone(), self.studio.budget.clone());
        let started = self.studio.started;
        let pool = opened.pool.clone();
        self.out += 1;
        pool.submit(Box::new(move || {
            let cost = price.map(|price| move |took: &Took| price.cost(took));
            let asks = Asks {
                backend: &*opened.backend,
                pool: &opened.pool,
                spent: &spent,
                budget: &budget,
                started,
                prices: cost.as_ref().map(|cost| cost as &dyn Fn(&Took) -> Option<f64>),
            };
            let asking = Asking {
                model: &model,
                setup: words.as_ref().unwrap_or(&opened.setup),
                tapes: &tapes,
                query: &query,
                prompt: &prompt,
                asks: Some(&asks),
            };
            let reply = asking.reply();
            promise.keep(Done { key, waiter, reply });
        }));
        Ok(None)
    }
}

fn deliver(playing: &mut Playing<'_>, events: &mut Batch) -> Result<(), Refused> {
    if !events.is_empty() {
        playing.recorder.take(playing.live.replica, events).map_err(fault)?;
        events.clear();
    }
    Ok(())
}

fn fault(fault: Fault) -> Refused {
    match fault.0.as_str() {
        "interrupted" => Refused::Interrupted,
        _ => Refused::Fault(Fault(fault.0)),
    }
}
