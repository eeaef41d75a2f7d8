"""Populations of communicating agents: run them, measure what emerges, audit whether it did.

>>> import cratylus
>>> run = cratylus.run({
...     "name": "first", "seed": 1, "replicas": 20,
...     "population": {"size": 24},
...     "game": {"kind": "coordination", "names": ["Q", "M"], "memory": 5},
...     "agents": {"kind": "emulated", "model": "llama-3-70b"},
...     "stop": {"consensus": {"window": 72}, "rounds": 200},
... }, out="runs/first")
>>> run.runs.to_pandas().rounds_to_consensus.mean()

An experiment is a dict (or the path of a file) as the file has it; see docs/experiments.md. The same experiment has the
same digest from here, from the command line and from Rust.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Optional, Union

from ._cratylus import Ask, CratylusError, InputError, News, Table, __version__
from ._cratylus import bring_agents, bring_game, call, findings_table, read_table, to_toml

__all__ = [
    "Ask", "CratylusError", "Experiment", "InputError", "News", "Run", "Table", "__version__",
    "audit", "check", "command", "fit", "open", "replay", "run",
]

Source = Union[Mapping, str, "os.PathLike[str]"]
Progress = Union[bool, Callable[[dict], Any]]


class Experiment(dict):
    """An experiment as a dict, with dotted keys: `experiment.set("population.size", 48)`, `experiment.sweep(...)`."""

    def set(self, key: str, value: Any) -> "Experiment":
        """Sets a dotted key, makes sections on the way, and gives the experiment."""
        at: Any = self
        *sections, last = key.split(".")
        for section in sections:
            at = at.setdefault(section, {})
        at[last] = value
        return self

    def sweep(self, **axes: Any) -> "Experiment":
        """Adds sweep axes; two underscores stand for a dot: `sweep(population__size=[24, 48])`."""
        sweep = self.setdefault("sweep", {})
        sweep.update({key.replace("__", "."): value for key, value in axes.items()})
        return self

    def to_toml(self) -> str:
        """The experiment as a file holds it."""
        return to_toml(json.dumps(_plain(dict(self))))

    @classmethod
    def read(cls, path: "str | os.PathLike[str]") -> "Experiment":
        """Reads an experiment file (Python 3.11 and newer)."""
        import tomllib

        with Path(path).open("rb") as file:
            return cls(tomllib.load(file))


def _brought(section: Any, what: str) -> Any:
    """A class (or, for a game, an object) as `kind` is brought along under its name and a hash of its source."""
    if not isinstance(section, Mapping):
        return section
    kind = section.get("kind")
    if kind is None or isinstance(kind, str):
        return section
    rest = {key: value for key, value in section.items() if key != "kind"}
    of = kind if inspect.isclass(kind) else type(kind)
    needed = ("success",) if what == "game" else ("decide", "learn")
    missing = [name for name in needed if not callable(getattr(of, name, None))]
    if missing:
        raise InputError(f"{what}: {of.__name__} has no method `{missing[0]}`")
    try:
        source = textwrap.dedent(inspect.getsource(of))
    except (OSError, TypeError):
        # Typed at a prompt: there is no source to tell versions apart.
        source = of.__qualname__
    version = hashlib.sha256(source.encode()).hexdigest()[:16]
    outside = {"kind": "outside", "name": of.__name__, "version": version}
    if what == "game":
        names = rest.pop("names", getattr(of, "names", None))
        if not names:
            raise InputError(f"game: {of.__name__} needs `names`, what can be chosen, in the class or beside it")
        memory = rest.pop("memory", getattr(of, "memory", 5))
        if rest:
            raise InputError(f"game: {', '.join(rest)}: a game written in Python takes `names` and `memory`")
        bring_game(of.__name__, list(names), kind() if inspect.isclass(kind) else kind)
        return {**outside, "names": list(names), "memory": memory}
    bring_agents(of.__name__, of)
    committed = rest.pop("committed", None)
    if rest:
        outside["with"] = rest
    if committed is not None:
        outside["committed"] = committed
    return outside


def _plain(experiment: Mapping) -> dict:
    """The experiment with nothing in it but plain values, and without what is None."""

    def strip(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): strip(part) for key, part in value.items() if part is not None}
        if isinstance(value, (list, tuple, range)):
            return [strip(part) for part in value]
        if hasattr(value, "tolist"):  # numpy's numbers and arrays
            return value.tolist()
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        return value

    out = dict(experiment)
    if "game" in out:
        out["game"] = _brought(out["game"], "game")
    agents = out.get("agents")
    if isinstance(agents, Mapping):
        mix = agents.get("mix")
        if mix:
            parts = []
            for part in mix:
                size = {key: part[key] for key in ("share", "count") if key in part}
                kind = {key: value for key, value in part.items() if key not in size}
                parts.append({**size, **_brought(kind, "agents")})
            out["agents"] = {**agents, "mix": parts}
        else:
            out["agents"] = _brought(agents, "agents")
    return strip(out)


class _File:
    """An experiment as a file, for as long as it takes: where paths in it are relative to the folder that Python is in."""

    def __init__(self, experiment: Source):
        self.experiment = experiment
        self.made: Optional[str] = None

    def __enter__(self) -> str:
        if not isinstance(self.experiment, Mapping):
            return os.fspath(self.experiment)
        text = to_toml(json.dumps(_plain(self.experiment)))
        for folder in (os.getcwd(), None):
            try:
                handle, self.made = tempfile.mkstemp(prefix=".cratylus-", suffix=".toml", dir=folder)
                break
            except OSError:
                if folder is None:
                    raise
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        return self.made

    def __exit__(self, *_: Any) -> None:
        if self.made:
            os.unlink(self.made)


class _Shown:
    """Progress as one line that is written over, in a terminal or a notebook."""

    def __init__(self) -> None:
        self.last = 0.0
        self.handle: Any = None
        self.width = 0
        try:
            from IPython import get_ipython

            self.notebook = get_ipython() is not None and "ZMQ" in type(get_ipython()).__name__
        except ImportError:
            self.notebook = False
        self.begun = time.monotonic()

    def __call__(self, seen: dict) -> None:
        now = time.monotonic()
        if now - self.last < 0.2 and seen["runs"] < seen["total"]:
            return
        self.last = now
        rate = seen["interactions"] / max(now - self.begun, 1e-3)
        line = f"{seen['runs']:,} of {seen['total']:,} runs, {rate:,.0f} interactions/s"
        if seen["calls"]:
            line += f", {seen['calls']:,} calls"
        if self.notebook:
            from IPython.display import display

            data = {"text/plain": line}
            if self.handle is None:
                self.handle = display(data, raw=True, display_id=True)
            else:
                self.handle.update(data, raw=True)
        elif sys.stderr.isatty():
            self.width = max(self.width, len(line))
            print(f"\r{line:<{self.width}}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.width:
            print("\r" + " " * self.width + "\r", end="", file=sys.stderr, flush=True)


def command(*arguments: str, progress: Progress = False) -> str:
    """Calls any verb with the words of a command line, and gives what it would print: `command("list", "games")`."""
    shown = _Shown() if progress is True else None
    try:
        return call([str(argument) for argument in arguments], shown or (progress if callable(progress) else None))
    finally:
        if shown:
            shown.close()


def _sets(settings: Optional[Mapping], overrides: Mapping) -> list:
    together = {**(settings or {}), **{key.replace("__", "."): value for key, value in overrides.items()}}
    words = []
    for key, value in together.items():
        text = to_toml(json.dumps({"value": value.tolist() if hasattr(value, "tolist") else value}))
        if "\n[" in "\n" + text.lstrip():
            # A table: as TOML has it in one line.
            text = "value = " + _inline(value)
        words += ["--set", f"{key}={text.split('=', 1)[1].strip()}"]
    return words


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(str(key))} = {_inline(part)}" for key, part in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_inline(part) for part in value) + "]"
    return to_toml(json.dumps({"value": value})).split("=", 1)[1].strip()


def run(
    experiment: Source,
    out: "str | os.PathLike[str] | None" = None,
    *,
    set: Optional[Mapping] = None,
    threads: Optional[int] = None,
    fresh: bool = False,
    store: "str | os.PathLike[str] | None" = None,
    progress: Progress = True,
    **overrides: Any,
) -> "Run":
    """Runs an experiment, all sweep points and all replicas, and gives its run directory.

    experiment: a dict, or the path of an experiment file or of a run directory to finish.
    out: where to write; `runs/<name>` where it is left out.
    set, overrides: keys to change, with dots in `set` and two underscores in keywords (`population__size=48`).
    fresh: start over; what the directory held is kept beside it.
    progress: True shows a line, a function gets a dict of counts a few times a second.

    An interrupted run (Ctrl-C too) goes on where it stopped when it is called again. Raises `InputError` for what can be
    mended in the experiment, and `CratylusError` for a run that failed, each with what the program says.
    """
    with _File(experiment) as file:
        words = ["run", file, "--json", "--quiet", *_sets(set, overrides)]
        if out is not None:
            words += ["--out", os.fspath(out)]
        if threads is not None:
            words += ["--threads", str(threads)]
        if fresh:
            words.append("--fresh")
        if store is not None:
            words += ["--store", os.fspath(store)]
        results = json.loads(command(*words, progress=progress))
    return Run(results["directory"], results)


def check(experiment: Source, *, set: Optional[Mapping] = None, **overrides: Any) -> dict:
    """Validates an experiment and says what it will run and cost, without running anything."""
    with _File(experiment) as file:
        return json.loads(command("check", file, "--json", *_sets(set, overrides)))


def open(path: "str | os.PathLike[str]") -> "Run":
    """Opens a finished run directory."""
    return Run(path)


def audit(run: "Run | str | os.PathLike[str]", *arguments: str, progress: Progress = False) -> dict:
    """Asks of a finished run whether it emerged or was recalled; further words are those of `cratylus audit --help`."""
    return json.loads(command("audit", os.fspath(run), "--json", *arguments, progress=progress))


def fit(*runs: "Run | str | os.PathLike[str]", out: "str | os.PathLike[str]", arguments: "tuple[str, ...]" = ()) -> dict:
    """Fits an emulated agent to the decisions in run directories, and writes its model file."""
    return json.loads(command("fit", *(os.fspath(run) for run in runs), "--out", os.fspath(out), "--json", *arguments))


def replay(run: "Run | str | os.PathLike[str]") -> dict:
    """Plays a finished directory's runs again and compares every event. Raises `CratylusError` where one differs."""
    return json.loads(command("replay", os.fspath(run), "--json"))


class Run:
    """A finished run directory. Tables are read when they are first asked for."""

    def __init__(self, path: "str | os.PathLike[str]", results: Optional[dict] = None):
        self.path = Path(path)
        self._tables: "dict[str, Table]" = {}
        self.results: dict = results if results is not None else json.loads(command("report", os.fspath(path), "--json"))

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    @property
    def name(self) -> str:
        return self.results["name"]

    @property
    def digest(self) -> str:
        """A hash over all runs: equal digests mean equal events."""
        return self.results["digest"]

    @property
    def points(self) -> list:
        """What is said of each condition: a dict with `label`, `keys`, `consensus`, `rounds`, `winners` and more."""
        return self.results["points"]

    def _table(self, name: str) -> Table:
        if name not in self._tables:
            path = self.path / f"{name}.parquet"
            if not path.exists():
                why = {
                    "interactions": "interactions were not recorded (`record = {\"interactions\": False}`)",
                    "calls": "no live model was asked", "prompts": "no live model was asked",
                }
                raise FileNotFoundError(f"{self.path} has no table `{name}`: {why.get(name, 'it is not there')}")
            self._tables[name] = read_table(os.fspath(path))
        return self._tables[name]

    @property
    def runs(self) -> Table:
        """One row for each run."""
        return self._table("runs")

    @property
    def interactions(self) -> Table:
        """One row for each interaction."""
        return self._table("interactions")

    @property
    def measures(self) -> Table:
        """One row for each reading: `run`, `t`, `measure`, `value`."""
        return self._table("measures")

    @property
    def calls(self) -> Table:
        """One row for each call of a live model."""
        return self._table("calls")

    @property
    def prompts(self) -> Table:
        """The texts of these calls, each once."""
        return self._table("prompts")

    @property
    def findings(self) -> Table:
        """What `audit` found: a row for each finding."""
        path = self.path / "findings.json"
        if not path.exists():
            raise FileNotFoundError(f"{self.path} was not audited; `cratylus.audit(run)` does it")
        return findings_table(path.read_text(encoding="utf-8"))

    def __repr__(self) -> str:
        runs = sum(point["runs"] for point in self.points)
        return f"<cratylus.Run {self.name!r}: {runs:,} runs of {len(self.points)} conditions in {self.path}>"

    def _repr_html_(self) -> str:
        from html import escape

        def share(part: Any) -> str:
            return f"{100 * part['share']:.0f} %" if part else "–"

        def row(point: dict) -> str:
            median = f"{point['rounds']['median']:.1f}" if point.get("rounds") else "–"
            won = ", ".join(f"{winner['name']} {winner['count']}" for winner in point.get("winners", [])[:3])
            cells = (str(point["label"]), f"{point['runs']:,}", share(point.get("consensus")), median, won)
            return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"

        rows = "".join(row(point) for point in self.points)
        head = "".join(f"<th>{word}</th>" for word in ("", "runs", "consensus", "rounds, median", "winners"))
        return f"<table><caption>{escape(self.name)}</caption><tr>{head}</tr>{rows}</table>"


def _to_pandas(self: Table) -> Any:
    """As a `pandas.DataFrame` (through pyarrow, which pandas needs for it)."""
    import pyarrow

    return pyarrow.table(self).to_pandas()


def _to_polars(self: Table) -> Any:
    """As a `polars.DataFrame`, without copying."""
    import polars

    return polars.DataFrame(self)


def _to_pyarrow(self: Table) -> Any:
    """As a `pyarrow.Table`, without copying."""
    import pyarrow

    return pyarrow.table(self)


Table.to_pandas = _to_pandas
Table.to_polars = _to_polars
Table.to_pyarrow = _to_pyarrow
