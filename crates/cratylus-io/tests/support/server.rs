//! A model server on loopback: HTTP/1.1 with keep-alive, one thread for each connection, and one write for each answer.
//!
//! It knows nothing of models; it admits, delays, spoils and records. It stops when it is dropped, and the port is free again.
//!
//! ```ignore
//! let server = Server::start(Config {
//!     latency: Duration::from_millis(5),
//!     faults: vec![Trouble::too_many(RetryAfter::Millis(20)).every(10), Trouble::Reset.nth(3)],
//!     ..Config::of(Dialect::LlamaServer)
//! });
//! ask(&server.url());
//! assert_eq!((server.calls(), server.most_in_flight()), (1, 1));
//! ```

use super::dialect::{self, Dialect};
use super::faults::{Events, Fault, Trouble};
use super::house::{self, Body, House, Response, Tally};
use super::pretend::Vocabulary;
use super::told;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What a test says in place of the model.
pub type Answer = Arc<dyn Fn(&Value) -> Reply + Send + Sync>;

/// An answer of a test's own making.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Leave it to the pretend model.
    Pretend,
    /// This text, in the words of the dialect; `max_tokens` and `stop` cut it.
    Text(String),
    /// The probabilities of the first token, from which the server draws as the request asks; then the text ends.
    /// They are normalised. A constraint of the request holds for them too.
    Odds(Vec<(String, f64)>),
    /// This body with this status.
    Json(u16, Value),
}

impl Reply {
    pub fn text(text: &str) -> Reply {
        Reply::Text(text.into())
    }

    pub fn odds(odds: &[(&str, f64)]) -> Reply {
        Reply::Odds(odds.iter().map(|(token, p)| (token.to_string(), *p)).collect())
    }
}

/// How long a connection is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeepAlive {
    /// Closed without a word when idle for so long.
    pub idle: Option<Duration>,
    /// The last of so many answers says `connection: close`.
    pub requests: Option<usize>,
}

/// So many requests in each window of time; more get a 429.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub requests: u64,
    pub window: Duration,
}

/// A server to be.
#[derive(Clone)]
pub struct Config {
    pub dialect: Dialect,
    pub model: String,
    /// From admission to the answer.
    pub latency: Duration,
    /// The most completion requests served at a time; others wait.
    pub parallel: Option<usize>,
    /// The most that may wait; others get a 503, as from Ollama.
    pub queue: Option<usize>,
    pub faults: Vec<Fault>,
    /// Asked for as `authorization: Bearer` or `x-api-key`.
    pub key: Option<String>,
    /// In place of the pretend model.
    pub answer: Option<Answer>,
    /// In place of the dialect's.
    pub fingerprint: Option<String>,
    /// In place of the dialect's.
    pub keep_alive: Option<KeepAlive>,
    pub rate: Option<Rate>,
    /// Added to the logits of tokens: `("Q", 6.0)`.
    pub favour: Vec<(String, f64)>,
    /// The model also says lone bytes of longer characters, which have no text of their own.
    pub loose_bytes: bool,
    /// In tokens.
    pub context: usize,
    /// Where no one says how long.
    pub longest: usize,
    /// Unknown fields get a 422.
    pub strict: bool,
    /// A model that refuses sampling fields (OpenAI) or prefill (Anthropic).
    pub reasoning: bool,
    /// Whether answers tell their usage; otherwise it is null.
    pub usage: bool,
    /// `--metrics`.
    pub metrics: bool,
    /// vLLM's `--max-logprobs`.
    pub max_logprobs: usize,
    /// llama-cpp-python's `--logits_all`.
    pub logits_all: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            dialect: Dialect::default(),
            model: "tiny".into(),
            latency: Duration::ZERO,
            parallel: None,
            queue: None,
            faults: vec![],
            key: None,
            answer: None,
            fingerprint: None,
            keep_alive: None,
            rate: None,
            favour: vec![],
            loose_bytes: false,
            context: 8192,
            longest: 256,
            strict: false,
            reasoning: false,
            usage: true,
            metrics: true,
            max_logprobs: 20,
            logits_all: true,
        }
    }
}

impl Config {
    pub fn of(dialect: Dialect) -> Config {
        Config { dialect, ..Config::default() }
    }

    /// The same with a closure that reads the request's body and answers.
    pub fn answering(self, answer: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Config {
        Config { answer: Some(Arc::new(answer)), ..self }
    }
}

/// A request as it came.
#[derive(Debug)]
pub struct Seen {
    /// Counted from zero, over all paths.
    pub index: usize,
    pub method: String,
    pub path: String,
    /// With their names in lower case.
    pub headers: Vec<(String, String)>,
    /// Null where the bytes are no JSON.
    pub body: Value,
    pub bytes: Vec<u8>,
    /// When it was there as a whole.
    pub at: Instant,
    /// The connection, counted from zero.
    pub connection: usize,
    /// What the rate limit leaves in this window.
    pub left: Option<u64>,
}

impl Seen {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }

    pub fn completes(&self) -> bool {
        self.method == "POST" && house::completes(self.path.split('?').next().unwrap_or_default())
    }
}

/// A running server.
pub struct Server {
    inside: Arc<Inside>,
    at: SocketAddr,
    door: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(config: Config) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let at = listener.local_addr().expect("it is bound");
        let keep_alive = config.keep_alive.unwrap_or(config.dialect.keep_alive());
        let fingerprint = config.fingerprint.clone().or(config.dialect.fingerprint().map(Into::into));
        let inside = Arc::new(Inside {
            vocabulary: Vocabulary::new(&config.favour, config.loose_bytes),
            name: Mutex::new((config.model.clone(), fingerprint)),
            faults: Mutex::new(config.faults.iter().cloned().map(Armed::new).collect()),
            latency: Mutex::new(config.latency),
            config,
            keep_alive,
            ..Inside::default()
        });
        let door = {
            let inside = inside.clone();
            thread::spawn(move || inside.listen(&listener))
        };
        Server { inside, at, door: Some(door) }
    }

    /// One of this dialect, with nothing unusual.
    pub fn of(dialect: Dialect) -> Server {
        Server::start(Config::of(dialect))
    }

    /// The base address of the API: `http://127.0.0.1:PORT/v1`.
    pub fn url(&self) -> String {
        format!("{}/v1", self.root())
    }

    /// `http://127.0.0.1:PORT`
    pub fn root(&self) -> String {
        format!("http://{}", self.at)
    }

    pub fn address(&self) -> SocketAddr {
        self.at
    }

    /// The pretend model's tokens, to compute what it must say.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.inside.vocabulary
    }

    /// Every request so far, whatever became of it.
    pub fn requests(&self) -> Vec<Arc<Seen>> {
        hold(&self.inside.seen).clone()
    }

    /// The requests to completion endpoints.
    pub fn asked(&self) -> Vec<Arc<Seen>> {
        self.requests().into_iter().filter(|seen| seen.completes()).collect()
    }

    /// How many requests were answered by the model, in words that can be read.
    pub fn calls(&self) -> usize {
        self.inside.tally.answers.load(SeqCst) as usize
    }

    /// The most completion requests that were served at a time.
    pub fn most_in_flight(&self) -> usize {
        self.inside.serving.most.load(SeqCst)
    }

    /// The most that were open at a time, with those that waited to be served.
    pub fn most_open(&self) -> usize {
        self.inside.open.most.load(SeqCst)
    }

    /// Completion requests that are open now.
    pub fn open(&self) -> usize {
        self.inside.open.now.load(SeqCst)
    }

    /// How many connections were ever accepted.
    pub fn connections(&self) -> usize {
        self.inside.accepted.load(SeqCst)
    }

    /// How many connections are there now.
    pub fn connected(&self) -> usize {
        hold(&self.inside.streams).len()
    }

    /// Waits until so many requests have come; false if they do not within the time.
    pub fn wait_for(&self, requests: usize, most: Duration) -> bool {
        let until = Instant::now() + most;
        while hold(&self.inside.seen).len() < requests {
            if Instant::now() > until {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Sets the faults; each counts its requests from now.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        *hold(&self.inside.faults) = faults.into_iter().map(Armed::new).collect();
    }

    /// Adds a fault, which counts its requests from now.
    pub fn push_fault(&self, fault: Fault) {
        hold(&self.inside.faults).push(Armed::new(fault));
    }

    pub fn clear_faults(&self) {
        self.set_faults(vec![]);
    }

    pub fn set_model(&self, model: &str) {
        hold(&self.inside.name).0 = model.into();
    }

    pub fn set_fingerprint(&self, fingerprint: Option<&str>) {
        hold(&self.inside.name).1 = fingerprint.map(Into::into);
    }

    pub fn set_latency(&self, latency: Duration) {
        *hold(&self.inside.latency) = latency;
    }

    /// Forgets the requests and the peaks, so that a benchmark can warm up first. The numbering of requests goes on.
    pub fn forget(&self) {
        hold(&self.inside.seen).clear();
        self.inside.tally.answers.store(0, SeqCst);
        self.inside.serving.most.store(0, SeqCst);
        self.inside.open.most.store(0, SeqCst);
    }

    /// Closes all connections that are there now, as a restart of the server would; new ones are welcome.
    pub fn hang_up(&self) {
        hold(&self.inside.streams).values().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.inside.stopping.store(true, SeqCst);
        // This wakes the listener, which looks at the flag before it greets anybody.
        drop(TcpStream::connect_timeout(&self.at, Duration::from_secs(1)));
        if let Some(door) = self.door.take() {
            drop(door.join());
        }
        self.inside.places.wake.notify_all();
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            self.hang_up();
            if self.connected() == 0 {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A panic of one thread must not hide what the others saw.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A fault that counts.
struct Armed {
    fault: Fault,
    since: Instant,
    count: u64,
}

impl Armed {
    fn new(fault: Fault) -> Armed {
        Armed { fault, since: Instant::now(), count: 0 }
    }

    fn strikes(&mut self, seen: &Seen) -> bool {
        let here = match &self.fault.path {
            Some(path) => seen.path.ends_with(path.as_str()),
            None => seen.completes(),
        };
        self.count += u64::from(here);
        here && self.fault.when.strikes(self.count, self.since.elapsed())
    }
}

/// A number that goes up and down, and how high it was.
#[derive(Default)]
struct Level {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Level {
    fn up(&self) -> usize {
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(now, SeqCst);
        now
    }

    fn down(&self) {
        self.now.fetch_sub(1, SeqCst);
    }
}

#[derive(Default)]
struct Places {
    taken: Mutex<usize>,
    wake: Condvar,
    waiting: AtomicUsize,
}

#[derive(Default)]
struct Inside {
    config: Config,
    keep_alive: KeepAlive,
    vocabulary: Vocabulary,
    tally: Tally,
    /// The name of the model, and the fingerprint.
    name: Mutex<(String, Option<String>)>,
    latency: Mutex<Duration>,
    faults: Mutex<Vec<Armed>>,
    seen: Mutex<Vec<Arc<Seen>>>,
    numbered: AtomicUsize,
    window: Mutex<Option<(Instant, u64)>>,
    places: Places,
    serving: Level,
    open: Level,
    accepted: AtomicUsize,
    streams: Mutex<HashMap<usize, TcpStream>>,
    stopping: AtomicBool,
}

/// Counts a request as open for as long as it lives, and as served while it has a place.
struct Visit<'a> {
    inside: &'a Inside,
    placed: bool,
}

impl Visit<'_> {
    /// What the client sees next must find the peaks as they were, so this comes before the last write.
    fn leave(&mut self) {
        if std::mem::take(&mut self.placed) {
            self.inside.serving.down();
            *hold(&self.inside.places.taken) -= 1;
            self.inside.places.wake.notify_one();
        }
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.leave();
        self.inside.open.down();
    }
}

/// What becomes of a connection after an answer.
#[derive(PartialEq)]
enum Then {
    Stay,
    Close,
}

/// The client is gone, or the server is to stop.
struct Gone;

impl From<std::io::Error> for Gone {
    fn from(_: std::io::Error) -> Gone {
        Gone
    }
}

impl Inside {
    fn listen(self: &Arc<Inside>, listener: &TcpListener) {
        loop {
            let stream = listener.accept();
            if self.stopping.load(SeqCst) {
                return;
            }
            let Ok((stream, _)) = stream else { continue };
            let number = self.accepted.fetch_add(1, SeqCst);
            let (Ok(()), Ok(again)) = (stream.set_nodelay(true), stream.try_clone()) else { continue };
            hold(&self.streams).insert(number, again);
            let inside = self.clone();
            // There may be hundreds of them, and none goes deep.
            let guest = thread::Builder::new().stack_size(512 * 1024).spawn(move || {
                drop(inside.attend(stream, number));
                hold(&inside.streams).remove(&number);
            });
            if guest.is_err() {
                hold(&self.streams).remove(&number);
            }
        }
    }

    /// The requests of one connection, one after the other.
    fn attend(&self, stream: TcpStream, connection: usize) -> Result<(), Gone> {
        let mut line = Line { stream, window: vec![0; 64 * 1024], idle: self.keep_alive.idle };
        for nth in 1.. {
            let Some((seen, held)) = line.request(connection)? else { return Ok(()) };
            let last = self.keep_alive.requests.is_some_and(|most| nth >= most)
                || seen.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
            if self.serve(&mut line, seen, held, last)? == Then::Close {
                drop(line.stream.shutdown(Shutdown::Write));
                return Ok(());
            }
        }
        Ok(())
    }

    fn serve(&self, line: &mut Line, mut seen: Seen, held: usize, last: bool) -> Result<Then, Gone> {
        seen.index = self.numbered.fetch_add(1, SeqCst);
        seen.left = if seen.completes() { self.left() } else { None };
        let troubles: Vec<Trouble> = {
            let mut faults = hold(&self.faults);
            faults.iter_mut().filter_map(|armed| armed.strikes(&seen).then(|| armed.fault.trouble.clone())).collect()
        };
        let has = |wanted: fn(&Trouble) -> bool| troubles.iter().any(wanted);
        let seen = Arc::new(seen);
        let completes = seen.completes();
        let mut visit = completes.then(|| {
            self.open.up();
            Visit { inside: self, placed: false }
        });
        hold(&self.seen).push(seen.clone());
        if has(|trouble| matches!(trouble, Trouble::Reset)) {
            // What is left unread makes the system reset the connection when it is closed.
            drop(self.streams.lock().map(|mut streams| streams.remove(&seen.connection)));
            return Err(Gone);
        }
        line.take(held)?;
        let late: Duration = troubles.iter().map(|t| if let Trouble::Late(late) = t { *late } else { Duration::ZERO }).sum();
        let mut response = match self.instead(&troubles, &seen) {
            Some(response) => {
                self.rest(line, Instant::now() + late)?;
                response
            }
            None => {
                if let Some(visit) = &mut visit
                    && !self.place(line, visit)?
                {
                    let busy = "server busy, please try again.  maximum pending requests exceeded";
                    let refused = dialect::refusal(self.config.dialect, super::Shape::Own, 503, busy);
                    return self.send(line, refused, &troubles, last);
                }
                let due = Instant::now() + late + if completes { *hold(&self.latency) } else { Duration::ZERO };
                let (model, fingerprint) = hold(&self.name).clone();
                let house = House { config: &self.config, vocabulary: &self.vocabulary, model, fingerprint, tally: &self.tally };
                let response = house.answer(&seen);
                self.rest(line, due)?;
                response
            }
        };
        if has(|trouble| matches!(trouble, Trouble::StallBefore)) {
            return self.stall(line);
        }
        if let (Body::Json(answer), true) = (&mut response.body, response.told) {
            troubles.iter().for_each(|trouble| trouble.edit(answer));
        }
        let sound = !troubles.iter().any(|trouble| {
            use Trouble::*;
            matches!(trouble, NoChoices | EmptyChoices | Malformed | Truncated | CloseBefore | CloseInHead | CloseInBody)
                || matches!(trouble, StallInside | BadChunks | UnendedChunks | FalseGzip | Events(super::Events::Malformed))
        });
        if response.told && sound {
            self.tally.answers.fetch_add(1, SeqCst);
        }
        if !has(|trouble| matches!(trouble, Trouble::StallInside | Trouble::Drip(..))) {
            drop(visit.take());
        }
        self.send(line, response, &troubles, last)
    }

    /// What a fault or the rate limit answers in place of the model.
    fn instead(&self, troubles: &[Trouble], seen: &Seen) -> Option<Response> {
        let dialect = self.config.dialect;
        let plain = |status, kind, text: &str| Response {
            status,
            headers: vec![],
            body: Body::Text(kind, text.into()),
            told: false,
            stream: None,
        };
        let refused = |status: u16, shape| dialect::refusal(dialect, shape, status, dialect::words(status));
        let instead = troubles.iter().find_map(|trouble| match trouble {
            Trouble::Status(status, headers, shape) => {
                let mut response = refused(*status, *shape);
                response.headers.extend(headers.iter().cloned());
                Some(response)
            }
            Trouble::Redirect(status, to) => {
                let mut response = plain(*status, "text/html", "<html>Moved.</html>");
                response.headers.push(("location".into(), to.clone()));
                Some(response)
            }
            Trouble::Empty => Some(plain(200, "application/json", "")),
            Trouble::Html => Some(plain(200, "text/html", "<!DOCTYPE html><html><body><h1>It works!</h1></body></html>")),
            Trouble::ErrorInside(status) => Some(Response { status: 200, ..refused(*status, super::Shape::Own) }),
            _ => None,
        });
        if instead.is_some() || seen.left.is_none_or(|left| left > 0) {
            return instead;
        }
        let mut response = refused(429, super::Shape::Own);
        let window = self.config.rate.map_or(Duration::ZERO, |rate| rate.window);
        let (began, _) = hold(&self.window).unwrap_or((Instant::now(), 0));
        let wait = window.saturating_sub(began.elapsed());
        let millis = wait.as_millis() + 1;
        response.headers.push(("retry-after".into(), millis.div_ceil(1000).to_string()));
        if dialect == Dialect::OpenAi {
            response.headers.push(("retry-after-ms".into(), millis.to_string()));
            response.headers.push(("x-ratelimit-remaining-requests".into(), "0".into()));
            response.headers.push(("x-ratelimit-reset-requests".into(), format!("{millis}ms")));
        }
        Some(response)
    }

    /// Counts a request against the rate limit: how many are left with this one, so zero is one too many.
    fn left(&self) -> Option<u64> {
        let rate = self.config.rate?;
        let mut window = hold(&self.window);
        let (began, used) = window.filter(|(began, _)| began.elapsed() < rate.window).unwrap_or((Instant::now(), 0));
        *window = Some((began, used + 1));
        Some(rate.requests.saturating_sub(used))
    }

    /// Waits for a place; false where too many wait already.
    fn place(&self, line: &Line, visit: &mut Visit) -> Result<bool, Gone> {
        let mut taken = hold(&self.places.taken);
        if let Some(most) = self.config.parallel {
            if *taken >= most && self.config.queue.is_some_and(|queue| self.places.waiting.load(SeqCst) >= queue) {
                return Ok(false);
            }
            self.places.waiting.fetch_add(1, SeqCst);
            while *taken >= most {
                let slice = Duration::from_millis(50);
                taken = self.places.wake.wait_timeout(taken, slice).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
                if self.stopping.load(SeqCst) || line.gone() {
                    self.places.waiting.fetch_sub(1, SeqCst);
                    self.places.wake.notify_one();
                    return Err(Gone);
                }
            }
            self.places.waiting.fetch_sub(1, SeqCst);
        }
        *taken += 1;
        self.serving.up();
        visit.placed = true;
        Ok(true)
    }

    /// Sleeps, unless the client goes away or the server is to stop.
    fn rest(&self, line: &Line, until: Instant) -> Result<(), Gone> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(Duration::from_millis(20)));
            if self.stopping.load(SeqCst) || (left > Duration::from_millis(20) && line.gone()) {
                return Err(Gone);
            }
        }
    }

    fn stall(&self, line: &Line) -> Result<Then, Gone> {
        self.rest(line, Instant::now() + Duration::from_secs(3600)).map(|()| Then::Close)
    }

    fn send(&self, line: &mut Line, response: Response, troubles: &[Trouble], last: bool) -> Result<Then, Gone> {
        let Response { status, headers, body, told, stream } = response;
        let (mut kind, mut bytes) = match body {
            Body::Text(kind, text) => (kind, text.into_bytes()),
            Body::Json(answer) => {
                let unasked = troubles.iter().find_map(|t| if let Trouble::Events(events) = t { Some(*events) } else { None });
                match (told, stream, unasked) {
                    (true, Some(usage), None) => ("text/event-stream", told_as_events(&answer, usage, Events::Proper)),
                    (true, usage, Some(how)) => ("text/event-stream", told_as_events(&answer, usage.unwrap_or(false), how)),
                    _ => (KIND, serde_json::to_vec(&answer).expect("a value is JSON")),
                }
            }
        };
        if kind == KIND {
            bytes = troubles.iter().fold(bytes, |bytes, trouble| trouble.rewrite(bytes));
        }
        if self.config.dialect == Dialect::LlamaServer && kind == KIND {
            kind = "application/json; charset=utf-8";
        }
        let has = |wanted: fn(&Trouble) -> bool| troubles.iter().any(wanted);
        let broken = has(|t| matches!(t, Trouble::BadChunks | Trouble::UnendedChunks));
        let chunked = broken || has(|t| matches!(t, Trouble::Chunked)) || (kind == "text/event-stream" && told);
        // Measured: llama-server closes after an error.
        let last = last || broken || (status >= 400 && self.config.dialect == Dialect::LlamaServer);
        let mut head = format!("HTTP/1.1 {status} {}\r\ncontent-type: {kind}\r\n", reason(status));
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        if has(|t| matches!(t, Trouble::FalseGzip)) {
            head += "content-encoding: gzip\r\n";
        }
        if last {
            head += "connection: close\r\n";
        }
        head += &match chunked {
            true => "transfer-encoding: chunked\r\n\r\n".to_string(),
            false => format!("content-length: {}\r\n\r\n", bytes.len()),
        };
        if chunked {
            bytes = chunks(&bytes, troubles);
        }
        let half = head.len() + bytes.len() / 2;
        let mut all = head.into_bytes();
        let head = all.len();
        all.extend(bytes);
        for trouble in troubles {
            match trouble {
                Trouble::CloseBefore => return Ok(Then::Close),
                Trouble::CloseInHead => return line.write(&all[..head / 2]).map(|()| Then::Close),
                Trouble::CloseInBody => return line.write(&all[..half]).map(|()| Then::Close),
                Trouble::CloseAfter => return line.write(&all).map(|()| Then::Close),
                Trouble::StallInside => {
                    line.write(&all[..half])?;
                    return self.stall(line);
                }
                Trouble::Drip(pieces, pause) => {
                    for piece in all.chunks(all.len().div_ceil((*pieces).max(1))) {
                        self.rest(line, Instant::now() + *pause)?;
                        line.write(piece)?;
                    }
                    return Ok(if last { Then::Close } else { Then::Stay });
                }
                _ => {}
            }
        }
        line.write(&all)?;
        Ok(if last { Then::Close } else { Then::Stay })
    }
}

const KIND: &str = "application/json";

fn told_as_events(answer: &Value, usage: bool, how: Events) -> Vec<u8> {
    let mut events = told::events(answer, usage);
    match how {
        Events::Proper => {}
        Events::Malformed => {
            events.truncate(events.len() / 2);
            events.push("{\"choices\": [{\"delta\"".into());
        }
        Events::Error(status) => {
            events.truncate(2);
            let choice = json!({"index": 0, "delta": {"content": ""}, "finish_reason": "error"});
            let error = json!({"code": status, "message": dialect::words(status)});
            events.push(json!({"error": error, "choices": [choice]}).to_string());
        }
    }
    let native = answer["type"] == "message";
    let mut text = if native { String::new() } else { ": a comment, as keeps connections alive\n\n".to_string() };
    for event in events {
        if let Some(name) = event.strip_prefix("{\"type\":\"").filter(|_| native) {
            text += &format!("event: {}\n", name.split('"').next().unwrap_or_default());
        }
        text += &format!("data: {event}\n\n");
    }
    text.into_bytes()
}

fn chunks(bytes: &[u8], troubles: &[Trouble]) -> Vec<u8> {
    let mut sent = Vec::with_capacity(bytes.len() + 64);
    for (nth, piece) in bytes.chunks(bytes.len().div_ceil(3).max(1)).enumerate() {
        match troubles.iter().any(|t| matches!(t, Trouble::BadChunks)) && nth == 1 {
            true => sent.extend(b"zz\r\n"),
            false => sent.extend(format!("{:x}\r\n", piece.len()).bytes()),
        }
        sent.extend(piece);
        sent.extend(b"\r\n");
    }
    if !troubles.iter().any(|t| matches!(t, Trouble::UnendedChunks)) {
        sent.extend(b"0\r\n\r\n");
    }
    sent
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        404 => "Not Found",
        413 => "Payload Too Large",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        529 => "Site is overloaded",
        _ => "Status",
    }
}

/// A connection.
struct Line {
    stream: TcpStream,
    window: Vec<u8>,
    idle: Option<Duration>,
}

impl Line {
    /// The next request, and how many bytes of it still lie unread: what a reset needs. None where the client is done.
    fn request(&mut self, connection: usize) -> Result<Option<(Seen, usize)>, Gone> {
        self.stream.set_read_timeout(self.idle)?;
        let mut taken: Vec<u8> = Vec::new();
        let mut size = None;
        loop {
            let came = match self.stream.peek(&mut self.window) {
                Ok(0) => return Ok(None),
                Ok(came) => came,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Ok(None),
            };
            let before = taken.len();
            taken.extend(&self.window[..came]);
            if size.is_none() {
                let from = before.saturating_sub(3);
                if let Some(at) = taken[from..].windows(4).position(|four| four == b"\r\n\r\n") {
                    let Some(head) = Head::parse(&taken[..from + at]) else {
                        self.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")?;
                        return Err(Gone);
                    };
                    if head.header("transfer-encoding").is_some() {
                        self.write(b"HTTP/1.1 411 Length Required\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")?;
                        return Err(Gone);
                    }
                    let length = head.header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0usize);
                    if head.header("expect").is_some() {
                        self.write(b"HTTP/1.1 100 Continue\r\n\r\n")?;
                    }
                    size = Some((head, from + at + 4, length));
                }
            }
            match size.take() {
                Some((head, body, length)) if taken.len() >= body + length => {
                    let held = body + length - before;
                    taken.truncate(body + length);
                    let bytes = taken.split_off(body);
                    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
                    let Head { method, path, headers } = head;
                    let at = Instant::now();
                    let seen = Seen { index: 0, method, path, headers, body, bytes, at, connection, left: None };
                    return Ok(Some((seen, held)));
                }
                other => size = other,
            }
            self.take(came)?;
        }
    }

    /// Reads what was only looked at.
    fn take(&mut self, held: usize) -> Result<(), Gone> {
        Ok(self.stream.read_exact(&mut self.window[..held])?)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// Whether the client has hung up.
    fn gone(&self) -> bool {
        let look = || {
            self.stream.set_nonblocking(true)?;
            let came = self.stream.peek(&mut [0]);
            self.stream.set_nonblocking(false)?;
            came
        };
        match look() {
            Ok(came) => came == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}

struct Head {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Head> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, path) = (first.next()?.to_string(), first.next()?.to_string());
        let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_string()));
        Some(Head { method, path, headers: lines.map(header).collect::<Option<_>>()? })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }
}
