//! What the Python package `cratylus` is made of: verbs called with a command line's words, tables as Arrow, and Python's
//! agents and games as the core's. What is pleasant to use is written in Python, in `python/cratylus/`.

mod brought;
mod table;

use cratylus_io::conduct::progress::Progress;
use cratylus_program::{Caller, Failure, called};
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

create_exception!(cratylus, CratylusError, PyException, "A run failed. `args[0]` is what the program says.");
create_exception!(
    cratylus,
    InputError,
    CratylusError,
    "Something that can be mended: a mistake in an experiment, a file that is not there."
);

/// What is seen of a verb that takes long.
#[derive(Default)]
struct Seen {
    runs: AtomicU64,
    total: AtomicU64,
    interactions: AtomicU64,
    calls: AtomicU64,
}

impl Seen {
    fn take(&self, progress: &Progress) {
        let pairs = [
            (&self.runs, &progress.runs),
            (&self.total, &progress.total),
            (&self.interactions, &progress.interactions),
            (&self.calls, &progress.spent.calls),
        ];
        pairs.iter().for_each(|(to, from)| to.store(from.load(Ordering::Relaxed), Ordering::Relaxed));
    }

    fn told<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let told = PyDict::new(py);
        for (name, value) in
            [("runs", &self.runs), ("total", &self.total), ("interactions", &self.interactions), ("calls", &self.calls)]
        {
            told.set_item(name, value.load(Ordering::Relaxed))?;
        }
        Ok(told)
    }
}

fn raise(failure: Failure) -> PyErr {
    let message = failure.message.strip_prefix("error: ").unwrap_or(&failure.message).to_string();
    match failure.code {
        2 => InputError::new_err(message),
        _ => CratylusError::new_err(message),
    }
}

/// Calls a verb with its arguments as a command line has them, and gives what it prints. Other Python threads run meanwhile,
/// Ctrl-C stops it in good order, and `progress` is called a few times a second with a dict of counts.
#[pyfunction]
#[pyo3(signature = (arguments, progress = None))]
fn call(py: Python<'_>, arguments: Vec<String>, progress: Option<Py<PyAny>>) -> PyResult<String> {
    let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Seen::default()));
    let done: Arc<Mutex<Option<Result<String, Failure>>>> = Arc::default();
    let working = std::thread::spawn({
        let (stop, seen, done) = (stop.clone(), seen.clone(), done.clone());
        move || {
            let caller = Caller { stop, outside: brought::outside(), watch: Box::new(move |progress| seen.take(progress)) };
            let answer = called(&arguments, caller);
            *done.lock().expect("nobody panics with it") = Some(answer);
        }
    });
    let mut interrupted = None;
    while !working.is_finished() {
        py.detach(|| std::thread::sleep(Duration::from_millis(if interrupted.is_some() { 10 } else { 60 })));
        if interrupted.is_some() {
            continue;
        }
        // Ctrl-C, and whatever goes wrong in the caller's own function, stops the work first.
        let told = progress.as_ref().map_or(Ok(()), |progress| progress.call1(py, (seen.told(py)?,)).map(drop));
        let told = told.and_then(|()| brought::failed().map_or(Ok(()), |why| Err(CratylusError::new_err(why))));
        if let Err(error) = py.check_signals().and(told) {
            stop.store(true, Ordering::Relaxed);
            interrupted = Some(error);
        }
    }
    let ended = py.detach(|| working.join());
    if let Some(why) = brought::failed().filter(|_| interrupted.is_none()) {
        return Err(CratylusError::new_err(why));
    }
    if let Some(error) = interrupted {
        return Err(error);
    }
    if let Some(progress) = &progress {
        progress.call1(py, (seen.told(py)?,))?;
    }
    let answer = done.lock().expect("nobody panics with it").take();
    match (ended, answer) {
        (Ok(()), Some(answer)) => answer.map_err(raise),
        _ => Err(CratylusError::new_err("the program failed in a way that it should not; the terminal says more")),
    }
}

/// JSON as TOML: an experiment that was a dict.
#[pyfunction]
fn to_toml(json: &str) -> PyResult<String> {
    let value: serde_json::Value = serde_json::from_str(json).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let value = toml::Value::try_from(&value)
        .map_err(|error| PyValueError::new_err(format!("an experiment cannot hold this: {error}")))?;
    toml::to_string(&value).map_err(|error| PyValueError::new_err(error.to_string()))
}

#[pymodule]
fn _cratylus(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("CratylusError", module.py().get_type::<CratylusError>())?;
    module.add("InputError", module.py().get_type::<InputError>())?;
    module.add_class::<table::Table>()?;
    module.add_class::<brought::Ask>()?;
    module.add_class::<brought::News>()?;
    module.add_function(wrap_pyfunction!(call, module)?)?;
    module.add_function(wrap_pyfunction!(to_toml, module)?)?;
    module.add_function(wrap_pyfunction!(table::read_table, module)?)?;
    module.add_function(wrap_pyfunction!(table::findings_table, module)?)?;
    module.add_function(wrap_pyfunction!(brought::bring_agents, module)?)?;
    module.add_function(wrap_pyfunction!(brought::bring_game, module)?)?;
    Ok(())
}
