//! Populations of models on servers that behave as servers do: every dialect, every fault, and what a run makes of it.
//! The servers are our own, on loopback, so that each answer can be computed and each request counted.

mod playing;
mod support;

use cratylus_audit::memorised::log_likelihood;
use cratylus_core::language::model::Query;
use cratylus_core::language::{Message, Prompt};
use cratylus_io::models::backend::{Raw, Request, Want};
use cratylus_io::models::tape::{AskedHow, Constraint, KeptAnswer};
use playing::{Experiment, Ran, folder};
use serde_json::Value;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use support::pretend::{self, Vocabulary, mix};
use support::{Config, Dialect, Events, Fault, Rate, Reply, RetryAfter, Server, Shape, Trouble, When};

/// An answer in words that is a function of the question: a name, and now and then none.
fn wordy(body: &Value) -> Reply {
    let hash = body["messages"].to_string().bytes().fold(7, |hash, byte| mix(hash ^ u64::from(byte)));
    Reply::text(match hash % 16 {
        0 => "I would rather not say.",
        n if n % 2 == 0 => "Q",
        _ => "M",
    })
}

fn words(dialect: Dialect) -> Config {
    Config::of(dialect).answering(wordy)
}

/// At once, as most of their time is spent waiting.
fn all_at_once<T: Sync, R: Send>(cases: &[T], run: impl Fn(&T) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let threads: Vec<_> = cases.iter().map(|case| scope.spawn(|| run(case))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

// ---------------------------------------------------------------- dialects

struct Known {
    name: &'static str,
    config: Config,
    agents: &'static str,
    /// What the client calls what it found.
    dialect: &'static str,
    how: fn(AskedHow) -> bool,
    prefill: bool,
}

fn favoured(config: Config) -> Config {
    let favour = [("Q", 10.0), ("M", 10.0), (" Q", 3.0), ("Q'", 3.0), ("Ali", 7.0), ("Alice", 2.0), ("ce", 7.0), ("Bob", 7.0)];
    Config { favour: favour.map(|(token, more)| (token.to_string(), more)).to_vec(), ..config }
}

fn known() -> Vec<Known> {
    use Dialect::*;
    let case = |name, config: Config, agents, dialect, how, prefill| Known {
        name,
        config: favoured(config),
        agents,
        dialect,
        how,
        prefill,
    };
    let exact: fn(AskedHow) -> bool = |how| matches!(how, AskedHow::Exact { .. });
    let schema: fn(AskedHow) -> bool = |how| how == AskedHow::Constrained { by: Constraint::JsonSchema };
    let text: fn(AskedHow) -> bool = |how| how == AskedHow::Text;
    let one_word = "protocol = \"one-word\"\n";
    vec![
        case("llama-server", Config::of(LlamaServer), "", "llama-server", exact, true),
        case("vllm", Config { max_logprobs: 600, ..Config::of(Vllm) }, "", "vllm", exact, true),
        case("sglang", Config::of(SgLang), "", "sglang", exact, true),
        case("llama-cpp-python", Config::of(LlamaCppPython), one_word, "llama-cpp-python", exact, false),
        case(
            "llama-cpp-python without logits_all",
            Config { logits_all: false, ..Config::of(LlamaCppPython) },
            one_word,
            "llama-cpp-python",
            |how| how == AskedHow::Constrained { by: Constraint::Grammar },
            false,
        ),
        case("openai", Config::of(OpenAi), "protocol = \"one-word\"\ndialect = \"openai\"\n", "openai", exact, false),
        case("ollama", Config::of(Ollama), one_word, "ollama", exact, false),
        // Without a beginning put into its mouth it hardly says a name at first, so it is kept to the names.
        case("ollama, published protocol", Config::of(Ollama), "", "ollama", schema, false),
        case("lm-studio", Config::of(LmStudio), "", "lm-studio", schema, false),
        case("openrouter", Config::of(OpenRouter), "dialect = \"openrouter\"\n", "openrouter", schema, false),
        case("anthropic", words(Anthropic), "dialect = \"anthropic\"\nprotocol = \"one-word\"\n", "anthropic", text, false),
        case("anthropic, published protocol", words(Anthropic), "dialect = \"anthropic\"\n", "anthropic", text, true),
        case("transformers", words(Transformers), one_word, "generic", text, false),
        case("generic", words(Generic), one_word, "generic", text, false),
    ]
}

#[test]
fn every_dialect_is_recognised_and_asked_by_the_best_that_it_gives() {
    all_at_once(&known(), |case| {
        let Known { name, config, agents, dialect, how, prefill } = case;
        let server = Server::start(config.clone());
        let dir = folder(&format!("dialect-{name}"));
        let began = Instant::now();
        let ran = Experiment { size: 4, interactions: 20, ..Experiment::of(server.url()) }.asking(agents).run(&dir);
        ran.digest();
        assert!(began.elapsed() < Duration::from_secs(20), "{name}: {:?}", began.elapsed());
        let setup = &ran.manifest().servers[0];
        assert_eq!(setup.identity["server"], *dialect, "{name}: {setup:?}");
        assert!(how(setup.how) && setup.prefill == *prefill, "{name}: {setup:?}");
        for call in ran.calls() {
            match (&call.answer, setup.how) {
                (KeptAnswer::Step { .. }, AskedHow::Exact { .. }) => (),
                (KeptAnswer::Text { text, .. }, AskedHow::Constrained { .. }) => {
                    assert!(text.contains('Q') || text.contains('M'), "{name}: {text}")
                }
                (KeptAnswer::Text { .. }, AskedHow::Text) => (),
                other => panic!("{name}: {other:?}"),
            }
        }
    });
}

#[test]
fn a_given_text_is_scored_where_a_server_echoes_it_and_nowhere_else() {
    let asked = [
        (Dialect::Vllm, "vllm", true),
        (Dialect::LlamaCppPython, "llama-cpp-python", true),
        (Dialect::LlamaServer, "llama-server", false),
        (Dialect::OpenAi, "openai", false),
        (Dialect::Anthropic, "anthropic", false),
    ];
    all_at_once(&asked, |(dialect, name, echoes)| {
        let server = Server::start(words(*dialect));
        let agents = format!("protocol = \"one-word\"\nchoice = \"text\"\ndialect = \"{name}\"\n");
        let experiment = Experiment::of(server.url()).asking(&agents);
        let (model, opened) = experiment.opened(&folder(&format!("scores-{name}")).join("tape"));
        let can = opened.backend.scores();
        assert_eq!(can.is_ok(), *echoes, "{name}: {can:?}");
        if !echoes {
            return;
        }
        let message = |text: &str| Message { role: "text".into(), text: text.into() };
        let (before, text) = ("What stood before.", "Both players choose. Ünïcödé, 日本語!");
        let query = Query { window: [].into(), order: [].into(), draw: 0, again: 0, facts: None };
        for messages in [vec![message(text)], vec![message(before), message(text)]] {
            let whole = messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>().join("\n\n");
            let prompt = Prompt { messages, prefill: String::new() };
            let request = Request {
                model: &model,
                query: &query,
                prompt: &prompt,
                names: &[],
                before: &[],
                want: Want::Scores,
                prefill: false,
            };
            let Raw::Scores(scores) = opened.backend.ask(&request).unwrap().raw else { panic!("{name}: no scores") };
            let all = pretend::reread(&Vocabulary::new(&[], false), whole.as_bytes(), 1);
            let due: f64 = all[all.len() - scores.len()..].iter().map(|(step, _)| step.logprob).sum();
            assert!((log_likelihood(&scores) - due).abs() < 1e-6, "{name}: {} and {due}", log_likelihood(&scores));
            let bytes: usize = all[all.len() - scores.len()..].iter().map(|(step, _)| step.token.len()).sum();
            assert!(bytes <= text.len() && bytes + 8 > text.len(), "{name}: {bytes} of {} bytes", text.len());
        }
    });
}

#[test]
fn a_model_that_refuses_a_sampler_is_asked_without_it() {
    let server = Server::start(Config { reasoning: true, ..words(Dialect::OpenAi) });
    let asked = "protocol = \"one-word\"\ndialect = \"openai\"\nchoice = \"text\"\n";
    let experiment =
        |more: &str| Experiment { size: 4, interactions: 10, ..Experiment::of(server.url()) }.asking(&format!("{asked}{more}"));
    let why = experiment("").run(&folder("refuses-sampler")).why();
    assert!(why.contains("temperature") || why.contains("Unsupported"), "{why}");
    let omit = "omit = [\"temperature\", \"top_p\", \"presence_penalty\", \"frequency_penalty\"]\n";
    let ran = experiment(omit).run(&folder("omits-sampler"));
    ran.digest();
    assert!(ran.calls().iter().all(|call| call.sent.get("temperature").is_none()));
}

/// What the pretend model gives to each name after a text, computed from its tokens alone: `k` of them are listed.
#[allow(clippy::too_many_arguments)]
fn due(vocabulary: &Vocabulary, text: &str, said: &str, p: f64, about: Option<f64>, names: &[&str], k: usize, sum: &mut [f64]) {
    const TEMPERATURE: f64 = 0.5;
    let mut odds = vocabulary.next(format!("{text}{said}").as_bytes());
    odds.truncate(k);
    let total: f64 = odds.iter().map(|(_, logprob)| (logprob / TEMPERATURE).exp()).sum();
    // No name here begins another.
    let complete = |word: &str, name: &str| word.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    // Beginnings are followed that have a hundredth of what names and their beginnings have together.
    let about = about.unwrap_or_else(|| {
        let of_names = |&&(id, _): &&(u32, f64)| {
            let word = std::str::from_utf8(vocabulary.token(id)).unwrap().trim_start();
            !word.is_empty() && names.iter().any(|name| complete(word, name) || name.starts_with(word))
        };
        odds.iter().filter(of_names).map(|(_, logprob)| p * (logprob / TEMPERATURE).exp() / total).sum()
    });
    for (id, logprob) in odds {
        let token = std::str::from_utf8(vocabulary.token(id)).unwrap();
        let q = p * (logprob / TEMPERATURE).exp() / total;
        let whole = format!("{said}{token}");
        let word = whole.trim_start();
        if token.is_empty() {
            continue;
        }
        match names.iter().position(|name| complete(word, name)) {
            Some(name) => sum[name] += q,
            None if q >= 0.01 * if word.is_empty() { 1.0 } else { about } && names.iter().any(|name| name.starts_with(word)) => {
                due(vocabulary, text, &whole, q, Some(about), names, k, sum);
            }
            None => (),
        }
    }
}

#[test]
fn distributions_are_those_of_the_model_also_for_names_of_several_tokens() {
    let several: &[&str] = &["Alice", "Bob"];
    let cases = [
        ("llama-server", Dialect::LlamaServer, "", several, usize::MAX),
        ("vllm", Dialect::Vllm, "", several, usize::MAX),
        ("sglang", Dialect::SgLang, "", several, usize::MAX),
        ("vllm-plain", Dialect::Vllm, "api = \"completions\"\n", several, usize::MAX),
        ("llama-server-plain", Dialect::LlamaServer, "api = \"completions\"\n", several, usize::MAX),
        ("llama-cpp-python", Dialect::LlamaCppPython, "protocol = \"one-word\"\n", &["Q", "M"], usize::MAX),
        ("openai", Dialect::OpenAi, "protocol = \"one-word\"\ndialect = \"openai\"\n", &["Q", "M"], 20),
        ("ollama", Dialect::Ollama, "protocol = \"one-word\"\n", &["Q", "M"], 20),
    ];
    all_at_once(&cases, |(name, dialect, agents, names, k)| {
        let server = Server::start(favoured(Config { max_logprobs: 600, ..Config::of(*dialect) }));
        let experiment = Experiment { names, ..Experiment::of(server.url()) };
        let ran = experiment.asking(&format!("{agents}choice = \"exact\"\n")).run(&folder(&format!("exact-{name}")));
        ran.digest();
        let tape = ran.tape();
        let prefilled = ran.manifest().servers[0].prefill;
        let mut tried = 0;
        for prompt in tape.prompts() {
            let mut text: String =
                prompt.prompt.messages.iter().map(|message| format!("<|{}|>\n{}<|end|>\n", message.role, message.text)).collect();
            text += "<|assistant|>\n";
            if agents.contains("completions") {
                text = prompt.prompt.messages.iter().map(|message| format!("{}\n\n", message.text)).collect();
            }
            if prefilled {
                text += &prompt.prompt.prefill;
            }
            let mut sum = vec![0.0; names.len()];
            due(server.vocabulary(), &text, "", 1.0, None, names, *k, &mut sum);
            let mut told = vec![0.0; names.len()];
            for call in tape.calls().iter().filter(|call| call.prompt == prompt.hash) {
                let KeptAnswer::Step { step, .. } = &call.answer else { panic!("{call:?}") };
                told.iter_mut().zip(&step.names).for_each(|(told, p)| *told += p);
                tried += usize::from(!call.before.is_empty());
            }
            // Lists that leave out next to nothing are long enough, and what they leave out is missing here.
            assert!(told.iter().zip(&sum).all(|(told, due)| (told - due).abs() < 1e-5), "{name}: {told:?} is not {sum:?}");
        }
        assert_eq!(tried > 0, names[0] == "Alice", "{name}: names of several tokens were followed");
    });
}

// ---------------------------------------------------------------- faults

/// What passes, and for how much of the requests it is tried.
fn passing() -> Vec<(&'static str, Trouble, f64)> {
    use Trouble::{
        BadChunks, Chunked, CloseAfter, CloseBefore, CloseInBody, CloseInHead, Deep, Drip, Empty, EmptyChoices, ErrorInside,
    };
    use Trouble::{
        FalseGzip, Html, Huge, Late, Malformed, NoChoices, Padded, Reset, StallBefore, StallInside, Status, Truncated,
        UnendedChunks,
    };
    let header = |name: &str, value: &str| vec![(name.to_string(), value.to_string())];
    let date = (chrono::Utc::now() - chrono::TimeDelta::seconds(5)).to_rfc2822();
    vec![
        ("429", Trouble::too_many(RetryAfter::Nothing), 0.2),
        ("429-seconds", Trouble::too_many(RetryAfter::Seconds(0)), 0.2),
        ("429-millis", Trouble::too_many(RetryAfter::Millis(20)), 0.2),
        ("429-date", Trouble::too_many(RetryAfter::Date(date)), 0.2),
        ("429-reset", Trouble::too_many(RetryAfter::Reset("20ms".into(), "5ms".into())), 0.2),
        ("429-nonsense", Status(429, header("retry-after", "soon"), Shape::Own), 0.2),
        ("429-negative", Status(429, header("retry-after", "-7"), Shape::Html), 0.2),
        ("408", Trouble::shaped(408, Shape::Plain), 0.2),
        ("409", Trouble::status(409), 0.2),
        ("500", Trouble::shaped(500, Shape::Text), 0.2),
        ("502", Trouble::shaped(502, Shape::Html), 0.2),
        ("503", Trouble::shaped(503, Shape::Nothing), 0.2),
        ("529", Trouble::shaped(529, Shape::Anthropic), 0.2),
        ("empty", Empty, 0.2),
        ("html", Html, 0.2),
        ("events", Trouble::Events(Events::Proper), 0.5),
        ("events-malformed", Trouble::Events(Events::Malformed), 0.2),
        ("events-error", Trouble::Events(Events::Error(429)), 0.2),
        ("error-inside", ErrorInside(503), 0.2),
        ("error-inside-429", ErrorInside(429), 0.2),
        ("no-choices", NoChoices, 0.2),
        ("empty-choices", EmptyChoices, 0.2),
        ("huge", Huge(10 << 20), 0.05),
        ("deep", Deep(100_000), 0.2),
        ("malformed", Malformed, 0.2),
        ("truncated", Truncated, 0.2),
        ("close-before", CloseBefore, 0.2),
        ("close-in-head", CloseInHead, 0.2),
        ("close-in-body", CloseInBody, 0.2),
        ("reset", Reset, 0.2),
        ("close-after", CloseAfter, 0.5),
        ("chunked", Chunked, 0.5),
        ("padded", Padded, 0.5),
        ("bad-chunks", BadChunks, 0.2),
        ("unended-chunks", UnendedChunks, 0.2),
        ("false-gzip", FalseGzip, 0.5),
        ("late", Late(Duration::from_millis(30)), 0.3),
        ("drip", Drip(5, Duration::from_millis(10)), 0.2),
        ("stall-before", StallBefore, 0.05),
        ("stall-inside", StallInside, 0.05),
    ]
}

const IMPATIENT: &str = "limits = { first_byte_seconds = 0.7, total_seconds = 1.2 }";

#[test]
fn what_passes_leaves_no_trace_in_the_results() {
    let calm = Server::start(words(Dialect::Generic));
    let due = Experiment::of(calm.url()).run(&folder("passing-none"));
    let digest = due.digest();
    let n = due.calls().len();
    assert_eq!(calm.calls(), n + 1, "and one to see how answers are signed");
    let whens = [|share, _| When::Chance(share, 11), |share: f64, _| When::Every((1.0 / share) as u64), |_, n| When::First(n)];
    let mut cases = Vec::new();
    for (i, (name, trouble, share)) in passing().into_iter().enumerate() {
        // Each at random places, and in one of two more ways.
        cases.push((name, trouble.clone(), whens[0](share, 0), 0));
        cases.push((name, trouble, whens[1 + i % 2](share, 3), 1));
    }
    all_at_once(&cases, |(name, trouble, when, nth)| {
        let fault = Fault { trouble: trouble.clone(), when: *when, path: None };
        let server = Server::start(Config { faults: vec![fault], ..words(Dialect::Generic) });
        let stalls = matches!(trouble, Trouble::StallBefore | Trouble::StallInside);
        let experiment = Experiment::of(server.url()).with(if stalls { IMPATIENT } else { "" });
        let ran = experiment.run(&folder(&format!("passing-{name}-{nth}")));
        assert_eq!(ran.digest(), digest, "{name} {when:?}");
        let proper = matches!(
            trouble,
            Trouble::CloseAfter | Trouble::Chunked | Trouble::Padded | Trouble::FalseGzip | Trouble::Late(_) | Trouble::Drip(..)
        ) || matches!(trouble, Trouble::Events(Events::Proper));
        let struck = |k: usize| !proper && when.strikes(k as u64, Duration::ZERO);
        // One thread sends the first question until it is answered; what follows is the run's.
        let first = (1..).find(|&k| !struck(k)).unwrap();
        let asked = server.asked().len();
        let sent: i64 = ran.sent().iter().sum();
        // A connection that is closed without a word may swallow a request before the server has seen it.
        let swallows = matches!(trouble, Trouble::CloseAfter);
        let sent = first + sent as usize;
        // And on a busy machine the first question may be given up more often than the server stalls.
        let as_many = asked == sent || swallows && asked < sent || stalls && asked > sent;
        assert!(as_many, "{name}: {asked} {sent}: every request is a call's");
        assert_eq!(ran.calls().len(), n, "{name}: the same calls");
        if stalls {
            // On a busy machine others are given up, too.
            return;
        }
        let failed = (1..=asked).filter(|&k| struck(k)).count();
        assert_eq!(asked, 1 + n + failed, "{name}: nothing that was answered is asked twice");
    });
}

#[test]
fn what_passes_leaves_no_trace_in_probabilities_either() {
    let config = || favoured(Config { max_logprobs: 600, ..Config::of(Dialect::Vllm) });
    let calm = Server::start(config());
    let experiment = |server: &Server| Experiment::of(server.url()).asking("");
    let due = experiment(&calm).run(&folder("probable-none"));
    let digest = due.digest();
    let mut cases: Vec<(&str, Trouble)> = passing().into_iter().map(|(name, trouble, _)| (name, trouble)).collect();
    cases.retain(|(name, _)| !name.starts_with("429-") && !name.starts_with("stall"));
    cases.extend(["NaN", "1e999", "null", "\"-1\""].map(|number| (number, Trouble::Number(number))));
    all_at_once(&cases, |(name, trouble)| {
        let share = if matches!(trouble, Trouble::Huge(_)) { 0.05 } else { 0.2 };
        let server = Server::start(Config { faults: vec![trouble.clone().chance(share, 23)], ..config() });
        let ran = experiment(&server).run(&folder(&format!("probable-{}", name.replace('"', ""))));
        assert_eq!(ran.digest(), digest, "{name}");
        let how = |ran: &Ran| ran.manifest().servers[0].how;
        assert_eq!(how(&ran), how(&due), "{name}: it is asked in the same way");
        let keys = |ran: &Ran| ran.calls().iter().map(|call| call.prompt.clone() + &call.before).collect::<Vec<_>>();
        assert_eq!(keys(&ran).len(), keys(&due).len(), "{name}");
    });
}

/// The lines of a tape that are calls.
fn kept(dir: &Path) -> usize {
    let tape = cratylus_io::models::tape::Tape::read(&dir.join("tape")).unwrap();
    assert_eq!(tape.unread(), 0);
    tape.len()
}

#[test]
fn what_cannot_pass_stops_the_run_at_once_and_loses_nothing() {
    let elsewhere = Server::start(words(Dialect::Generic));
    let calm = Server::start(words(Dialect::Generic));
    let due = Experiment::of(calm.url()).run(&folder("fatal-none"));
    let (digest, n) = (due.digest(), due.calls().len());
    let to = format!("{}/chat/completions", elsewhere.url());
    let cases = [
        ("400", Trouble::status(400), "answered 400: Bad request"),
        ("401", Trouble::status(401), "answered 401: Invalid API Key"),
        ("402", Trouble::shaped(402, Shape::OpenRouter), "answered 402: Insufficient credits"),
        ("403", Trouble::shaped(403, Shape::Plain), "answered 403: Forbidden"),
        ("404", Trouble::shaped(404, Shape::Detail), "answered 404: Not found"),
        ("413", Trouble::shaped(413, Shape::Anthropic), "answered 413: Request too large"),
        ("422", Trouble::shaped(422, Shape::Details), "answered 422: "),
        ("quota", Trouble::Status(429, vec![], Shape::OpenAi), "answered 429"),
        ("301", Trouble::Redirect(301, to.clone()), "redirects to"),
        ("302", Trouble::Redirect(302, to.clone()), "redirects to"),
        ("307", Trouble::Redirect(307, to.clone()), "redirects to"),
        ("308", Trouble::Redirect(308, to), "redirects to"),
    ];
    all_at_once(&cases, |(name, trouble, words)| {
        if *name == "quota" {
            return; // Its own test: the words decide, not the status.
        }
        let server = Server::start(Config { faults: vec![trouble.clone().nth(15)], ..self::words(Dialect::Generic) });
        let dir = folder(&format!("fatal-{name}"));
        let began = Instant::now();
        let ran = Experiment::of(server.url()).run(&dir);
        assert!(began.elapsed() < Duration::from_secs(5), "{name}: {:?}", began.elapsed());
        assert!(ran.why().contains(words), "{name}: {}", ran.why());
        let before = server.asked().len();
        assert!(before < 15 + 20, "{name}: only what was on its way came after it: {before}");
        assert_eq!(kept(&dir), server.calls() - 1, "{name}: what was answered is kept");
        // The trouble is over, and the same command goes on.
        let ran = Experiment::of(server.url()).run(&dir);
        assert_eq!(ran.digest(), digest, "{name}");
        assert_eq!(server.calls(), n + 1, "{name}: nothing is asked twice");
        assert_eq!(server.asked().len(), n + 2, "{name}");
    });
    assert_eq!(elsewhere.requests().len(), 0, "nobody follows");
}

#[test]
fn an_account_without_money_is_not_asked_again() {
    let body = serde_json::json!({"error": {"message": "You exceeded your current quota, please check your plan",
        "type": "insufficient_quota", "param": null, "code": "insufficient_quota"}});
    let server = Server::start(Config::of(Dialect::OpenAi).answering(move |_| Reply::Json(429, body.clone())));
    let experiment = Experiment::of(server.url()).asking("dialect = \"openai\"\nprotocol = \"one-word\"\nchoice = \"text\"");
    let ran = experiment.run(&folder("quota"));
    assert!(ran.why().contains("You exceeded your current quota"), "{}", ran.why());
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_long_refusal_is_a_refusal() {
    let long = serde_json::json!({"error": {"message": "no ".repeat(1 << 20)}});
    let server = Server::start(Config::of(Dialect::Generic).answering(move |_| Reply::Json(403, long.clone())));
    let ran = Experiment::of(server.url()).run(&folder("long-refusal"));
    assert!(ran.why().contains("answered 403"), "{}", ran.why());
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn what_never_passes_ends_the_run_with_the_servers_words_after_the_retries() {
    let fault = Trouble::shaped(500, Shape::Text).during(Duration::ZERO, Duration::from_secs(3600));
    let server = Server::start(words(Dialect::Generic));
    let dir = folder("never");
    // The probe is let through.
    let stopper = thread::scope(|scope| {
        let waits = scope.spawn(|| {
            assert!(server.wait_for(12, Duration::from_secs(10)));
            server.push_fault(fault);
        });
        let experiment = Experiment { size: 2, ..Experiment::of(server.url()) };
        let ran = experiment.with("limits = { retries = 1 }").run(&dir);
        waits.join().unwrap();
        ran
    });
    assert!(stopper.why().contains("answered 500: Internal server error") && stopper.why().contains("(sent 2 times)"));
    assert_eq!(kept(&dir), server.calls() - 1);
}

#[test]
fn who_is_stopped_goes_on_without_asking_again() {
    let calm = Server::start(words(Dialect::Generic));
    let due = Experiment::of(calm.url()).run(&folder("stopped-none"));
    let server = Server::start(Config { latency: Duration::from_millis(10), ..words(Dialect::Generic) });
    let dir = folder("stopped");
    let mut stops = 0;
    let finished = loop {
        let progress: std::sync::Arc<cratylus_io::conduct::progress::Progress> = Default::default();
        let ran = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(60));
                progress.stop.store(true, std::sync::atomic::Ordering::Relaxed);
            });
            Experiment::of(server.url()).run_seen(&dir, progress.clone())
        });
        if ran.ended.is_ok() {
            break ran;
        }
        assert!(matches!(ran.ended, Err(cratylus_io::conduct::job::Refused::Interrupted)), "{:?}", ran.ended);
        stops += 1;
        assert!(stops < 100);
    };
    assert!(stops > 1);
    assert_eq!(finished.digest(), due.digest());
    assert_eq!(server.calls(), 1 + due.calls().len(), "over {stops} stops");
}

// ---------------------------------------------------------------- limits

#[test]
fn the_pause_that_a_server_asks_for_is_kept() {
    let soon = |ms: i64| (chrono::Utc::now() + chrono::TimeDelta::milliseconds(ms)).to_rfc2822();
    let cases = [
        ("seconds", RetryAfter::Seconds(1), 1.0),
        ("millis", RetryAfter::Millis(700), 0.7),
        // A date has no fractions of seconds.
        ("date", RetryAfter::Date(soon(3000)), 0.8),
        ("reset", RetryAfter::Reset("600ms".into(), "0.9s".into()), 0.9),
    ];
    all_at_once(&cases, |(name, after, least)| {
        let server = Server::start(Config { faults: vec![Trouble::too_many(after.clone()).nth(12)], ..words(Dialect::Generic) });
        Experiment::of(server.url()).run(&folder(&format!("pause-{name}"))).digest();
        let asked = server.asked();
        let at = asked[11].at;
        // What was on its way may still arrive; then nobody asks anything, not only who was refused.
        let next = asked.iter().map(|seen| seen.at).filter(|&later| later > at + Duration::from_millis(150)).min().unwrap();
        let waited = (next - at).as_secs_f64();
        assert!(waited >= *least && waited < least + 2.5, "{name}: {waited} s");
    });
}

#[test]
fn an_allowance_that_has_run_out_is_waited_for_before_anything_is_refused() {
    let rate = Rate { requests: 20, window: Duration::from_millis(400) };
    // One by one it sees that nothing is left before it asks too much.
    let server = Server::start(Config { rate: Some(rate), usage: true, ..words(Dialect::OpenAi) });
    let experiment = Experiment { interactions: 20, ..Experiment::of(server.url()) }
        .asking("dialect = \"openai\"\nprotocol = \"one-word\"\nchoice = \"text\"\nlimits = { in_flight = 4 }");
    let ran = experiment.run(&folder("rate"));
    ran.digest();
    let refused = server.asked().len() - server.calls();
    assert!(refused * 5 < server.calls(), "{refused} of {} were refused", server.asked().len());
}

/// The most requests that were open at a time, in windows of so many requests: `overlap` of each with the one before.
fn rate_of(server: &Server, from: usize) -> f64 {
    let asked = server.asked();
    let (first, last) = (asked[from].at, asked[asked.len() - 1].at);
    (asked.len() - from - 1) as f64 / (last - first).as_secs_f64()
}

#[test]
fn requests_per_minute_are_kept() {
    let server = Server::start(words(Dialect::Generic));
    let experiment = Experiment { replicas: 4, interactions: 20, ..Experiment::of(server.url()) };
    experiment.with("limits = { requests_per_minute = 6000 }").run(&folder("rpm")).digest();
    let rate = rate_of(&server, 1);
    assert!((60.0..=101.0).contains(&rate), "{rate} requests in a second where 100 are allowed");
    // Not in bursts, either.
    let asked = server.asked();
    for tenth in asked.windows(15) {
        assert!(tenth[14].at - tenth[0].at > Duration::from_millis(90), "{:?}", tenth[14].at - tenth[0].at);
    }
}

#[test]
fn tokens_per_minute_are_kept_from_the_first_request_on() {
    let server = Server::start(Config { latency: Duration::from_millis(20), ..words(Dialect::LmStudio) });
    let experiment = Experiment { replicas: 4, interactions: 15, ..Experiment::of(server.url()) };
    let ran = experiment
        .asking("protocol = \"one-word\"\nchoice = \"text\"\ndialect = \"lm-studio\"\nlimits = { tokens_per_minute = 1800000 }")
        .run(&folder("tpm"));
    ran.digest();
    let tokens = ran.progress.spent.prompt_tokens.load(std::sync::atomic::Ordering::Relaxed) as f64;
    let asked = server.asked();
    let span = (asked[asked.len() - 1].at - asked[1].at).as_secs_f64();
    let rate = tokens / span;
    assert!((15_000.0..31_500.0).contains(&rate), "{rate} tokens in a second where 30,000 are allowed");
    assert!(server.most_open() <= 8, "{} came at once", server.most_open());
}

#[test]
fn in_flight_is_never_exceeded_and_used_in_full() {
    all_at_once(&[1usize, 5, 16], |&most| {
        let server = Server::start(Config { latency: Duration::from_millis(8), ..words(Dialect::Generic) });
        let replicas = if most == 1 { 1 } else { 12 };
        let experiment = Experiment { replicas, interactions: 20, ..Experiment::of(server.url()) };
        experiment.with(&format!("limits = {{ in_flight = {most} }}")).run(&folder(&format!("in-flight-{most}"))).digest();
        assert_eq!((server.most_in_flight(), server.most_open()), (most, most));
    });
}

#[test]
fn an_overloaded_server_is_asked_less_at_once_and_then_more_again() {
    // It takes 6 at a time and lets nobody wait.
    let config = Config { latency: Duration::from_millis(15), parallel: Some(6), queue: Some(0), ..words(Dialect::Ollama) };
    let server = Server::start(config);
    let experiment = Experiment { replicas: 8, interactions: 40, ..Experiment::of(server.url()) };
    let ran = experiment
        .asking("protocol = \"one-word\"\nchoice = \"text\"\ndialect = \"ollama\"\nlimits = { in_flight = 24 }")
        .run(&folder("overload"));
    ran.digest();
    assert_eq!(server.most_in_flight(), 6);
    let (asked, answered) = (server.asked().len(), server.calls());
    assert!(((asked - answered) as f64) < 0.25 * answered as f64, "{} of {asked} were turned away", asked - answered);
    // An overload that passes is forgotten.
    let server = Server::start(Config { latency: Duration::from_millis(15), ..words(Dialect::Generic) });
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(server.wait_for(100, Duration::from_secs(10)));
            server.push_fault(Trouble::status(503).first(12));
            assert!(server.wait_for(150, Duration::from_secs(10)));
            server.forget();
        });
        let experiment = Experiment { replicas: 16, interactions: 60, ..Experiment::of(server.url()) };
        experiment.with("limits = { in_flight = 12 }").run(&folder("overload-passes")).digest();
    });
    assert_eq!(server.most_open(), 12);
}

// ---------------------------------------------------------------- identity

#[test]
fn another_model_in_an_answer_stops_the_run_or_is_marked() {
    let cases =
        [("model", Trouble::WrongModel("impostor\u{9b}31m".into())), ("fingerprint", Trouble::Fingerprint("fp_other".into()))];
    all_at_once(&cases, |(name, trouble)| {
        let server = || Server::start(Config { faults: vec![trouble.clone().every(9)], ..words(Dialect::OpenAi) });
        let experiment = |server: &Server| {
            Experiment::of(server.url()).asking("dialect = \"openai\"\nprotocol = \"one-word\"\nchoice = \"text\"")
        };
        let (stops, goes_on) = (server(), server());
        let dir = folder(&format!("identity-{name}"));
        let ran = experiment(&stops).run(&dir);
        let why = ran.why();
        assert!(why.contains("changed in the midst of the run") && why.contains("agents.on_change"), "{why}");
        assert!(why.contains(if *name == "model" { "impostor" } else { "fp_other" }), "{why}");
        assert!(!why.contains(|c: char| c.is_control() && c != '\n'), "{why:?}");
        assert!(kept(&dir) < stops.calls() - 1, "what another model said is not kept");
        let ran = experiment(&goes_on).with("on_change = \"allow\"").run(&folder(&format!("identity-{name}-allow")));
        ran.digest();
        let table = cratylus_io::store::table::read(&ran.dir.join("calls.parquet"), None).unwrap();
        let marked = table.texts("changed").unwrap().into_iter().flatten().count();
        assert_eq!(marked, goes_on.calls() / 9);
        assert!(ran.manifest().cautions.iter().any(|caution| caution.contains("signed by another model")));
    });
}

#[test]
fn another_model_after_a_stop_is_found_before_anything_is_asked() {
    let asks = "protocol = \"one-word\"\nchoice = \"text\"\n";
    let stopped = |name: &str, asks: &str| {
        let server = Server::start(Config { faults: vec![Trouble::status(402).nth(20)], ..words(Dialect::LlamaServer) });
        let dir = folder(name);
        Experiment::of(server.url()).asking(asks).run(&dir).why();
        (server, dir)
    };
    let (server, dir) = stopped("another", asks);
    server.set_model("other");
    let before = server.asked().len();
    let why = Experiment::of(server.url()).asking(asks).run(&dir).why();
    assert!(why.contains("is not the one that began this run") && why.contains("was \"tiny\", is now \"other\""), "{why}");
    assert_eq!(server.asked().len(), before);
    // A model that was named and is gone is a mistake of another kind.
    let named = format!("{asks}model = \"tiny\"\n");
    let (server, dir) = stopped("gone", &named);
    server.set_model("other");
    let why = Experiment::of(server.url()).asking(&named).run(&dir).why();
    assert!(why.contains("has no model `tiny`"), "{why}");
    // The first of them comes back, and the run goes on.
    let (server, dir) = stopped("back", asks);
    Experiment::of(server.url()).asking(asks).run(&dir).digest();
}

#[test]
fn a_server_that_was_built_anew_is_another_and_its_calls_are_marked_where_that_is_allowed() {
    let asks = "protocol = \"one-word\"\nchoice = \"text\"\non_change = \"allow\"\n";
    let server = Server::start(Config { faults: vec![Trouble::status(402).nth(20)], ..words(Dialect::LlamaServer) });
    let dir = folder("anew");
    Experiment::of(server.url()).asking(asks).run(&dir).why();
    let first = kept(&dir);
    server.set_fingerprint(Some("b99999"));
    let ran = Experiment::of(server.url()).asking(asks).run(&dir);
    ran.digest();
    let table = cratylus_io::store::table::read(&dir.join("calls.parquet"), None).unwrap();
    let marks = table.texts("changed").unwrap();
    assert_eq!(marks.iter().filter(|mark| mark.is_none()).count(), first);
    assert!(marks.iter().flatten().all(|mark| mark.contains("b99999")));
}

#[test]
fn calls_are_marked_also_where_answers_are_signed_as_before() {
    let asks = "protocol = \"one-word\"\nchoice = \"text\"\non_change = \"allow\"\n";
    let config = |context| Config { context, faults: vec![Trouble::status(402).nth(20)], ..words(Dialect::Vllm) };
    let dir = folder("signed-as-before");
    Experiment::of(Server::start(config(8192)).url()).asking(asks).run(&dir).why();
    let first = kept(&dir);
    // Another context length says that it was started anew, and perhaps with other weights.
    let server = Server::start(Config { faults: vec![], ..config(4096) });
    Experiment::of(server.url()).asking(asks).run(&dir).digest();
    let table = cratylus_io::store::table::read(&dir.join("calls.parquet"), None).unwrap();
    let marks = table.texts("changed").unwrap();
    assert_eq!(marks.iter().filter(|mark| mark.is_none()).count(), first);
    assert!(marks.iter().flatten().all(|mark| mark.contains("4096")));
}

// ---------------------------------------------------------------- answers that are none

#[test]
fn a_model_that_never_gives_a_usable_answer_is_not_asked_for_ever() {
    type Case = (&'static str, fn(&Value) -> Reply, &'static str);
    let cases: [Case; 3] = [
        ("cut", |_| Reply::text("<think>\nThe format is {'value': 'Q'}. Let me see what"), "20 were cut short"),
        (
            "apart",
            |_| {
                Reply::Json(
                    200,
                    serde_json::json!({ "choices": [{ "message": { "content": null, "reasoning_content": "Hm" }, "finish_reason": "length" }] }),
                )
            },
            "reasoned in a field of its own",
        ),
        (
            "tool",
            |_| {
                Reply::Json(
                    200,
                    serde_json::json!({ "choices": [{ "message": { "content": null, "tool_calls": [{ "id": "1" }] }, "finish_reason": "tool_calls" }] }),
                )
            },
            "hold a call of a tool",
        ),
    ];
    all_at_once(&cases, |(name, answer, words)| {
        let server = Server::start(Config::of(Dialect::Generic).answering(*answer));
        let asks = "choice = \"text\"\ndialect = \"generic\"\n";
        let why = Experiment::of(server.url()).asking(asks).run(&folder(&format!("never-{name}"))).why();
        assert!(why.contains(words) && why.contains("help:"), "{name}: {why}");
        assert!(server.calls() < 60, "{name}: {}", server.calls());
        let asks = format!("{asks}tries = 2\nlimits = {{ unusable = 0 }}\n");
        let ran = Experiment { interactions: 20, replicas: 1, ..Experiment::of(server.url()) }
            .asking(&asks)
            .run(&folder(&format!("always-{name}")));
        ran.digest();
        let readings = &ran.manifest().how_read[0];
        assert_eq!((readings.answers, readings.lost()), (80, 80), "{name}: {readings:?}");
    });
}

#[test]
fn a_thought_is_cut_off_and_the_answer_after_it_is_read() {
    let said = "<think>\nThe format is {'value': 'Q'}.\n</think>\n\n{'value': 'M'; 'reason': 'it paid'}";
    let server = Server::start(Config { longest: 400, ..Config::of(Dialect::Generic) }.answering(move |_| {
        Reply::Json(200, serde_json::json!({ "choices": [{ "message": { "content": said }, "finish_reason": "stop" }] }))
    }));
    let asks = "choice = \"text\"\ndialect = \"generic\"\n";
    // The whole address of what is asked is as good as where it begins.
    let ran = Experiment { size: 4, interactions: 8, ..Experiment::of(format!("{}/chat/completions", server.url())) }
        .asking(asks)
        .run(&folder("thought"));
    ran.digest();
    let readings = &ran.manifest().how_read[0];
    assert_eq!((readings.lost(), readings.fallback, readings.thought), (0, 0, readings.answers), "{readings:?}");
}

#[test]
fn a_server_that_asks_for_an_hour_is_told_of_at_once() {
    let asks = "protocol = \"one-word\"\nchoice = \"text\"\ndialect = \"generic\"\n";
    let server =
        Server::start(Config { faults: vec![Trouble::too_many(RetryAfter::Seconds(3600)).always()], ..words(Dialect::Generic) });
    let began = Instant::now();
    let why = Experiment::of(server.url()).asking(asks).run(&folder("an-hour")).why();
    assert!(why.contains("60 minutes") && why.contains("429"), "{why}");
    // In the midst of a run, too.
    let server =
        Server::start(Config { faults: vec![Trouble::too_many(RetryAfter::Seconds(3600)).nth(9)], ..words(Dialect::Generic) });
    let why = Experiment::of(server.url()).asking(asks).run(&folder("an-hour-later")).why();
    assert!(why.contains("60 minutes") && began.elapsed() < Duration::from_secs(20), "{why}");
}

#[test]
fn a_system_message_is_merged_where_a_model_takes_none() {
    let answer = |body: &Value| match body["messages"].as_array().unwrap().iter().any(|message| message["role"] == "system") {
        true => Reply::Json(400, serde_json::json!({ "message": "System role not supported" })),
        false => Reply::text("Q"),
    };
    let server = Server::start(Config::of(Dialect::Generic).answering(answer));
    let asks = "protocol = \"one-word\"\nchoice = \"text\"\ndialect = \"generic\"\n";
    let run = |more: &str, name: &str| {
        Experiment { size: 4, interactions: 8, ..Experiment::of(server.url()) }
            .asking(&format!("{asks}{more}"))
            .run(&folder(name))
    };
    let why = run("", "no-system").why();
    assert!(why.contains("merge_system = true"), "{why}");
    run("merge_system = true\n", "merged-system").digest();
}

#[test]
fn a_server_that_never_samples_is_found() {
    let said = |body: &Value| Reply::text(if body["messages"].to_string().contains("town") { "Ash" } else { "one two three" });
    let server = Server::start(Config::of(Dialect::Generic).answering(said));
    let asks = "protocol = \"one-word\"\ndialect = \"generic\"\n";
    let examined = Experiment::of(server.url()).asking(asks).examine(&mut |_| ()).unwrap();
    let holds = |what: &str| examined.findings.iter().find(|finding| finding.what == what).unwrap().holds;
    assert_eq!((holds("samples"), holds("temperature 0"), holds("top_p")), (Some(false), None, None), "{:#?}", examined.findings);
    assert!(examined.advice.iter().any(|advice| advice.contains("temperature that is not in force")), "{:?}", examined.advice);
}

// ---------------------------------------------------------------- doctor

struct Health {
    dialect: Dialect,
    given: Option<&'static str>,
    /// Findings that hold, and those that do not.
    holds: &'static [&'static str],
    fails: &'static [&'static str],
}

#[test]
fn the_doctor_finds_what_is_so() {
    use Dialect::*;
    let health = |dialect, given, holds, fails| Health { dialect, given, holds, fails };
    let cases = [
        health(
            LlamaServer,
            None,
            &[
                "usage",
                "prefill",
                "log-probabilities",
                "before the sampler",
                "json schema",
                "grammar",
                "max_tokens",
                "top_k",
                "n",
            ],
            &["choice", "regex"],
        ),
        health(
            Vllm,
            None,
            &["usage", "prefill", "log-probabilities", "json schema", "choice", "max_completion_tokens", "top_k", "min_p", "n"],
            &["grammar", "regex"],
        ),
        health(SgLang, None, &["prefill", "log-probabilities", "json schema", "regex", "min_p"], &["choice", "grammar"]),
        health(
            LlamaCppPython,
            None,
            &["log-probabilities", "grammar", "top_k"],
            &["prefill", "max_completion_tokens", "n", "regex"],
        ),
        health(
            Ollama,
            None,
            &["log-probabilities", "json schema", "top_p", "seed"],
            &["prefill", "grammar", "top_k", "min_p", "n"],
        ),
        health(LmStudio, None, &["json schema", "usage", "top_k"], &["log-probabilities", "prefill", "choice"]),
        health(OpenAi, Some("openai"), &["log-probabilities", "json schema", "n", "seed"], &["prefill", "top_k", "grammar"]),
        health(OpenRouter, Some("openrouter"), &["prefill", "json schema", "min_p"], &["log-probabilities", "n"]),
        health(Anthropic, Some("anthropic"), &["usage", "prefill", "max_tokens"], &["log-probabilities", "seed", "n"]),
        health(Transformers, None, &["answers", "system message"], &["log-probabilities", "json schema", "top_k", "grammar"]),
        health(Generic, None, &["answers", "max_tokens"], &["usage", "prefill", "log-probabilities", "json schema"]),
    ];
    all_at_once(&cases, |Health { dialect, given, holds, fails }| {
        let server = Server::start(Config { usage: *dialect != Generic, ..favoured(Config::of(*dialect)) });
        let agents = given.map_or(String::new(), |given| format!("dialect = \"{given}\""));
        let began = Instant::now();
        let mut told = 0;
        let examined = Experiment::of(server.url()).asking(&agents).examine(&mut |_| told += 1).unwrap();
        assert!(began.elapsed() < Duration::from_secs(30), "{dialect:?}: {:?}", began.elapsed());
        let find = |what: &str| examined.findings.iter().find(|finding| finding.what == what).and_then(|finding| finding.holds);
        let wrong = |what: &&&str, due: bool| find(what) != Some(due) && !(**what == "max_tokens" && *dialect == Generic);
        let wrong: Vec<_> =
            holds.iter().filter(|what| wrong(what, true)).chain(fails.iter().filter(|what| wrong(what, false))).collect();
        assert!(wrong.is_empty(), "{dialect:?} {wrong:?}: {:#?}", examined.findings);
        assert_eq!(told, examined.findings.len());
        // Where there are words alone, those of the pretend model are no answers.
        match (&examined.way, dialect) {
            (Err(why), Transformers | Generic) => assert!(why.contains("no answer could be used"), "{why}"),
            (way, _) => assert!(way.is_ok(), "{dialect:?}: {way:?}"),
        }
        assert!(
            examined.findings.iter().all(|finding| !finding.found.contains("could not be tried")),
            "{dialect:?}: {:#?}",
            examined.findings
        );
    });
}
