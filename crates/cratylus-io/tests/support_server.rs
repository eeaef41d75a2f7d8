//! The model server for tests is what other tests lean on, so it is held to its own word: over a bare socket,
//! without the client that it is there to test.

mod support;

use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};
use support::{Config, Dialect, Events, Rate, Reply, RetryAfter, Server, Shape, Trouble};

const CHAT: &str = "/v1/chat/completions";

/// A connection of a client that knows no better.
struct Wire(TcpStream);

#[derive(Debug)]
struct Got {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Wire {
    fn to(server: &Server) -> Wire {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Wire(stream)
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {}\r\n\r\n", body.len());
        self.0.write_all(&[head.as_bytes(), body].concat()).unwrap();
    }

    fn get(&mut self) -> std::io::Result<Got> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.byte()?);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut got = Got { status, head, body: vec![] };
        if got.header("transfer-encoding").is_some() {
            loop {
                let mut line = Vec::new();
                while !line.ends_with(b"\r\n") {
                    line.push(self.byte()?);
                }
                let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16);
                let size = size.map_err(|_| std::io::Error::from(ErrorKind::InvalidData))?;
                let mut piece = vec![0; size + 2];
                self.0.read_exact(&mut piece)?;
                if size == 0 {
                    return Ok(got);
                }
                got.body.extend(&piece[..size]);
            }
        }
        got.body = vec![0; got.header("content-length").unwrap().parse().unwrap()];
        self.0.read_exact(&mut got.body)?;
        Ok(got)
    }

    fn byte(&mut self) -> std::io::Result<u8> {
        let mut byte = [0];
        self.0.read_exact(&mut byte).map(|()| byte[0])
    }

    fn post(&mut self, path: &str, body: &Value) -> std::io::Result<Got> {
        self.send("POST", path, "anthropic-version: 2023-06-01\r\n", body.to_string().as_bytes());
        self.get()
    }
}

fn post(server: &Server, path: &str, body: Value) -> Got {
    Wire::to(server).post(path, &body).unwrap()
}

fn get(server: &Server, path: &str) -> Got {
    let mut wire = Wire::to(server);
    wire.send("GET", path, "", b"");
    wire.get().unwrap()
}

/// A question, with more fields.
fn question(more: Value) -> Value {
    let mut body = json!({"model": "tiny", "messages": [{"role": "user", "content": "Q or M?"}], "max_tokens": 1});
    more.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
    body
}

fn prefilled(more: Value) -> Value {
    let mut body = question(more);
    body["messages"].as_array_mut().unwrap().push(json!({"role": "assistant", "content": "I say"}));
    body
}

fn text(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap()
}

const TOLD: [Dialect; 6] =
    [Dialect::OpenAi, Dialect::Vllm, Dialect::SgLang, Dialect::LlamaServer, Dialect::LlamaCppPython, Dialect::Ollama];

#[test]
fn every_dialect_answers_a_plain_question() {
    for dialect in Dialect::ALL {
        let server = Server::of(dialect);
        let answer = post(&server, CHAT, question(json!({"max_tokens": 5, "seed": 1})));
        assert_eq!(answer.status, 200, "{dialect:?} {answer:?}");
        assert!(!text(&answer.json()).is_empty() || answer.json()["choices"][0]["finish_reason"] == "stop");
        let again = post(&server, CHAT, question(json!({"max_tokens": 5, "seed": 1}))).json();
        assert_eq!(again["choices"] == answer.json()["choices"], dialect != Dialect::Anthropic, "which takes no seed");
        assert_eq!(get(&server, "/v1/models").status, 200);
        assert_eq!((server.calls(), server.requests().len(), server.connections()), (2, 3, 3));
        assert_eq!(server.requests()[0].body["messages"][0]["content"], "Q or M?");
    }
}

#[test]
fn the_distribution_is_the_same_in_every_dialect_and_can_be_computed() {
    for dialect in TOLD {
        let server = Server::of(dialect);
        let answer = post(&server, CHAT, question(json!({"logprobs": true, "top_logprobs": 5}))).json();
        let entry = &answer["choices"][0]["logprobs"]["content"][0];
        let told = entry["top_logprobs"].as_array().unwrap();
        let due = server.vocabulary().next(b"<|user|>\nQ or M?<|end|>\n<|assistant|>\n");
        let find = |p: f64| told.iter().any(|t| (t["logprob"].as_f64().unwrap() - p).abs() < 1e-9);
        assert!(due[..4].iter().all(|(_, p)| find(*p)), "{dialect:?} {told:?}");
        assert_eq!(told[0]["bytes"].is_null(), dialect == Dialect::LlamaCppPython);
        if dialect == Dialect::Vllm {
            assert_eq!(told[0]["token"], entry["token"], "the one drawn comes first");
            assert!(told.len() == 5 || told.len() == 6);
        }
    }
    let all = Server::of(Dialect::LlamaServer);
    let answer = post(&all, CHAT, question(json!({"logprobs": true, "top_logprobs": 2048}))).json();
    let told = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"].as_array().unwrap().clone();
    let total: f64 = told.iter().map(|t| t["logprob"].as_f64().unwrap().exp()).sum();
    assert!((total - 1.0).abs() < 1e-9 && told.len() > 200, "{total} over {}", told.len());
}

#[test]
fn temperature_draws_but_does_not_change_what_is_told() {
    let server = Server::of(Dialect::LlamaServer);
    let at = |temperature: f64, seed: u64| {
        let mut more = json!({"logprobs": true, "top_logprobs": 3, "top_k": 0, "top_p": 1, "min_p": 0});
        (more["temperature"], more["seed"]) = (json!(temperature), json!(seed));
        post(&server, CHAT, question(more)).json()["choices"][0].clone()
    };
    let top = |choice: &Value| choice["logprobs"]["content"][0]["top_logprobs"].clone();
    assert_eq!(top(&at(0.0, 1)), top(&at(2.0, 2)));
    assert_eq!(at(0.0, 1)["message"], at(0.0, 2)["message"]);
    assert!((0..20).any(|seed| at(2.0, seed)["message"] != at(0.0, 1)["message"]));
}

#[test]
fn prefill_is_continued_where_the_dialect_does() {
    let told = |dialect, more: Value| text(&post(&Server::of(dialect), CHAT, prefilled(more)).json()).to_string();
    let seeded = json!({"seed": 3, "temperature": 0});
    let whole = told(Dialect::LlamaServer, seeded.clone());
    assert!(whole.starts_with("I say") && whole.len() > 5, "{whole}");
    let asked = json!({"seed": 3, "temperature": 0, "continue_final_message": true, "add_generation_prompt": false});
    assert_eq!(told(Dialect::Vllm, asked), whole[5..]);
    assert_ne!(told(Dialect::Vllm, seeded.clone()), whole[5..]);
    assert_ne!(told(Dialect::OpenAi, seeded), whole[5..]);
    let both = post(&Server::of(Dialect::Vllm), CHAT, prefilled(json!({"continue_final_message": true})));
    assert_eq!(both.status, 400);
    let native = prefilled(json!({"temperature": 0}));
    let answer = post(&Server::of(Dialect::Anthropic), "/v1/messages", native).json();
    assert_eq!(answer["content"][0]["text"], whole[5..]);
}

#[test]
fn each_constraint_holds_where_it_is_known_and_is_ignored_elsewhere() {
    let schema = json!({"type": "object", "properties": {"choice": {"enum": ["Q", "M"]}}, "required": ["choice"]});
    let mechanisms = [
        ("grammar", json!("root ::= \"Q\" | \"M\"")),
        ("regex", json!("(Q|M)")),
        ("structured_outputs", json!({"choice": ["Q", "M"]})),
        ("guided_choice", json!(["Q", "M"])),
        ("response_format", json!({"type": "json_schema", "json_schema": {"name": "a", "schema": schema}})),
    ];
    let holds = |dialect, name: &str, value: &Value| {
        let server = Server::of(dialect);
        (0..4).all(|seed| {
            let got = post(&server, CHAT, question(json!({"max_tokens": 40, "seed": seed, name: value})));
            let answer = if got.status == 200 { text(&got.json()).to_string() } else { String::new() };
            let inside = serde_json::from_str::<Value>(&answer).map(|value| value["choice"].clone());
            ["Q", "M"].contains(&answer.as_str()) || inside.is_ok_and(|choice| choice == "Q" || choice == "M")
        })
    };
    let known = |dialect| mechanisms.iter().filter(|(name, value)| holds(dialect, name, value)).map(|m| m.0).collect::<Vec<_>>();
    assert_eq!(known(Dialect::LlamaServer), ["grammar", "response_format"]);
    assert_eq!(known(Dialect::Vllm), ["structured_outputs", "response_format"]);
    assert_eq!(known(Dialect::SgLang), ["regex", "response_format"]);
    assert_eq!(known(Dialect::LlamaCppPython), ["grammar"]);
    assert_eq!(known(Dialect::OpenAi), ["response_format"]);
    assert_eq!(known(Dialect::Ollama), ["response_format"]);
    assert_eq!(known(Dialect::Generic), [] as [&str; 0]);
}

#[test]
fn under_a_constraint_vllm_tells_renormalised_numbers_and_llama_server_raw_ones() {
    let total = |dialect, more| {
        let mut body = question(json!({"logprobs": true, "top_logprobs": 20}));
        let (name, value): (&str, Value) = more;
        body[name] = value;
        let answer = post(&Server::of(dialect), CHAT, body).json();
        let entry = answer["choices"][0]["logprobs"]["content"][0].clone();
        let top = entry["top_logprobs"].as_array().unwrap().clone();
        let of = |label: &str| top.iter().find(|t| t["token"] == label).map_or(0.0, |t| t["logprob"].as_f64().unwrap().exp());
        of("Q") + of("M")
    };
    assert!((total(Dialect::Vllm, ("structured_outputs", json!({"choice": ["Q", "M"]}))) - 1.0).abs() < 1e-9);
    assert!(total(Dialect::LlamaServer, ("grammar", json!("root ::= \"Q\" | \"M\""))) < 0.9);
}

#[test]
fn caps_and_refusals_are_those_of_the_dialect() {
    let status = |dialect, more| post(&Server::of(dialect), CHAT, question(more)).status;
    for dialect in [Dialect::OpenAi, Dialect::Ollama, Dialect::Vllm] {
        assert_eq!(status(dialect, json!({"logprobs": true, "top_logprobs": 21})), 400);
    }
    assert_eq!(status(Dialect::OpenAi, json!({"zzz": 1})), 400);
    assert_eq!(status(Dialect::Transformers, json!({"zzz": 1})), 422);
    assert_eq!(status(Dialect::Ollama, json!({"zzz": 1})), 200);
    assert_eq!(status(Dialect::Vllm, json!({"model": "zzz"})), 404);
    assert_eq!(status(Dialect::LlamaServer, json!({"model": "zzz"})), 200);
    assert_eq!(status(Dialect::LlamaServer, json!({"max_tokens": -5})), 400);
    assert_eq!(status(Dialect::LlamaCppPython, json!({"max_tokens": "lots"})), 500);
    assert_eq!(status(Dialect::LlamaServer, json!({"messages": []})), 200);
    assert_eq!(status(Dialect::Vllm, json!({"messages": []})), 400);
    assert_eq!(status(Dialect::OpenAi, json!({"grammar": "root ::= \"Q\""})), 400);
    let long = json!({"messages": [{"role": "user", "content": "x ".repeat(9000)}]});
    let over = post(&Server::of(Dialect::LlamaServer), CHAT, question(long.clone()));
    assert_eq!((over.status, &over.json()["error"]["type"]), (400, &json!("exceed_context_size_error")));
    assert_eq!(status(Dialect::Ollama, long), 200);
    let shut = Server::start(Config { key: Some("planted-key".into()), ..Config::of(Dialect::LlamaServer) });
    assert_eq!(post(&shut, CHAT, question(json!({}))).json()["error"]["type"], "authentication_error");
    let mut wire = Wire::to(&shut);
    wire.send("POST", CHAT, "Authorization: Bearer planted-key\r\n", question(json!({})).to_string().as_bytes());
    assert_eq!(wire.get().unwrap().status, 200);
    assert_eq!(shut.requests()[1].header("authorization"), Some("Bearer planted-key"));
}

#[test]
fn the_old_completions_have_the_old_shape_except_on_llama_server() {
    let ask = |dialect, more: Value| {
        let mut body = json!({"model": "tiny", "prompt": "Pick", "max_tokens": 2, "logprobs": 3, "seed": 1});
        more.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        post(&Server::of(dialect), "/v1/completions", body)
    };
    let legacy = ask(Dialect::Vllm, json!({})).json()["choices"][0]["logprobs"].clone();
    assert_eq!(legacy["tokens"].as_array().unwrap().len(), legacy["token_logprobs"].as_array().unwrap().len());
    assert!(legacy["top_logprobs"][0].as_object().unwrap().len() >= 3);
    assert!(ask(Dialect::LlamaServer, json!({})).json()["choices"][0]["logprobs"]["content"][0]["id"].is_u64());
    let echoed = ask(Dialect::Vllm, json!({"echo": true, "max_tokens": 0})).json()["choices"][0].clone();
    assert_eq!((&echoed["text"], &echoed["logprobs"]["token_logprobs"][0]), (&json!("Pick"), &Value::Null));
    assert_eq!(ask(Dialect::LlamaServer, json!({"prompt": ["a", "b"]})).json()["choices"].as_array().unwrap().len(), 2);
    assert_eq!(ask(Dialect::LlamaCppPython, json!({"prompt": ["a", "b"]})).status, 500);
    assert_eq!(ask(Dialect::OpenAi, json!({})).status, 404);
}

#[test]
fn the_probes_find_what_each_dialect_has() {
    let found = |dialect| {
        let server = Server::of(dialect);
        ["/props", "/version", "/health", "/metrics", "/api/version"].map(|path| get(&server, path).status)
    };
    assert_eq!(found(Dialect::LlamaServer), [200, 404, 200, 200, 404]);
    assert_eq!(found(Dialect::Vllm), [404, 200, 200, 200, 404]);
    assert_eq!(found(Dialect::LlamaCppPython), [404, 404, 404, 404, 404]);
    assert_eq!(found(Dialect::Ollama), [404, 404, 404, 404, 200]);
    assert_eq!(found(Dialect::LmStudio), [200; 5], "with an error inside");
    let llama = Server::of(Dialect::LlamaServer);
    let tokens = post(&llama, "/tokenize", json!({"content": "Alice Q"})).json()["tokens"].clone();
    assert_eq!(tokens.as_array().unwrap().len(), 3);
    let answer = post(&llama, CHAT, question(json!({}))).json();
    assert_eq!(get(&llama, "/props").json()["build_info"], answer["system_fingerprint"]);
    llama.set_fingerprint(Some("b2"));
    llama.set_model("other");
    let answer = post(&llama, CHAT, question(json!({}))).json();
    assert_eq!((&answer["system_fingerprint"], &answer["model"]), (&json!("b2"), &json!("other")));
    assert!(post(&Server::of(Dialect::OpenRouter), CHAT, question(json!({}))).json()["usage"]["cost"].is_f64());
    assert!(post(&Server::of(Dialect::Generic), CHAT, question(json!({}))).json()["usage"].is_null());
    let null = post(&Server::of(Dialect::LmStudio), CHAT, question(json!({"logprobs": true}))).json();
    assert_eq!(null["choices"][0].get("logprobs"), Some(&Value::Null));
}

#[test]
fn anthropic_speaks_its_own_language() {
    let server = Server::of(Dialect::Anthropic);
    let answer = post(&server, "/v1/messages", question(json!({})));
    assert_eq!(answer.json()["content"][0]["type"], "text");
    assert_eq!(answer.json()["stop_reason"], "max_tokens");
    assert!(answer.header("anthropic-ratelimit-requests-remaining").is_some());
    let mut wire = Wire::to(&server);
    wire.send("POST", "/v1/messages", "", question(json!({})).to_string().as_bytes());
    assert_eq!(wire.get().unwrap().json()["error"]["type"], "invalid_request_error", "it wants its version");
    assert_eq!(post(&server, "/v1/messages", question(json!({"logprobs": true}))).status, 400);
    server.push_fault(Trouble::status(529).always());
    assert_eq!(post(&server, "/v1/messages", question(json!({}))).json()["error"]["type"], "overloaded_error");
}

#[test]
fn a_test_can_answer_in_place_of_the_model() {
    let server = Server::start(Config::of(Dialect::Vllm).answering(|body| match body["seed"].as_u64() {
        Some(1) => Reply::text("Alice"),
        Some(2) => Reply::Json(418, json!({"error": "teapot"})),
        _ => Reply::odds(&[("Q", 0.75), ("M", 0.25)]),
    }));
    let ask = |more| post(&server, CHAT, question(more));
    assert_eq!(text(&ask(json!({"seed": 1, "max_tokens": 9})).json()), "Alice");
    assert_eq!(text(&ask(json!({"seed": 1, "max_tokens": 1})).json()), "Ali");
    assert_eq!(ask(json!({"seed": 2})).status, 418);
    let answer = ask(json!({"logprobs": true, "top_logprobs": 2, "seed": 5})).json();
    let top = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"].as_array().unwrap().clone();
    let q = top.iter().find(|t| t["token"] == "Q").unwrap()["logprob"].as_f64().unwrap();
    assert!((q - 0.75f64.ln()).abs() < 1e-12);
    let q = (0..400).filter(|seed| text(&ask(json!({"seed": 100 + seed})).json()) == "Q").count();
    assert!((260..340).contains(&q), "{q} of 400, where 300 are expected");
}

#[test]
fn faults_that_refuse() {
    let ask = |trouble: Trouble| {
        post(&Server::start(Config { faults: vec![trouble.always()], ..Config::default() }), CHAT, question(json!({})))
    };
    assert_eq!(ask(Trouble::too_many(RetryAfter::Seconds(2))).header("retry-after"), Some("2"));
    assert_eq!(ask(Trouble::too_many(RetryAfter::Millis(20))).header("retry-after-ms"), Some("20"));
    let reset = ask(Trouble::too_many(RetryAfter::Reset("6m0s".into(), "20ms".into())));
    assert_eq!((reset.status, reset.header("x-ratelimit-reset-requests")), (429, Some("6m0s")));
    assert_eq!(ask(Trouble::shaped(401, Shape::Text)).json()["error"], "Invalid API Key");
    assert_eq!(ask(Trouble::shaped(422, Shape::Details)).json()["detail"][0]["loc"], json!(["body"]));
    assert_eq!(ask(Trouble::shaped(503, Shape::Nothing)).body, b"");
    assert_eq!(ask(Trouble::shaped(502, Shape::Html)).header("content-type"), Some("text/html"));
    assert_eq!(ask(Trouble::Redirect(307, "http://192.0.2.1/v1".into())).header("location"), Some("http://192.0.2.1/v1"));
    assert_eq!(ask(Trouble::Html).header("content-type"), Some("text/html"));
    let inside = ask(Trouble::ErrorInside(429));
    assert_eq!((inside.status, inside.json()["error"].is_object()), (200, true));
}

#[test]
fn faults_in_the_answer() {
    let server = Server::of(Dialect::LlamaServer);
    let ask = |trouble: Trouble| {
        server.set_faults(vec![trouble.always()]);
        post(&server, CHAT, question(json!({"logprobs": true, "top_logprobs": 3})))
    };
    assert_eq!(ask(Trouble::WrongModel("b".into())).json()["model"], "b");
    assert_eq!(ask(Trouble::Fingerprint("b2".into())).json()["system_fingerprint"], "b2");
    assert!(ask(Trouble::NoChoices).json().get("choices").is_none());
    assert_eq!(ask(Trouble::EmptyChoices).json()["choices"], json!([]));
    assert!(ask(Trouble::NullContent).json()["choices"][0]["message"]["content"].is_null());
    assert_eq!(ask(Trouble::CutShort).json()["choices"][0]["finish_reason"], "length");
    assert_eq!(text(&ask(Trouble::Text("\u{1b}[2J\u{7}".into())).json()), "\u{1b}[2J\u{7}");
    assert_eq!(ask(Trouble::Huge(10_000_000)).json()["choices"][0]["message"]["content"].as_str().unwrap().len(), 10_000_000);
    assert!(ask(Trouble::Deep(100_000)).body.len() > 200_000);
    for trouble in [Trouble::Malformed, Trouble::Truncated, Trouble::Empty, Trouble::Number("NaN"), Trouble::Number("1e999")] {
        assert!(serde_json::from_slice::<Value>(&ask(trouble.clone()).body).is_err(), "{trouble:?}");
    }
    assert!(ask(Trouble::Number("null")).json()["choices"][0]["logprobs"]["content"][0]["logprob"].is_null());
    assert!(String::from_utf8(ask(Trouble::BadUtf8).body).is_err());
    let whole = ask(Trouble::Chunked);
    assert!(whole.header("transfer-encoding").is_some() && whole.json()["choices"].is_array());
    assert!(ask(Trouble::Padded).body.starts_with(b"\n") && ask(Trouble::Padded).json()["choices"].is_array());
    assert_eq!(ask(Trouble::FalseGzip).header("content-encoding"), Some("gzip"));
    let stream = |events| String::from_utf8(ask(Trouble::Events(events)).body).unwrap();
    assert!(stream(Events::Proper).ends_with("data: [DONE]\n\n"));
    assert!(!stream(Events::Malformed).contains("[DONE]"));
    assert!(stream(Events::Error(429)).contains("\"code\":429"));
}

#[test]
fn faults_on_the_wire() {
    let server = Server::of(Dialect::Generic);
    let ask = |trouble: Trouble| {
        server.set_faults(vec![trouble.always()]);
        Wire::to(&server).post(CHAT, &question(json!({}))).map(|got| got.status).map_err(|error| error.kind())
    };
    for trouble in [Trouble::CloseBefore, Trouble::CloseInHead, Trouble::CloseInBody, Trouble::UnendedChunks] {
        assert_eq!(ask(trouble), Err(ErrorKind::UnexpectedEof));
    }
    assert_eq!(ask(Trouble::Reset), Err(ErrorKind::ConnectionReset));
    assert_eq!(ask(Trouble::BadChunks), Err(ErrorKind::InvalidData));
    assert_eq!(ask(Trouble::Drip(20, Duration::from_millis(1))), Ok(200));
    assert_eq!(server.calls(), 1, "only the last was an answer");
    server.set_faults(vec![Trouble::CloseAfter.always()]);
    let mut wire = Wire::to(&server);
    assert_eq!(wire.post(CHAT, &question(json!({}))).unwrap().header("connection"), None);
    assert!(wire.byte().is_err(), "closed all the same");
    let began = Instant::now();
    assert_eq!(ask(Trouble::Late(Duration::from_millis(60))), Ok(200));
    assert!(began.elapsed() >= Duration::from_millis(60));
    for trouble in [Trouble::StallBefore, Trouble::StallInside] {
        server.set_faults(vec![trouble.always()]);
        let mut wire = Wire::to(&server);
        wire.0.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert_eq!(wire.post(CHAT, &question(json!({}))).unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(wire);
        let until = Instant::now() + Duration::from_secs(2);
        while server.open() > 0 {
            assert!(Instant::now() < until, "it notices that the client gave up");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn faults_strike_when_they_are_told_to() {
    let struck = |fault| {
        let server = Server::start(Config { faults: vec![fault], ..Config::default() });
        let mut wire = Wire::to(&server);
        assert_eq!(get(&server, "/v1/models").status, 200, "probes are not counted");
        (0..6).map(|_| wire.post(CHAT, &question(json!({}))).unwrap().status == 503).collect::<Vec<_>>()
    };
    let (y, n) = (true, false);
    assert_eq!(struck(Trouble::status(503).nth(2)), [n, y, n, n, n, n]);
    assert_eq!(struck(Trouble::status(503).first(2)), [y, y, n, n, n, n]);
    assert_eq!(struck(Trouble::status(503).every(3)), [n, n, y, n, n, y]);
    assert_eq!(struck(Trouble::status(503).chance(0.5, 7)), struck(Trouble::status(503).chance(0.5, 7)));
    assert_eq!(struck(Trouble::status(503).during(Duration::ZERO, Duration::from_secs(60))), [y; 6]);
    let server = Server::of(Dialect::Generic);
    server.push_fault(Trouble::status(500).first(1).on("/models"));
    assert_eq!([get(&server, "/v1/models").status, get(&server, "/v1/models").status], [500, 200]);
}

/// Sends one question each from so many clients at once, and tells the statuses.
fn crowd(server: &Server, clients: usize) -> Vec<u16> {
    thread::scope(|scope| {
        let one = || post(server, CHAT, question(json!({}))).status;
        let all: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn no_more_are_served_at_a_time_than_there_are_places() {
    let latency = Duration::from_millis(50);
    let free = Server::start(Config { latency, ..Config::default() });
    assert_eq!(crowd(&free, 50), [200; 50]);
    assert!(free.most_in_flight() > 25, "{}", free.most_in_flight());
    let few = Server::start(Config { latency, parallel: Some(4), ..Config::default() });
    let began = Instant::now();
    assert_eq!(crowd(&few, 12), [200; 12]);
    assert!(began.elapsed() >= 3 * latency);
    assert_eq!((few.most_in_flight(), few.calls()), (4, 12));
    assert!(few.most_open() > 4);
    let full = Server::start(Config { latency, parallel: Some(1), queue: Some(2), ..Config::of(Dialect::Ollama) });
    let statuses = crowd(&full, 10);
    assert!(statuses.contains(&503) && statuses.iter().filter(|status| **status == 200).count() >= 3, "{statuses:?}");
}

#[test]
fn a_rate_limit_refuses_what_is_too_many_and_says_for_how_long() {
    let rate = Some(Rate { requests: 3, window: Duration::from_millis(300) });
    let server = Server::start(Config { rate, ..Config::of(Dialect::OpenAi) });
    let asked: Vec<Got> = (0..4).map(|_| post(&server, CHAT, question(json!({})))).collect();
    assert_eq!(asked.iter().map(|got| got.status).collect::<Vec<_>>(), [200, 200, 200, 429]);
    assert_eq!(asked[0].header("x-ratelimit-remaining-requests"), Some("2"));
    let millis: u64 = asked[3].header("retry-after-ms").unwrap().parse().unwrap();
    thread::sleep(Duration::from_millis(millis));
    assert_eq!(post(&server, CHAT, question(json!({}))).status, 200);
}

#[test]
fn connections_are_kept_as_the_dialect_keeps_them() {
    let server = Server::of(Dialect::LlamaServer);
    let mut wire = Wire::to(&server);
    for nth in 1..=100 {
        let got = wire.post(CHAT, &question(json!({}))).unwrap();
        assert_eq!(got.header("connection"), (nth == 100).then_some("close"));
    }
    assert!(wire.byte().is_err());
    assert_eq!(server.connections(), 1);
    let mut wire = Wire::to(&server);
    assert_eq!(wire.post(CHAT, &json!({})).unwrap().header("connection"), Some("close"), "and after an error");
}

#[test]
fn lone_bytes_have_no_text_and_llama_server_tells_nothing_of_them() {
    let config = Config { loose_bytes: true, favour: vec![], ..Config::of(Dialect::LlamaServer) };
    let server = Server::start(config);
    let byte = server.vocabulary().cut(&[0xe2])[0];
    let answer =
        post(&server, CHAT, question(json!({"logprobs": true, "top_logprobs": 3, "logit_bias": {byte.to_string(): 100}}))).json();
    assert_eq!(text(&answer), "\u{fffd}");
    assert!(answer["choices"][0].get("logprobs").is_none());
}

#[test]
fn what_was_measured_on_llama_server_about_stops_and_counts_holds_here() {
    let server = Server::start(Config::of(Dialect::LlamaServer).answering(|_| Reply::text("Alice Q M")));
    let ask = |more| post(&server, CHAT, question(more)).json();
    let stopped = ask(json!({"stop": ["ice"], "max_tokens": 9, "logprobs": true, "top_logprobs": 1}));
    assert_eq!((text(&stopped), &stopped["choices"][0]["finish_reason"]), ("Al", &json!("stop")));
    assert!(stopped["choices"][0].get("logprobs").is_none(), "the stop word is two tokens, and so many are not told");
    let three = ask(json!({"n": 3, "max_tokens": 2}));
    assert_eq!((three["choices"].as_array().unwrap().len(), &three["usage"]["completion_tokens"]), (3, &json!(2)));
}

#[test]
fn a_stream_is_the_answer_in_pieces() {
    let server = Server::start(Config::of(Dialect::OpenAi).answering(|_| Reply::text("Alice")));
    let more = json!({"stream": true, "stream_options": {"include_usage": true}, "max_tokens": 9});
    let got = post(&server, CHAT, question(more));
    let body = String::from_utf8(got.body).unwrap();
    let events: Vec<Value> = body.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    let told: String = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(told, "Alice");
    assert_eq!(events.last().unwrap()["choices"], json!([]));
    assert!(body.ends_with("data: [DONE]\n\n"));
}

#[test]
fn a_server_stops_when_it_is_dropped() {
    let server = Server::start(Config { faults: vec![Trouble::StallBefore.nth(1)], ..Config::default() });
    let address = server.address();
    let mut idle = Wire::to(&server);
    assert_eq!(idle.post("/v1/models", &json!({})).unwrap().status, 404);
    let mut stalled = Wire::to(&server);
    stalled.send("POST", CHAT, "", question(json!({})).to_string().as_bytes());
    assert!(server.wait_for(2, Duration::from_secs(5)));
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(idle.byte().is_err() && stalled.byte().is_err());
    assert!(TcpStream::connect(address).is_err());
}
