"""Long calls: they can be watched and stopped, and other threads go on meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

import ringfence as rf

# Ingests rows without end; says when work has begun, when it was stopped, and what it left behind.
ENDLESS = """
import itertools, pathlib, sys
import pyarrow
import ringfence as rf

names = ["transaction", "source", "destination", "time", "amount", "currency"]

def batches():
    for number in itertools.count():
        keys = [f"T{number}-{row}" for row in range(1000)]
        row = [keys, keys, ["B"] * 1000, ["2024-01-01T00:00:00Z"] * 1000, ["1.00"] * 1000, ["USD"] * 1000]
        if number == 3:
            print("working", flush=True)
        yield pyarrow.record_batch(row, names=names)

schema = pyarrow.schema([(name, pyarrow.string()) for name in names])
path = pathlib.Path(sys.argv[1])
try:
    rf.ingest(path, pyarrow.RecordBatchReader.from_batches(schema, batches()), preset="ledger")
except KeyboardInterrupt:
    print("stopped", path.exists(), flush=True)
"""

SYNTH = """
import pathlib, sys
import ringfence as rf

path = pathlib.Path(sys.argv[1])
try:
    rf.synth(path, transactions=500_000_000, progress=lambda *_: print("working", flush=True))
except KeyboardInterrupt:
    print("stopped", path.exists(), flush=True)
"""


def seconds_to_stop(program: str, path) -> float:
    """Starts `program`, interrupts it once it works, and gives the time until it says that it has stopped."""
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout.readline() == "working\n"
            time.sleep(0.2)
            started = time.monotonic()
            child.send_signal(signal.SIGINT)
            lines = iter(child.stdout.readline, "")
            assert next(line for line in lines if line != "working\n") == "stopped False\n"
            return time.monotonic() - started
        finally:
            child.kill()


@pytest.mark.parametrize("program", [ENDLESS, SYNTH], ids=["ingest", "synth"])
def test_an_interrupt_stops_a_call_at_once_and_leaves_nothing(program, tmp_path):
    pytest.importorskip("pyarrow")
    # A busy machine may delay one attempt; it does not delay three.
    times = [seconds_to_stop(program, tmp_path / f"g{attempt}") for attempt in range(3)]
    assert min(times) < 1.0
    assert not list(tmp_path.iterdir())


def test_progress_tells_every_stage_from_its_start_on_the_calling_thread(bank, tmp_path):
    events, threads = [], set()

    def progress(stage, done, total):
        events.append((stage, done, total))
        threads.add(threading.get_ident())

    rf.ingest(tmp_path / "g", bank / "transactions.csv", preset="ledger", progress=progress)
    assert threads == {threading.get_ident()}
    stages = list(dict.fromkeys(stage for stage, _, _ in events))
    assert len(stages) >= 2
    for stage in stages:
        first = next(event for event in events if event[0] == stage)
        assert first[1] == 0
    assert all(0 <= done and (total == 0 or done <= total) for _, done, total in events)


def test_an_exception_of_the_callback_cancels_and_comes_out_unchanged(bank, tmp_path):
    class Mine(Exception):
        pass

    mine, calls = Mine("enough"), []

    def progress(stage, done, total):
        calls.append(stage)
        raise mine

    with pytest.raises(Mine) as caught:
        rf.ingest(tmp_path / "g", bank / "transactions.csv", preset="ledger", progress=progress)
    assert caught.value is mine
    assert len(calls) == 1
    assert not list(tmp_path.iterdir())


def test_every_stage_can_be_the_last(bank, tmp_path):
    stages = []
    rf.ingest(tmp_path / "all", bank / "transactions.csv", preset="ledger", progress=lambda *e: stages.append(e[0]))
    for stop in dict.fromkeys(stages):
        path = tmp_path / f"until-{stop.replace(' ', '-')}"

        def progress(stage, done, total, stop=stop):
            if stage == stop and done == 0:
                raise StopIteration(stop)

        with pytest.raises(StopIteration):
            rf.ingest(path, bank / "transactions.csv", preset="ledger", progress=progress)
        assert not path.exists()


def test_other_threads_go_on_while_a_call_works(tmp_path):
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.01)

    thread = threading.Thread(target=tick)
    thread.start()
    started = time.monotonic()
    rf.synth(tmp_path / "bank", transactions=100_000)
    ended = time.monotonic()
    done.set()
    thread.join()
    within = [moment for moment in ticks if started < moment < ended]
    assert len(within) > (ended - started) / 0.01 / 10


FORK = """
import os, sys
import ringfence as rf

graph = rf.open(sys.argv[1])
graph.components()
child = os.fork()
if child == 0:
    try:
        graph.components()
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_forked_process_is_told_what_to_do_instead_of_waiting(graph):
    command = [sys.executable, "-W", "ignore", "-c", FORK, str(graph.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert '"spawn" or "forkserver"' in done.stdout


def test_a_graph_is_shared_by_threads(graph):
    answers = []

    def ask():
        answers.append(graph.components(over="both").table().to_dicts())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert all(answer == answers[0] for answer in answers)


def test_a_callback_may_ask_the_library_itself(graph):
    inner = []
    graph.components(progress=lambda *_: inner.append(len(graph.components())))
    assert inner
    assert set(inner) == {len(graph.components())}


@pytest.mark.parametrize("tqdm", [True, False])
def test_a_progress_bar_fits_every_long_call(tqdm, bank, tmp_path, monkeypatch, capsys):
    if tqdm:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with rf.progress_bar() as progress:
        graph = rf.ingest(tmp_path / "g", bank / "transactions.csv", preset="ledger", progress=progress)
        graph.components(progress=progress).table(progress=progress)
    assert "components" in capsys.readouterr().err


def test_circumstances_are_checked(graph):
    for threads in (0, 5_000):
        with pytest.raises(rf.OptionError, match="threads"):
            graph.components(threads=threads)
    with pytest.raises(TypeError, match="progress"):
        graph.components(progress="loud")


CALLS = {
    "trace": lambda graph, seeds, **more: graph.trace(seeds, **more),
    "poison": lambda graph, seeds, **more: graph.trace(seeds, policy="poison", **more),
    "paths": lambda graph, seeds, **more: graph.trace(seeds).paths(**more),
    "compare": lambda graph, seeds, **more: graph.trace(seeds).compare(**more),
    "freeze_plan": lambda graph, seeds, **more: graph.freeze_plan(seeds, at=graph.info()["last"], **more),
    "origins": lambda graph, seeds, **more: graph.origins([{"name": "t", "transaction": first(graph, seeds)}], **more),
    "bound": lambda graph, seeds, **more: graph.bound(seeds, [taker(graph, seeds)], **more),
    "exposure": lambda graph, seeds, **more: graph.exposure([taker(graph, seeds)], **more),
    "rank": lambda graph, seeds, **more: graph.rank([taker(graph, seeds)], **more),
}


def first(graph, seeds):
    return graph.trace(seeds).flows.to_dicts(1)[0]["transaction"]


def taker(graph, seeds):
    return graph.trace(seeds).flows.to_dicts(1)[0]["destination"]


@pytest.mark.parametrize("call", CALLS)
def test_every_question_about_money_goes_through_the_door(call, graph, bank):
    ask, seeds, threads, stages = CALLS[call], bank / "seeds.csv", set(), []

    def progress(stage, done, total):
        threads.add(threading.get_ident())
        stages.append(stage)

    ask(graph, seeds, threads=2, progress=progress)
    assert stages
    assert threads == {threading.get_ident()}

    def enough(*_):
        raise EOFError(call)

    with pytest.raises(EOFError, match=call):
        ask(graph, seeds, progress=enough)
    with pytest.raises(rf.OptionError, match="threads"):
        ask(graph, seeds, threads=0)
