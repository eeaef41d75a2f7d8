//! `cratylus view`: a folder of run directories, finished or running, as web pages on this machine.
//!
//! This file is the door: who may ask, for what, and how answers leave. What they say is in the files beside it. Everything
//! in a run directory may have been written by somebody else, so nothing of it becomes markup, a path or a header.

mod asked;
mod calls;
mod episodes;
mod pieces;
mod population;
mod run;
mod shelf;
mod stamps;
mod tables;
mod training;

use crate::caller::print;
use crate::failure::Failure;
use asked::{Query, Reply, Wrong};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use clap::Args;
use serde_json::json;
use shelf::Shelf;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

/// Look at run directories in a browser, finished ones and those that are running.
///
/// Serves this machine alone, and only reads. `--host` serves others, who then need the token in the address.
#[derive(Args)]
#[command(after_help = "Examples:\n  cratylus view\n  cratylus view runs/consensus --open\n  cratylus view results --port 8080")]
pub struct View {
    /// A folder of run directories and models that are trained here, or one of them.
    #[arg(value_name = "DIR", default_value = "runs")]
    dir: PathBuf,
    /// The port [default: a free one]
    #[arg(long, default_value = "0", hide_default_value = true)]
    port: u16,
    /// Serve this interface in place of this machine alone; whoever asks then needs the token in the printed address.
    #[arg(long, value_name = "ADDRESS")]
    host: Option<IpAddr>,
    /// Open it in the browser.
    #[arg(long)]
    open: bool,
}

/// Who is served, and what.
struct Door {
    /// What a request may call this server; any, where there is a token.
    hosts: Vec<String>,
    token: Option<String>,
    /// The name of the cookie that keeps the token: browsers tell hosts apart by it, and not ports.
    cookie: String,
    shelf: Shelf,
}

const PAGE: &str = include_str!("../../assets/view.html");
const SCRIPT: &str = include_str!("../../assets/view.js");
const STYLE: &str = include_str!("../../assets/view.css");

/// Nothing but what comes from here, and nothing that could run beside it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl View {
    pub fn go(self) -> Result<(), Failure> {
        let shelf = Shelf::new(&self.dir)?;
        let address = SocketAddr::new(self.host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), self.port);
        let token = self.host.map(|_| token()).transpose()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(8)
            .enable_io()
            .build()
            .map_err(|error| Failure::run(format!("starting the server: {error}")))?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| {
                Failure::run(format!("listening on {address}: {error}"))
                    .help("`--port` names another port; without it a free one is taken")
            })?;
            let address = listener.local_addr().map_err(|error| Failure::run(format!("listening: {error}")))?;
            let port = address.port();
            // Browsers leave out the port that is usual.
            let named = |host: &str| if port == 80 { host.to_string() } else { format!("{host}:{port}") };
            let hosts = ["127.0.0.1", "localhost", "[::1]"].map(named).to_vec();
            let shown = match &token {
                Some(token) => format!("http://{address}/?token={token}"),
                None => format!("http://{address}/"),
            };
            print(format!("{shown}\n{} run directories in {}; Ctrl-C ends it", shelf.len(), self.dir.display()))?;
            if address.ip().is_unspecified() {
                eprintln!("note: others put this machine's name or address in place of {}", address.ip());
            }
            if self.open {
                open(&shown);
            }
            let door = Arc::new(Door { hosts, token, cookie: format!("cratylus_token_{port}"), shelf });
            let app = Router::new().fallback(answer).with_state(door);
            axum::serve(listener, app).await.map_err(|error| Failure::run(format!("serving: {error}")))
        })
    }
}

/// 128 bits that nobody guesses, in hex.
fn token() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Failure::run(format!("drawing a token: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Opens an address in the browser that the system names, if it does.
fn open(address: &str) {
    let (program, before): (&str, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("cmd", &["/C", "start", ""]),
        _ => ("xdg-open", &[]),
    };
    if let Err(error) = std::process::Command::new(program).args(before).arg(address).spawn() {
        eprintln!("note: no browser could be opened ({program}: {error}); open the address above");
    }
}

async fn answer(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let query = Query::of(parts.uri.query().unwrap_or(""));
    if let Err(wrong) = door.lets_in(&parts.method, &parts.headers, &query) {
        return refuse(&wrong);
    }
    let path = parts.uri.path().to_string();
    let fixed = match path.as_str() {
        "/" => Some((PAGE, "text/html; charset=utf-8")),
        "/app.js" => Some((SCRIPT, "text/javascript; charset=utf-8")),
        "/app.css" => Some((STYLE, "text/css; charset=utf-8")),
        _ => None,
    };
    if let Some((body, kind)) = fixed {
        let mut response = respond(StatusCode::OK, kind, Body::from(body));
        if let (Some(token), true) = (&door.token, path == "/") {
            let cookie = format!("{}={token}; HttpOnly; SameSite=Strict; Path=/", door.cookie);
            response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).expect("hex is a header's text"));
        }
        return response;
    }
    // Reading takes time, which the thread that talks to browsers does not have.
    let told = tokio::task::spawn_blocking(move || door.tell(&path, &query)).await;
    match told {
        Ok(Ok(Reply::Json(value))) => {
            // A page that asks again and again says what it has, and is told in no words that it is so still.
            let text = value.to_string();
            let tag = HeaderValue::from_str(&format!("\"{:016x}\"", hash(text.as_bytes()))).expect("hex is a header's text");
            let known = parts.headers.get(header::IF_NONE_MATCH) == Some(&tag);
            let status = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
            let mut response = respond(status, "application/json", if known { Body::empty() } else { Body::from(text) });
            response.headers_mut().insert(header::ETAG, tag);
            response
        }
        Ok(Ok(Reply::Bytes(bytes))) => respond(StatusCode::OK, "application/octet-stream", Body::from(bytes)),
        Ok(Ok(Reply::File { name, kind, pieces })) => {
            let mut response = respond(StatusCode::OK, kind, Body::from_stream(pieces));
            let name: String =
                name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
            let as_file = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).expect("plain letters");
            response.headers_mut().insert(header::CONTENT_DISPOSITION, as_file);
            response
        }
        Ok(Err(wrong)) => refuse(&wrong),
        // A damaged directory must not end the server.
        Err(_) => refuse(&Wrong(StatusCode::INTERNAL_SERVER_ERROR, "this could not be read; the terminal says more".into())),
    }
}

/// A hash of what is sent.
fn hash(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fixed: [(HeaderName, &'static str); 7] = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refuse(Wrong(status, why): &Wrong) -> Response {
    respond(*status, "application/json", Body::from(json!({ "error": why }).to_string()))
}

impl Door {
    /// Refuses who is not meant. Another site's page may send requests here from the user's own browser, under its name
    /// for this address or with its own origin.
    fn lets_in(&self, method: &Method, headers: &HeaderMap, query: &Query) -> Result<(), Wrong> {
        let forbidden = |why: &str| Err(Wrong(StatusCode::FORBIDDEN, why.into()));
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Err(Wrong(StatusCode::METHOD_NOT_ALLOWED, "the viewer only reads".into()));
        }
        let of = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(host) = of(header::HOST) else { return forbidden("a request says which host it is for") };
        // A tunnel may have another port at its end; a name that means this machine is no other site on any.
        let name = |host: &str| match host.rsplit_once(':') {
            Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) && !name.is_empty() => name.to_ascii_lowercase(),
            _ => host.to_ascii_lowercase(),
        };
        if self.token.is_none() && !self.hosts.iter().any(|known| name(known) == name(host)) {
            return forbidden("this server answers under its own address alone");
        }
        if headers.contains_key(header::ORIGIN) && of(header::ORIGIN) != Some(&format!("http://{host}")) {
            return forbidden("this server answers its own pages alone");
        }
        if of(HeaderName::from_static("sec-fetch-site")) == Some("cross-site")
            && of(HeaderName::from_static("sec-fetch-mode")) != Some("navigate")
        {
            return forbidden("this server answers its own pages alone");
        }
        let Some(token) = &self.token else { return Ok(()) };
        let cookies =
            headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(';'));
        let kept = cookies.filter_map(|cookie| cookie.trim().strip_prefix(&self.cookie)?.strip_prefix('='));
        match kept.chain([query.text("token")]).any(|given| same(given, token)) {
            true => Ok(()),
            false => Err(Wrong(
                StatusCode::UNAUTHORIZED,
                "the address that `cratylus view` printed ends in a token, which is missing here".into(),
            )),
        }
    }

    fn tell(&self, path: &str, query: &Query) -> Result<Reply, Wrong> {
        if path == "/api/runs" {
            return Ok(Reply::Json(self.shelf.list()));
        }
        let Some(wanted) = path.strip_prefix("/api/") else { return Err(Wrong::missing("there is no such page")) };
        let known = ["run", "replicas", "series", "population", "frames", "agent", "calls", "call", "table", "training", "acts"];
        if !known.contains(&wanted) {
            return Err(Wrong::missing("there is no such page"));
        }
        if wanted == "training" {
            let dir = self.shelf.training(query.text("id"))?;
            return training::describe(query.text("id"), &dir).map(Reply::Json);
        }
        let dir = self.shelf.dir(query.text("id"))?;
        match wanted {
            "run" => self.shelf.run(query.text("id"), &dir).map(Reply::Json),
            "replicas" => run::replicas(&dir, query).map(Reply::Json),
            "series" => run::series(&dir, query).map(Reply::Json),
            "acts" => episodes::acts(&dir, query).map(Reply::Json),
            "population" => self.shelf.population(&dir, query)?.describe().map(Reply::Json),
            "frames" => self.shelf.population(&dir, query)?.frames(query).map(Reply::Bytes),
            "agent" => self.shelf.population(&dir, query)?.agent(query).map(Reply::Json),
            "calls" => self.shelf.calls(&dir, query).map(Reply::Json),
            "call" => calls::call(&dir, query).map(Reply::Json),
            _ => tables::download(&dir, query),
        }
    }
}

/// Whether two texts are the same, in a time that says nothing of where they differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_browsers_write_them() {
        let query = Query::of("id=a%2Fb%20c&find=x+y&n=3&bad=%zz&%C3%A9=%ff");
        assert_eq!(query.text("id"), "a/b c");
        assert_eq!(query.text("find"), "x y");
        assert_eq!(query.text("bad"), "%zz");
        assert_eq!(query.text("é"), "\u{fffd}");
        assert!(query.number("n", 1u64).is_ok_and(|n| n == 3) && query.number("none", 1u64).is_ok_and(|n| n == 1));
        assert!(query.number("id", 1u64).is_err());
    }

    #[test]
    fn tokens_are_compared_whole() {
        let [a, b] = [token().unwrap(), token().unwrap()];
        assert!(a.len() == 32 && a != b && same(&a, &a.clone()) && !same(&a, &b) && !same(&a, &a[..31]));
    }
}
