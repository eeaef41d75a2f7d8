"""The package as its users have it. Tools that are not installed (pandas, polars, duckdb, nbclient) are left out, and said so."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import cratylus

HERE = Path(__file__).resolve().parent
PROGRAM = shutil.which(os.path.abspath(os.environ["CRATYLUS_PROGRAM"]) if os.environ.get("CRATYLUS_PROGRAM") else "cratylus")

EXPERIMENT = {
    "name": "first",
    "seed": 7,
    "replicas": 6,
    "population": {"size": 20},
    "game": {"kind": "coordination", "names": ["Q", "M"], "memory": 3},
    "agents": {"kind": "win-stay-lose-shift", "lapse": 0.05},
    "stop": {"rounds": 30},
    "sweep": {"population.size": [20, 30]},
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_run_from_a_dict_and_its_tables():
    run = cratylus.run(EXPERIMENT, "runs/first", progress=False)
    assert run.name == "first" and len(run.points) == 2
    assert len(run.runs) == 12 and len(run.interactions) == 6 * 30 * (20 + 30)
    assert run.runs.columns[:3] == ["run", "population.size", "replica"]
    assert {"run", "t", "success_rate"} <= set(run.measures.columns)
    again = cratylus.open("runs/first")
    assert again.digest == run.digest
    with pytest.raises(FileNotFoundError, match="no live model was asked"):
        run.calls
    assert "<td>20</td>" in run._repr_html_() and "12 runs of 2 conditions" in repr(run)
    assert not list(Path(".").glob(".cratylus-*")), "nothing is left behind"


def test_tables_are_taken_by_others_as_they_are():
    run = cratylus.run(EXPERIMENT, "runs/tables", progress=False)
    tried = []
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(run.runs)
    assert table.num_rows == 12 and table["population.size"].to_pylist()[-1] == 30
    # The columns are where they were: nothing was copied.
    first, second = (pyarrow.table(run.interactions)["t"].chunk(0).buffers()[1].address for _ in range(2))
    assert first == second
    try:
        import polars

        frame = run.runs.to_polars()
        assert frame.filter(polars.col("population.size") == 30).height == 6
        tried.append("polars")
    except ImportError:
        pass
    try:
        import pandas  # noqa: F401

        frame = run.runs.to_pandas()
        assert frame.groupby("population.size").size().tolist() == [6, 6]
        tried.append("pandas")
    except ImportError:
        pass
    try:
        import duckdb

        runs = run.runs.to_pyarrow()
        assert duckdb.sql("select count(*) from runs where replica > 2").fetchall() == [(6,)]
        tried.append("duckdb")
    except ImportError:
        pass
    print("taken by pyarrow", *tried)


def test_the_same_experiment_has_the_same_digest_from_the_command_line():
    if not PROGRAM:
        pytest.skip("SKIPPED: no program `cratylus` on the path (CRATYLUS_PROGRAM names one)")
    experiment = cratylus.Experiment(EXPERIMENT)
    Path("e.toml").write_text(experiment.to_toml())
    subprocess.run([PROGRAM, "run", "e.toml", "--out", "shell", "--quiet"], check=True, capture_output=True)
    here = cratylus.run(experiment, "here", progress=False)
    file = cratylus.run("e.toml", "file", progress=False)
    assert cratylus.open("shell").digest == here.digest == file.digest
    for table in ("runs", "interactions", "measures"):
        bytes_of = [(Path(out) / f"{table}.parquet").read_bytes() for out in ("shell", "here", "file")]
        assert bytes_of[0] == bytes_of[1] == bytes_of[2]


def test_keys_are_changed_as_on_the_command_line():
    run = cratylus.run(EXPERIMENT, "set", set={"game.names": ["A", "B"], "stop": {"rounds": 5}}, replicas=2, agents__lapse=0.5, progress=False)
    assert len(run.runs) == 4
    told = cratylus.check(EXPERIMENT, replicas=3)
    assert told["valid"] and told["runs"] == 6


def test_mistakes_are_exceptions_with_the_programs_words():
    with pytest.raises(cratylus.InputError, match="there is no key `sise` here(.|\n)*did you mean `size`"):
        cratylus.run({**EXPERIMENT, "population": {"sise": 20}}, "wrong", progress=False)
    with pytest.raises(cratylus.CratylusError, match="is not a run directory"):
        cratylus.open("nowhere")
    cratylus.run(EXPERIMENT, "taken", progress=False)
    with pytest.raises(cratylus.InputError, match="holds runs of an experiment that was different"):
        cratylus.run(EXPERIMENT, "taken", seed=8, progress=False)
    with pytest.raises(cratylus.InputError, match="there is no verb `rum`"):
        cratylus.command("rum")
    assert "coordination" in cratylus.command("list", "games")
    assert "Usage" in cratylus.command("run", "--help")


def test_progress_is_told_and_other_threads_run_meanwhile():
    told, ticks, over = [], [], threading.Event()
    ticking = threading.Thread(target=lambda: [ticks.append(time.sleep(0.005)) for _ in iter(over.is_set, True)])
    ticking.start()
    cratylus.run({**EXPERIMENT, "replicas": 400, "stop": {"rounds": 300}}, "long", progress=told.append)
    over.set()
    ticking.join()
    assert told[-1]["runs"] == told[-1]["total"] == 800
    assert len(ticks) > 5, "the lock of the interpreter is let go"


def test_an_exception_in_progress_stops_the_run_and_it_goes_on_later():
    long = {**EXPERIMENT, "replicas": 2000, "stop": {"rounds": 300}}

    def refuse(seen):
        if seen["runs"] > 50:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        cratylus.run(long, "stopped", progress=refuse)
    assert not Path("stopped/runs.parquet").exists()
    kept = len(list(Path("stopped/parts").glob("*.runs.parquet")))
    resumed = cratylus.run(long, "stopped", progress=False)
    assert len(resumed.runs) == 4000 and not Path("stopped/parts").exists()
    whole = cratylus.run(long, "whole", progress=False)
    assert whole.digest == resumed.digest, f"after {kept} stretches that were kept"


def test_ctrl_c_stops_in_good_order():
    code = f"import cratylus\ncratylus.run({ {**EXPERIMENT, 'replicas': 100_000, 'stop': {'rounds': 500}}!r}, 'interrupted', progress=False)\n"
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    for _ in range(200):
        if Path("interrupted/plan.toml").exists():
            break
        time.sleep(0.05)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode != 0 and "KeyboardInterrupt" in said, said


class Copies:
    """Says what its partner said last; the first time, what the draw says."""

    def __init__(self, n, names, memory, starts, lapse=0.0):
        self.names, self.lapse = names, lapse
        self.last = [start[-1][1] if start else None for start in starts]

    def decide(self, asks):
        return [self.last[ask.agent] or self.names[int(ask.draw * len(self.names))] for ask in asks]

    def learn(self, news):
        for item in news:
            self.last[item.agent] = item.partner


class Differ:
    """Both choose at once, and succeed where they differ."""

    names = ["A", "B", "C"]
    memory = 1

    def success(self, own, partner):
        return own != partner


def brought(agents=None, game=None):
    return {
        "name": "brought", "seed": 3, "replicas": 4, "population": {"size": 12}, "stop": {"rounds": 15},
        "game": game or {"kind": "coordination", "names": ["A", "B"], "memory": 1},
        "agents": agents or {"kind": Copies},
    }


def test_agents_written_in_python_play_as_those_of_the_program():
    mine = cratylus.run(brought(), "mine", progress=False)
    own = cratylus.run(brought({"kind": "copy-last-partner"}), "own", progress=False)
    assert pytest.importorskip("pyarrow") and mine.interactions.to_pyarrow() == own.interactions.to_pyarrow()
    assert cratylus.replay(mine)["equal"]
    mixed = cratylus.run(brought({"mix": [{"share": 0.5, "kind": Copies, "lapse": 0.1}, {"share": 0.5, "kind": "uniform"}]}), "mixed", progress=False)
    assert len(mixed.runs) == 4
    # Another version of the class is another experiment.
    plan = (mine.path / "plan.toml").read_text()
    assert 'name = "Copies"' in plan and "version = " in plan


def test_games_written_in_python():
    run = cratylus.run(brought(game={"kind": Differ}), "differ", progress=False)
    rows = run.interactions.to_pyarrow().to_pylist()
    assert rows and all(row["success"] == (row["name_a"] != row["name_b"]) for row in rows)


def test_what_goes_wrong_in_python_is_told_with_its_place():
    class Breaks(Copies):
        def decide(self, asks):
            raise ValueError("no idea")

    class Mumbles(Copies):
        def decide(self, asks):
            return ["X" for _ in asks]

    class Forgets(Copies):
        def learn(self, news):
            return 1 / 0

    class Cheats(Differ):
        def success(self, own, partner):
            raise KeyError("rules")

    for kind, why in [(Breaks, "no idea"), (Mumbles, "said `X`, which is not in the pool A, B"), (Forgets, "ZeroDivisionError")]:
        with pytest.raises(cratylus.CratylusError, match=why):
            cratylus.run(brought({"kind": kind}), kind.__name__, progress=False)
    with pytest.raises(cratylus.CratylusError, match="KeyError"):
        cratylus.run(brought(game={"kind": Cheats}), "cheats", progress=False)
    with pytest.raises(cratylus.InputError, match="has no method `decide`"):
        cratylus.run(brought({"kind": Differ}), "wrong", progress=False)
    with pytest.raises(cratylus.InputError, match="no agents called `Unknown`"):
        cratylus.run(brought({"kind": "outside", "name": "Unknown"}), "unknown", progress=False)


def test_audits_and_fits():
    recorded = {**EXPERIMENT, "agents": {"kind": "emulated", "model": "llama-3-70b"}, "game": {"kind": "coordination", "names": ["Q", "M"], "memory": 5}, "replicas": 12,
                "stop": {"consensus": {"window_rounds": 3}, "rounds": 200}, "sweep": {}}
    run = cratylus.run(recorded, "recorded", progress=False)
    found = cratylus.audit(run, "--populations", "50")
    assert found and len(run.findings) >= 5
    assert {"condition", "audit", "finds", "value"} <= set(run.findings.columns)
    with pytest.raises(FileNotFoundError, match="was not audited"):
        cratylus.run(EXPERIMENT, "unaudited", progress=False).findings


def test_the_tutorial_runs():
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    notebook = nbformat.read(HERE.parent / "tutorial.ipynb", as_version=4)
    client.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": os.getcwd()}}).execute()
