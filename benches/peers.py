#!/usr/bin/env python3
"""Ringfence and its peers on the same files, in one run: seconds, peak memory, ratios.

    python benches/peers.py --data FOLDER --ringfence target/release/ringfence [--trials 3] [--threads 2]
                            [--tasks load_csv,open] [--tools ringfence,kuzu] [--output results.jsonl]
    python benches/peers.py --data FOLDER --generator gen.py --transactions 1000000 …

FOLDER holds tx.csv and tx.parquet with the columns tx_id, src, dst, ts (seconds since 1970), amount (minor units). If it does
not exist and a generator is given, `python gen.py --tx N --out FOLDER` makes it.

Each trial is a process of its own, on the same cores with the same number of threads, and the tools take turns. Seconds
are taken inside, after imports and after what the task does not time (opening a graph before asking it); memory is the
largest resident size of the process. Answers are compared where a question has one right answer.

Needs the packages of requirements-peers.txt, and the Ringfence package for all but loading.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

MAPPING = """\
[transactions]
transaction = "tx_id"
source = "src"
destination = "dst"
time = "ts"
time_format = "unix-s"
amount = "amount"
amount_unit = "minor"
currency = { constant = "USD" }
"""

# What a ratio must not hide.
REMARKS = {
    ("load_csv", "polars"): "a table, no graph",
    ("load_csv", "duckdb"): "a table, no graph",
    ("load_csv", "raphtory"): "in memory only",
    ("load_csv", "graph-mate"): "two columns of text (edges.el), in memory only, no times, no amounts",
    ("load_parquet", "polars"): "a table, no graph",
    ("load_parquet", "duckdb"): "a table, no graph",
    ("load_parquet", "raphtory"): "in memory only",
    ("load_parquet", "graph-mate"): "two columns, in memory only, no times, no amounts",
    ("leiden", "networkit"): "the algorithm alone; Ringfence's time has checks, measures and tables with keys in it",
    ("louvain", "networkit"): "the algorithm alone, as for leiden",
    ("labels", "networkit"): "the algorithm alone, as for leiden",
    ("trace", "raphtory"): "which accounts can be reached; no amounts",
    ("fans", "snapml"): "a count for each payment; Ringfence's time has instances, scores and tables with keys in it",
    ("scatter_gather", "snapml"): "a count for each payment, as for fans",
}

THREAD_VARIABLES = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS", "TOKIO_WORKER_THREADS")
# Both sides of `trace` stop so long after the first seed; without an end raphtory takes hours.
TRACE_SPAN_S = 48 * 3600
NUM_SEEDS = 10
# Both sides of the searches for shapes get so many of the first payments; Snap ML takes minutes for a million.
PATTERN_ROWS = 200_000
HOUR_S = 3_600


class Skip(Exception):
    """This tool has nothing for this task."""


class Job:
    """One trial: a tool, a task, the files, and a clock that the tool's function starts and stops."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.data = Path(options.data).resolve()
        self.work = Path(options.work).resolve()
        self.threads = options.threads
        self.ringfence = str(Path(options.ringfence).resolve()) if options.ringfence else "ringfence"
        self.csv, self.parquet = self.data / "tx.csv", self.data / "tx.parquet"
        self.seconds = 0.0

    def timed(self, work):
        start = time.perf_counter()
        answer = work()
        self.seconds = time.perf_counter() - start
        return answer

    def fresh(self, name: str) -> Path:
        """A path in the work folder with nothing there."""
        path = self.work / name
        for old in (path, *self.work.glob(name + ".*")):
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        return path

    def columns(self, *names: str) -> dict:
        import polars

        frame = polars.read_parquet(self.parquet, columns=list(names))
        return {name: frame[name].to_numpy() for name in names}

    def accounts(self):
        import numpy

        ends = self.columns("src", "dst")
        return numpy.unique(numpy.concatenate([ends["src"], ends["dst"]]))

    def account(self) -> int:
        """The account to ask about: the payer of the middle row."""
        sources = self.columns("src")["src"]
        return int(sources[len(sources) // 2])

    def seeds(self) -> list[int]:
        """Rows of the seeds: the first payments of as many payers, from a third of the file on."""
        sources = self.columns("src")["src"]
        rows: dict[int, int] = {}
        for row in range(len(sources) // 3, len(sources)):
            rows.setdefault(int(sources[row]), row)
            if len(rows) == NUM_SEEDS:
                break
        return list(rows.values())


# Ringfence


def ringfence_ingest(job: Job, source: Path, name: str) -> dict:
    mapping = job.work / "mapping.toml"
    mapping.write_text(MAPPING)
    command = [job.ringfence, "ingest", str(job.fresh(name)), "--mapping", str(mapping)]
    command += ["--transactions", str(source), "--threads", str(job.threads), "--json"]
    done = job.timed(lambda: subprocess.run(command, capture_output=True, text=True))
    if done.returncode != 0:
        sys.exit(f"{job.ringfence} ingest ended with {done.returncode}: {done.stdout or done.stderr}")
    return {"transactions": json.loads(done.stdout)["num_transactions"]}


def ringfence_graph(job: Job):
    import ringfence

    path = job.work / "ringfence.graph"
    if not path.exists():
        ringfence_ingest(job, job.parquet, path.name)
    return ringfence.open(path)


def ringfence_load_csv(job: Job) -> dict:
    return ringfence_ingest(job, job.csv, "ringfence.graph")


def ringfence_load_parquet(job: Job) -> dict:
    return ringfence_ingest(job, job.parquet, "ringfence.graph")


def ringfence_open(job: Job) -> dict:
    import ringfence

    account, path = str(job.account()), ringfence_graph(job).path
    found = job.timed(lambda: ringfence.open(path).subgraph([account], hops=1))
    return {"counterparties": found.num_accounts - 1}


def ringfence_components(job: Job) -> dict:
    graph = ringfence_graph(job)
    found = job.timed(lambda: graph.components(threads=job.threads))
    return {"components": len(found)}


def ringfence_trace(job: Job) -> dict:
    graph = ringfence_graph(job)
    rows, times = job.seeds(), job.columns("ts")["ts"]
    seeds = [{"case": str(case), "transaction": str(row)} for case, row in enumerate(rows)]
    until = (int(times[rows[0]]) + TRACE_SPAN_S) * 1_000_000
    found = job.timed(lambda: graph.trace(seeds, policy="fifo", until=until, threads=job.threads))
    return {"flows": len(found.flows)}


def ringfence_communities(job: Job, method: str) -> dict:
    projection = ringfence_graph(job).project(threads=job.threads)
    found = job.timed(lambda: projection.communities(method=method, threads=job.threads))
    return {"modularity": round(found.quality()["quality"], 4)}


def ringfence_leiden(job: Job) -> dict:
    return ringfence_communities(job, "leiden")


def ringfence_louvain(job: Job) -> dict:
    return ringfence_communities(job, "louvain")


def ringfence_labels(job: Job) -> dict:
    return ringfence_communities(job, "labels")


def ringfence_patterns(job: Job, typologies: tuple[str, ...], settings: dict) -> dict:
    graph, times = ringfence_graph(job), job.columns("ts")["ts"]
    end = int(times[PATTERN_ROWS]) * 1_000_000 if len(times) > PATTERN_ROWS else None
    every = {"results_max": 100_000_000, **settings}
    found = job.timed(lambda: graph.patterns(*typologies, settings=every, end=end, threads=job.threads))
    return {"instances": len(found)}


def ringfence_fans(job: Job) -> dict:
    return ringfence_patterns(job, ("fan-in", "fan-out"), {"span_s": 24 * HOUR_S, "counterparties_min": 2})


def ringfence_scatter_gather(job: Job) -> dict:
    return ringfence_patterns(job, ("scatter-gather",), {"span_s": 6 * HOUR_S, "mules_min": 2})


# Snap ML


def snapml_features(job: Job, name: str, hours: int) -> dict:
    import numpy
    from snapml import GraphFeaturePreprocessor

    columns = job.columns("src", "dst", "ts", "amount")
    rows = [columns[column][:PATTERN_ROWS].astype(float) for column in ("src", "dst", "ts", "amount")]
    payments = numpy.ascontiguousarray(numpy.stack([numpy.arange(len(rows[0]), dtype=float), *rows], 1))
    kinds = ("fan", "degree", "scatter-gather", "temp-cycle", "lc-cycle", "vertex_stats")
    parameters = {"num_threads": job.threads, "time_window": -1, "max_no_edges": -1, **{kind: kind == name for kind in kinds}}
    features = GraphFeaturePreprocessor()
    features.set_params(parameters | {f"{name}_tw": hours * HOUR_S, f"{name}_bins": list(range(2, 16))})
    found = job.timed(lambda: features.transform(payments))
    return {"features": found.shape[1] - payments.shape[1]}


def snapml_fans(job: Job) -> dict:
    return snapml_features(job, "fan", 24)


def snapml_scatter_gather(job: Job) -> dict:
    return snapml_features(job, "scatter-gather", 6)


# NetworKit


def networkit_communities(job: Job, method) -> dict:
    import networkit
    import numpy

    networkit.setNumberOfThreads(job.threads)
    ends = job.columns("src", "dst")
    low, high = numpy.minimum(ends["src"], ends["dst"]), numpy.maximum(ends["src"], ends["dst"])
    accounts = int(high.max()) + 1
    pairs, counts = numpy.unique((low.astype(numpy.uint64) * accounts + high)[low < high], return_counts=True)
    sides = (pairs // accounts, pairs % accounts)
    graph = networkit.GraphFromCoo((counts.astype(float), sides), n=accounts, weighted=True)
    algorithm = method(networkit.community, graph)
    partition = job.timed(algorithm.run).getPartition()
    # Another answer, not a wrong one: it has a name of its own and is not compared.
    return {"modularity_of_networkit": round(networkit.community.Modularity().getQuality(partition, graph), 4)}


def networkit_leiden(job: Job) -> dict:
    return networkit_communities(job, lambda module, graph: module.ParallelLeiden(graph, iterations=3))


def networkit_louvain(job: Job) -> dict:
    return networkit_communities(job, lambda module, graph: module.PLM(graph, refine=False))


def networkit_labels(job: Job) -> dict:
    return networkit_communities(job, lambda module, graph: module.PLP(graph))


# kuzu


def kuzu_open_database(job: Job, path: Path):
    import kuzu

    database = kuzu.Database(str(path), buffer_pool_size=8 << 30, max_num_threads=job.threads)
    return database, kuzu.Connection(database, num_threads=job.threads)


def kuzu_load(job: Job, source: Path) -> dict:
    import polars

    nodes = polars.DataFrame({"id": job.accounts().astype("int64")})  # noqa: F841, named in the query; not timed
    path = job.fresh("kuzu.database")
    wide = "CAST(src, 'INT64'), CAST(dst, 'INT64'), CAST(ts, 'INT64'), CAST(amount, 'INT64')"
    header = " (header=true)" if source.suffix == ".csv" else ""

    def load():
        database, connection = kuzu_open_database(job, path)
        connection.execute("CREATE NODE TABLE Account(id INT64 PRIMARY KEY)")
        connection.execute("CREATE REL TABLE Paid(FROM Account TO Account, ts INT64, amount INT64)")
        connection.execute("COPY Account FROM nodes")
        connection.execute(f"COPY Paid FROM (LOAD FROM '{source}'{header} RETURN {wide})")
        connection.execute("CHECKPOINT")
        return database, connection

    database, connection = job.timed(load)
    count = connection.execute("MATCH ()-[p:Paid]->() RETURN count(*)").get_next()[0]
    connection.close()
    database.close()
    return {"transactions": count}


def kuzu_path(job: Job) -> Path:
    path = job.work / "kuzu.database"
    if not path.exists():
        kuzu_load(job, job.parquet)
    return path


def kuzu_load_csv(job: Job) -> dict:
    return kuzu_load(job, job.csv)


def kuzu_load_parquet(job: Job) -> dict:
    return kuzu_load(job, job.parquet)


def kuzu_open(job: Job) -> dict:
    account, path = job.account(), kuzu_path(job)

    def ask():
        _, connection = kuzu_open_database(job, path)
        query = f"MATCH (a:Account)-[:Paid]-(b:Account) WHERE a.id = {account} RETURN count(DISTINCT b.id)"
        return connection.execute(query).get_next()[0]

    return {"counterparties": job.timed(ask)}


def kuzu_components(job: Job) -> dict:
    _, connection = kuzu_open_database(job, kuzu_path(job))
    connection.execute("LOAD EXTENSION algo")
    connection.execute("CALL PROJECT_GRAPH('G', ['Account'], ['Paid'])")
    query = "CALL weakly_connected_components('G') RETURN count(DISTINCT group_id)"
    return {"components": job.timed(lambda: connection.execute(query).get_next()[0])}


# raphtory


def raphtory_load(job: Job, source: Path):
    import polars
    import raphtory

    graph = raphtory.Graph()
    names = {"time": "ts", "src": "src", "dst": "dst", "properties": ["amount"]}

    def load():
        if source.suffix == ".csv":
            graph.load_edges(str(source), csv_options={"has_header": True}, **names)
        else:
            frame = polars.read_parquet(source, columns=["ts", "src", "dst", "amount"])
            wide = [polars.col(name).cast(polars.UInt64) for name in ("src", "dst")]
            graph.load_edges(frame.with_columns(wide), **names)

    job.timed(load)
    return graph


def raphtory_load_csv(job: Job) -> dict:
    return {"transactions": raphtory_load(job, job.csv).count_temporal_edges()}


def raphtory_load_parquet(job: Job) -> dict:
    return {"transactions": raphtory_load(job, job.parquet).count_temporal_edges()}


def raphtory_file(job: Job) -> Path:
    path = job.work / "raphtory.file"
    if not path.exists():
        raphtory_load(job, job.parquet).save_to_file(str(path))
    return path


def raphtory_open(job: Job) -> dict:
    import raphtory

    account, path = job.account(), raphtory_file(job)
    ask = lambda: len(raphtory.Graph.load_from_file(str(path)).node(account).neighbours)  # noqa: E731
    return {"counterparties": job.timed(ask)}


def raphtory_components(job: Job) -> dict:
    from raphtory import algorithms

    graph = raphtory_load(job, job.parquet)
    found = job.timed(lambda: algorithms.weakly_connected_components(graph))
    return {"components": len({value["component_id"] for value in found.values()})}


def raphtory_trace(job: Job) -> dict:
    from raphtory import algorithms

    graph = raphtory_load(job, job.parquet)
    columns, rows = job.columns("src", "ts"), job.seeds()
    start = int(columns["ts"][rows[0]]) - 1
    payers = [int(columns["src"][row]) for row in rows]
    window = graph.window(start, start + 1 + TRACE_SPAN_S)
    found = job.timed(lambda: algorithms.temporally_reachable_nodes(window, 1000, start, payers))
    return {"reached": sum(1 for value in found.values() if len(value["reachable_nodes"]) > 0)}


# graph-mate


def graph_mate_graph(job: Job):
    import graph_mate
    import numpy

    def load():
        ends = job.columns("src", "dst")
        pairs = numpy.stack([ends["src"], ends["dst"]], 1).astype(numpy.uint32)
        return graph_mate.DiGraph.from_numpy(pairs, graph_mate.Layout.Unsorted)

    return job.timed(load)


def graph_mate_load_csv(job: Job) -> dict:
    import graph_mate

    path = job.data / "edges.el"
    if not path.exists():
        raise Skip("it reads edge lists only, and there is no edges.el")
    form = {"layout": graph_mate.Layout.Unsorted, "file_format": graph_mate.FileFormat.EdgeList}
    return {"transactions": job.timed(lambda: graph_mate.DiGraph.load(str(path), **form)).edge_count()}


def graph_mate_load_parquet(job: Job) -> dict:
    return {"transactions": graph_mate_graph(job).edge_count()}


def graph_mate_components(job: Job) -> dict:
    import numpy

    graph = graph_mate_graph(job)
    labels = numpy.asarray(job.timed(graph.wcc).components())
    return {"components": len(numpy.unique(labels[job.accounts()]))}


# Tables: the floor of loading


def polars_load_csv(job: Job) -> dict:
    import polars

    return {"transactions": len(job.timed(lambda: polars.read_csv(job.csv)))}


def polars_load_parquet(job: Job) -> dict:
    import polars

    return {"transactions": len(job.timed(lambda: polars.read_parquet(job.parquet)))}


def duckdb_load(job: Job, reader: str) -> dict:
    import duckdb

    connection = duckdb.connect(config={"threads": job.threads})
    job.timed(lambda: connection.execute(f"CREATE TABLE tx AS SELECT * FROM {reader}"))
    return {"transactions": connection.execute("SELECT count(*) FROM tx").fetchone()[0]}


def duckdb_load_csv(job: Job) -> dict:
    return duckdb_load(job, f"read_csv('{job.csv}')")


def duckdb_load_parquet(job: Job) -> dict:
    return duckdb_load(job, f"read_parquet('{job.parquet}')")


TASKS = (
    *("load_csv", "load_parquet", "open", "components", "leiden", "louvain", "labels", "trace"),
    *("fans", "scatter_gather"),
)
TOOLS = ("ringfence", "networkit", "snapml", "kuzu", "raphtory", "graph-mate", "polars", "duckdb")


def function_of(tool: str, task: str):
    return globals().get(f"{tool.replace('-', '_')}_{task}")


# One trial


def child(options: argparse.Namespace) -> None:
    """Runs one trial and prints its record."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    tool, task = options.child
    job = Job(options)
    try:
        answer = function_of(tool, task)(job)
    except Skip as why:
        print(json.dumps({"skipped": str(why)}))
        return
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"seconds": job.seconds, "peak_mib": round(max(peaks) / 1024), "answer": answer}))


def trial(options: argparse.Namespace, tool: str, task: str) -> dict:
    command = [sys.executable, __file__, "--child", tool, task, "--data", options.data, "--work", options.work]
    command += ["--threads", str(options.threads)]
    command += ["--ringfence", options.ringfence] if options.ringfence else []
    environment = os.environ | {variable: str(options.threads) for variable in THREAD_VARIABLES}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=options.timeout)
    except subprocess.TimeoutExpired:
        return {"failed": f"no answer within {options.timeout} s"}
    if done.returncode != 0:
        return {"failed": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:300]}
    return json.loads(done.stdout.strip().splitlines()[-1])


# The comparison


def compare(options: argparse.Namespace, task: str) -> list[dict]:
    """Trials of every tool in turn; one record per tool, Ringfence first."""
    tools = [tool for tool in options.tools if function_of(tool, task)]
    trials: dict[str, list[dict]] = {tool: [] for tool in tools}
    for number in range(options.trials):
        for tool in tools:
            if any("seconds" not in earlier for earlier in trials[tool]):
                continue
            found = trial(options, tool, task)
            trials[tool].append(found)
            print(f"{task} {number + 1}/{options.trials} {tool}: {json.dumps(found)}", file=sys.stderr, flush=True)
    records = []
    for tool in tools:
        record = {"task": task, "tool": tool, "data": Path(options.data).name, "threads": options.threads}
        trouble = [found for found in trials[tool] if "seconds" not in found]
        if trouble:
            records.append(record | trouble[0])
            continue
        seconds = [found["seconds"] for found in trials[tool]]
        record["trials_s"] = [round(value, 4) for value in seconds]
        record["median_s"] = round(statistics.median(seconds), 4)
        record["peak_mib"] = max(found["peak_mib"] for found in trials[tool])
        record["answer"] = trials[tool][0]["answer"]
        records.append(record)
    own = next((record for record in records if record["tool"] == "ringfence"), {})
    for record in records:
        if "median_s" in record and "median_s" in own:
            record["ratio"] = round(record["median_s"] / own["median_s"], 2)
        if (task, record["tool"]) in REMARKS:
            record["remark"] = REMARKS[task, record["tool"]]
    return records


def differences(records: list[dict]) -> list[str]:
    """Answers that differ from Ringfence's where both answered the same question."""
    own = next((record.get("answer", {}) for record in records if record["tool"] == "ringfence"), {})
    return [
        f"{record['task']}: ringfence finds {own[name]} {name}, {record['tool']} {value}"
        for record in records
        for name, value in record.get("answer", {}).items()
        if name in own and own[name] != value
    ]


def table(records: list[dict]) -> str:
    """Markdown; a ratio is the peer's time divided by Ringfence's."""
    lines = ["| task | tool | median s | peak MiB | ratio | |", "|---|---|---|---|---|---|"]
    for record in records:
        if "median_s" in record:
            cells = [f"{record['median_s']:.3f}", str(record["peak_mib"]), f"{record.get('ratio', '')}"]
            note = record.get("remark", "")
        else:
            cells, note = ["", "", ""], "failed: " + record["failed"] if "failed" in record else record["skipped"]
        lines.append("| " + " | ".join([record["task"], record["tool"], *cells, note]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with tx.csv and tx.parquet")
    parser.add_argument("--ringfence", help="the program [default: ringfence on the path]")
    parser.add_argument("--work", help="folder for stores and databases [default: peers-work beside the data]")
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--timeout", type=int, default=1800, help="seconds for one trial")
    parser.add_argument("--tasks", type=lambda text: text.split(","), default=list(TASKS))
    parser.add_argument("--tools", type=lambda text: text.split(","), default=list(TOOLS))
    parser.add_argument("--output", help="file for one JSON line per tool and task")
    parser.add_argument("--generator", help="script that makes the data: GENERATOR --tx N --out FOLDER")
    parser.add_argument("--transactions", type=int, default=1_000_000, help="rows for the generator")
    parser.add_argument("--child", nargs=2, metavar=("TOOL", "TASK"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.data = str(Path(options.data).resolve())
    options.work = options.work or str(Path(options.data).with_name("peers-work"))
    if options.child:
        child(options)
        return
    if not Path(options.data).exists() and options.generator:
        make = [sys.executable, options.generator, "--tx", str(options.transactions), "--out", options.data]
        subprocess.run(make, check=True)
    Path(options.work).mkdir(parents=True, exist_ok=True)
    records = [record for task in options.tasks for record in compare(options, task)]
    if options.output:
        with open(options.output, "a") as output:
            output.writelines(json.dumps(record) + "\n" for record in records)
    print(table(records))
    wrong = differences(records)
    sys.exit("\n".join(["", *wrong]) if wrong else 0)


if __name__ == "__main__":
    main()
