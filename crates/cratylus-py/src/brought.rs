//! Agents and games written in Python, as the core's. Python is entered once a wave for agents, and once an outcome for games.

use cratylus_core::Name;
use cratylus_core::agent::{self, Answers, Cohort};
use cratylus_core::brought::{AgentsBegin, BroughtAgents, BroughtRules, Outside};
use cratylus_core::event::Said;
use cratylus_core::fault::Fault;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::sync::{Arc, Mutex};

/// A question put to one agent of a cohort.
#[pyclass(frozen, get_all, module = "cratylus")]
pub struct Ask {
    /// The agent's number in its cohort.
    agent: u32,
    /// The number of the interaction in its run.
    t: u64,
    /// A number from 0 to 1, all of the randomness that the answer may use.
    draw: f64,
}

#[pymethods]
impl Ask {
    fn __repr__(&self) -> String {
        format!("Ask(agent={}, t={}, draw={})", self.agent, self.t, self.draw)
    }
}

/// How an interaction ended, for one agent that took part.
#[pyclass(frozen, get_all, module = "cratylus")]
pub struct News {
    agent: u32,
    own: String,
    partner: Option<String>,
    /// None where nothing was at stake that succeeds or fails.
    success: Option<bool>,
    /// What the agent was paid, in games that pay each seat its own.
    pay: Option<f64>,
}

#[pymethods]
impl News {
    fn __repr__(&self) -> String {
        let News { agent, own, partner, success, pay } = self;
        let told = |value: Option<String>| value.unwrap_or_else(|| "None".into());
        let (success, pay) =
            (told(success.map(|yes| if yes { "True" } else { "False" }.into())), told(pay.map(|pay| pay.to_string())));
        let partner = told(partner.as_ref().map(|partner| format!("{partner:?}")));
        format!("News(agent={agent}, own={own:?}, partner={partner}, success={success}, pay={pay})")
    }
}

/// An exception of the user's own code, with where it came from.
fn told(py: Python<'_>, whose: &str, error: &PyErr) -> String {
    let trace = error.traceback(py).and_then(|trace| trace.format().ok()).unwrap_or_default();
    format!("{whose}: {error}\n{trace}").trim_end().to_string()
}

struct Kind {
    name: String,
    class: Py<PyAny>,
}

struct Members {
    whose: String,
    names: Vec<String>,
    /// None where it could not be made, and why.
    object: Result<Py<PyAny>, String>,
    /// What went wrong while it learned, told when it is asked next.
    failed: Option<String>,
}

/// JSON as Python has it.
fn python<'py>(py: Python<'py>, value: &serde_json::Value) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (value.to_string(),))
}

impl BroughtAgents for Kind {
    fn cohort(&self, begins: AgentsBegin) -> Box<dyn Cohort> {
        let whose = format!("the agents `{}` of Python", self.name);
        let object = Python::attach(|py| {
            let make = || -> PyResult<Py<PyAny>> {
                let with = PyDict::new(py);
                for (key, value) in begins.with.iter() {
                    with.set_item(key, python(py, value)?)?;
                }
                let word = |name: u16| begins.names.get(usize::from(name)).cloned().unwrap_or_default();
                let starts: Vec<Vec<(String, String)>> = begins
                    .starts
                    .iter()
                    .map(|start| start.iter().map(|[own, partner]| (word(*own), word(*partner))).collect())
                    .collect();
                with.set_item("n", starts.len())?;
                with.set_item("names", begins.names.clone())?;
                with.set_item("memory", begins.memory)?;
                with.set_item("starts", starts)?;
                Ok(self.class.call(py, (), Some(&with))?)
            };
            make().map_err(|error| told(py, &whose, &error))
        });
        Box::new(Members { whose, names: begins.names, object, failed: None })
    }
}

impl Cohort for Members {
    fn decide(&mut self, asks: &[agent::Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        if let Some(failed) = self.failed.take() {
            return Err(Fault(failed));
        }
        let object = self.object.as_ref().map_err(|why| Fault(why.clone()))?;
        let (whose, names) = (&self.whose, &self.names);
        Python::attach(|py| {
            let ask = |ask: &agent::Ask<'_>| {
                Py::new(py, Ask { agent: ask.agent, t: ask.t(), draw: f64::from(ask.draw()) / 4_294_967_296.0 })
            };
            let decide = || -> PyResult<Bound<'_, PyAny>> {
                let asks = asks.iter().map(ask).collect::<PyResult<Vec<_>>>()?;
                Ok(object.bind(py).call_method1("decide", (PyList::new(py, asks)?,))?)
            };
            let said = decide().map_err(|error| Fault(told(py, whose, &error)))?;
            let said: Vec<Option<String>> = said.extract().map_err(|_| {
                Fault(format!("{whose}: `decide` returns a list with a name of the pool (or None for no answer) for each ask"))
            })?;
            if said.len() != asks.len() {
                return Err(Fault(format!(
                    "{whose}: `decide` was asked {} questions and gave {} answers",
                    asks.len(),
                    said.len()
                )));
            }
            for (answer, said) in answers.said.iter_mut().zip(said) {
                *answer = match said {
                    None => Said::Unusable,
                    Some(word) => match names.iter().position(|name| *name == word) {
                        Some(place) => Said::Name(place as Name),
                        None => {
                            return Err(Fault(format!(
                                "{whose}: `decide` said `{word}`, which is not in the pool {}",
                                names.join(", ")
                            )));
                        }
                    },
                };
            }
            Ok(())
        })
    }

    fn learn(&mut self, news: &[agent::News<'_>]) {
        let Ok(object) = &self.object else { return };
        if news.is_empty() || self.failed.is_some() {
            return;
        }
        let word = |name: Option<Name>| name.and_then(|name| self.names.get(name as usize).cloned());
        let failed = Python::attach(|py| {
            let one = |item: &agent::News<'_>| {
                let (seat, event) = (usize::from(item.seat), item.event());
                let own = word(event.name(seat)).unwrap_or_default();
                let partner = word(event.name(1 - seat.min(1)));
                let (success, pay) = (event.success(), event.pay.get(seat).copied());
                Py::new(py, News { agent: item.agent, own, partner, success, pay })
            };
            let learn = || -> PyResult<()> {
                let news = news.iter().map(one).collect::<PyResult<Vec<_>>>()?;
                object.bind(py).call_method1("learn", (PyList::new(py, news)?,)).map(drop)
            };
            learn().err().map(|error| told(py, &self.whose, &error))
        });
        self.failed = failed;
    }
}

/// What was brought along so far, for the verbs that are called.
static OUTSIDE: Mutex<Option<Outside>> = Mutex::new(None);

fn with<T>(done: impl FnOnce(&mut Outside) -> T) -> T {
    done(OUTSIDE.lock().expect("nobody panics with it").get_or_insert_with(Outside::default))
}

/// All that was brought along.
pub fn outside() -> Outside {
    with(|outside| outside.clone())
}

/// Brings a class along as agents of kind `outside` with this name; those that had it are forgotten.
#[pyfunction]
pub fn bring_agents(name: String, class: Py<PyAny>) {
    with(|outside| outside.agents.insert(name.clone(), Arc::new(Kind { name, class })));
}

struct Played {
    names: Vec<String>,
    object: Py<PyAny>,
}

/// What went wrong in a game: it has no other way to say so. Whoever called the verb stops it.
static FAILED: Mutex<Option<String>> = Mutex::new(None);

pub fn failed() -> Option<String> {
    FAILED.lock().expect("nobody panics with it").take()
}

impl BroughtRules for Played {
    fn success(&self, choices: [Name; 2]) -> Option<bool> {
        Python::attach(|py| {
            let words = choices.map(|name| self.names.get(name as usize).cloned().unwrap_or_default());
            let said = self.object.bind(py).call_method1("success", (words[0].clone(), words[1].clone()));
            match said.and_then(|said| said.extract::<Option<bool>>()) {
                Ok(success) => success,
                Err(error) => {
                    let why = told(py, "the game of Python", &error);
                    FAILED.lock().expect("nobody panics with it").get_or_insert(why);
                    None
                }
            }
        })
    }
}

/// Brings an object with a method `success` along as the game `outside` of this name.
#[pyfunction]
pub fn bring_game(name: String, names: Vec<String>, object: Py<PyAny>) {
    with(|outside| outside.games.insert(name, Arc::new(Played { names, object })));
}
