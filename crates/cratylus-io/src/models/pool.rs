//! How many requests are out at once, and how fast they go: one limiter for each server, whatever the number of runs,
//! points and agents that want something of it.
//!
//! The number in flight is found out from below: it doubles with every full round of answers until the server first
//! says that it is overloaded, is cut then, and grows by one from there on. Only one cut is made for the requests that
//! were out together. What fails on the way is sent again after a pause drawn at random from a growing span, so that
//! many do not come back at once. A place is taken by each request for itself and given back with its answer: who
//! pauses, or waits for the disk, holds none.

use super::backend::{Backend, Given, Refusal, Request};
use super::http::{WAIT_MAX, too_long};
use cratylus_core::fault::Fault;
use cratylus_core::language::model::Limits;
use cratylus_core::{Purpose, Seed};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

type Job = Box<dyn FnOnce() + Send>;

/// A limiter, with the threads that ask.
pub struct Pool {
    state: Mutex<State>,
    /// There is a job, or an end of them.
    jobs: Condvar,
    /// There is a place for a request.
    places: Condvar,
    limits: Limits,
    stop: Arc<AtomicBool>,
    retries: u32,
    draws: AtomicU64,
}

struct State {
    jobs: VecDeque<Job>,
    threads: u32,
    idle: u32,
    /// Requests that are out.
    running: u32,
    limit: f64,
    ceiling: u32,
    /// Whether the limit still doubles.
    growing: bool,
    answers: u32,
    cut_at: Instant,
    /// Nothing is sent before this.
    paused: Instant,
    /// When the next request, and the next token, is allowed.
    next_request: Instant,
    next_token: Instant,
    /// What a request is taken to need until its answer says so: the mean of those before. None before the first.
    tokens: Option<f64>,
    closed: bool,
}

/// The most requests in flight where nobody says otherwise, and how many to begin with.
const CEILING: u32 = 100;
const BEGIN: u32 = 20;
const RETRIES: u32 = 8;
const FIRST_PAUSE: f64 = 0.5;
const LONGEST_PAUSE: f64 = 60.0;
const POLL: Duration = Duration::from_millis(50);

/// Why a request was not answered in the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Unasked {
    /// Somebody asked to stop.
    Stopped,
    /// No repetition helped, or none would have.
    Failed(Fault),
}

impl Pool {
    /// `known` is how many requests the server is known to take at once.
    pub fn new(limits: Limits, known: Option<u32>, stop: Arc<AtomicBool>) -> Arc<Pool> {
        let ceiling = limits.in_flight.or(known).unwrap_or(CEILING).max(1);
        let now = Instant::now();
        let fixed = limits.in_flight.or(known).is_some();
        let state = State {
            jobs: VecDeque::new(),
            threads: 0,
            idle: 0,
            running: 0,
            limit: f64::from(if fixed { ceiling } else { BEGIN.min(ceiling) }),
            ceiling,
            growing: true,
            answers: 0,
            cut_at: now,
            paused: now,
            next_request: now,
            next_token: now,
            tokens: None,
            closed: false,
        };
        let retries = limits.retries.unwrap_or(RETRIES);
        let (jobs, places, draws) = (Condvar::new(), Condvar::new(), AtomicU64::new(0));
        Arc::new(Pool { state: Mutex::new(state), jobs, places, limits, stop, retries, draws })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while holding the pool")
    }

    /// How many requests are in flight, and may be.
    pub fn load(&self) -> (u32, u32) {
        let state = self.state();
        (state.running, state.limit as u32)
    }

    /// For how long nothing will be sent, because the server asked for it.
    pub fn pause(&self) -> Duration {
        self.state().paused.saturating_duration_since(Instant::now())
    }

    /// The most requests that there may ever be in flight.
    pub fn ceiling(&self) -> u32 {
        self.state().ceiling
    }

    /// Runs a job on a thread of the pool's. There are more of these than places for requests, so that the places are
    /// taken while some threads pause or keep what came.
    pub fn submit(self: &Arc<Pool>, job: Job) {
        let mut state = self.state();
        state.jobs.push_back(job);
        if state.idle < state.jobs.len() as u32 && state.threads < state.ceiling + state.ceiling.div_ceil(2) {
            state.threads += 1;
            let pool = self.clone();
            let name = format!("model-{}", state.threads);
            let started = std::thread::Builder::new().name(name).stack_size(512 << 10).spawn(move || pool.work());
            if started.is_err() {
                // Fewer threads do the same work.
                state.threads -= 1;
                assert!(state.threads > 0, "no thread can be started at all");
            }
        }
        drop(state);
        self.jobs.notify_one();
    }

    fn work(&self) {
        let mut state = self.state();
        while !state.closed {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.state();
            } else {
                state.idle += 1;
                state = self.jobs.wait(state).expect("no panic while holding the pool");
                state.idle -= 1;
            }
        }
    }

    /// Forgets the jobs that nobody has begun.
    pub fn clear(&self) {
        self.state().jobs.clear();
    }

    /// Ends the threads once they are idle.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.jobs.clear();
        drop(state);
        self.jobs.notify_all();
    }

    /// Waits until a request may go out, and gives it a place. None where somebody asked to stop meanwhile.
    fn place(&self) -> Option<Place<'_>> {
        let mut state = self.state();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            let now = Instant::now();
            let at = state.paused.max(state.next_request).max(state.next_token);
            // The first tells how many tokens one takes, so the others wait for it where tokens are counted.
            let unknown = self.tokens_rate().is_some() && state.tokens.is_none() && state.running > 0;
            if at <= now && !unknown && f64::from(state.running) < state.limit.floor().max(1.0) {
                state.running += 1;
                if let Some(rate) = self.limits.requests_per_minute.filter(|rate| *rate > 0.0) {
                    state.next_request = now.max(state.next_request) + Duration::from_secs_f64(60.0 / rate);
                }
                let reserved = state.tokens.unwrap_or(0.0);
                self.charge(&mut state, now, reserved);
                return Some(Place { pool: self, reserved });
            }
            // Nobody is woken when a pause ends or somebody asks to stop, so both are looked at now and then.
            let wait = if at > now { (at - now).min(POLL) } else { 4 * POLL };
            state = self.places.wait_timeout(state, wait).expect("no panic while holding the pool").0;
        }
    }

    fn tokens_rate(&self) -> Option<f64> {
        self.limits.tokens_per_minute.filter(|rate| *rate > 0.0)
    }

    /// Puts the next request off by what so many tokens take.
    fn charge(&self, state: &mut State, now: Instant, tokens: f64) {
        if let Some(rate) = self.tokens_rate() {
            state.next_token = now.max(state.next_token) + Duration::from_secs_f64(tokens * 60.0 / rate);
        }
    }

    /// Asks a backend, patiently: what failed on the way is sent again, as the same request.
    pub fn ask(&self, backend: &dyn Backend, request: &Request<'_>, seen: &dyn Fn(&str)) -> Result<Given, Unasked> {
        let mut sent = 0;
        loop {
            let Some(place) = self.place() else { return Err(Unasked::Stopped) };
            let began = Instant::now();
            sent += 1;
            let asked = backend.ask(request);
            let reserved = place.reserved;
            drop(place);
            match asked {
                Ok(mut given) => {
                    given.took.sent = sent;
                    self.answered(&given, reserved);
                    return Ok(given);
                }
                Err(Refusal::Fatal { why, .. }) => return Err(Unasked::Failed(Fault(why))),
                Err(Refusal::Again { why, after, overloaded, .. }) => {
                    if let Some(why) = too_long(&why, after, WAIT_MAX) {
                        return Err(Unasked::Failed(Fault(why)));
                    }
                    if overloaded {
                        self.overloaded(began, after);
                    }
                    if sent > self.retries {
                        let times = if sent == 1 { "once".into() } else { format!("{sent} times") };
                        return Err(Unasked::Failed(Fault(format!("{why}\n  (sent {times})"))));
                    }
                    seen(&why);
                    let span = (FIRST_PAUSE * f64::from(1u32 << (sent - 1).min(16))).min(LONGEST_PAUSE);
                    let draw = Seed(0).stream(Purpose::Resample, self.draws.fetch_add(1, Ordering::Relaxed)).unit();
                    let pause = after.unwrap_or_default() + Duration::from_secs_f64(span * draw);
                    if !self.sleep(pause) {
                        return Err(Unasked::Stopped);
                    }
                }
            }
        }
    }

    /// Sleeps, unless somebody asks to stop.
    fn sleep(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            if self.stop.load(Ordering::Relaxed) {
                return false;
            }
            std::thread::sleep((until - Instant::now().min(until)).min(Duration::from_millis(50)));
        }
        !self.stop.load(Ordering::Relaxed)
    }

    fn answered(&self, given: &Given, reserved: f64) {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(wait) = given.allowance.wait {
            state.paused = state.paused.max(now + wait);
        }
        let tokens = (given.took.prompt_tokens.unwrap_or(0) + given.took.completion_tokens.unwrap_or(0)) as f64;
        self.charge(&mut state, now, (tokens - reserved).max(0.0));
        state.tokens = Some(state.tokens.map_or(tokens, |mean| mean + (tokens - mean) / 8.0));
        state.answers += 1;
        if f64::from(state.answers) >= state.limit {
            state.answers = 0;
            let more = if state.growing { 2.0 * state.limit } else { state.limit + 1.0 };
            let before = state.limit;
            state.limit = more.min(f64::from(state.ceiling));
            if state.limit > before {
                drop(state);
                self.places.notify_all();
            }
        }
    }

    fn overloaded(&self, began: Instant, after: Option<Duration>) {
        let now = Instant::now();
        let mut state = self.state();
        // Requests that were out before the last cut say nothing about the limit since.
        if began >= state.cut_at {
            state.limit = (state.limit / 2.0).max(1.0);
            state.cut_at = now;
            state.growing = false;
            state.answers = 0;
        }
        if let Some(after) = after {
            state.paused = state.paused.max(now + after);
        }
    }
}

/// A request's place among those in flight.
struct Place<'a> {
    pool: &'a Pool,
    /// The tokens that it was charged for in advance.
    reserved: f64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pool.state().running -= 1;
        self.pool.places.notify_one();
    }
}
