"""From files to answers on the ledgers drawn by hand, whose answers were worked out on paper."""

from __future__ import annotations

import csv
import datetime as dt
import json

import pytest

import ringfence as rf



def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_graph_says_what_it_holds(tiny, tiny_files):
    info = tiny("cycle").info()
    ledger = rows(tiny_files / "cycle" / "transactions.csv")
    assert info["num_transactions"] == len(ledger)
    assert info["num_accounts"] == len({row[end] for row in ledger for end in ("source", "destination")})
    (usd,) = info["currencies"]
    cents = sum(int(row["amount"].replace(".", "")) for row in ledger)
    assert (usd["code"], usd["exponent"], usd["amount_minor"]) == ("USD", 2, cents)
    times = sorted(dt.datetime.fromisoformat(row["time"].replace("Z", "+00:00")) for row in ledger)
    assert (info["first"], info["last"]) == (times[0], times[-1])
    assert info["generation"] == 1
    (source,) = info["sources"]
    assert (source["role"], source["accepted"], source["rejected"]) == ("transactions", len(ledger), 0)


def test_a_graph_shows_itself_to_people_and_notebooks(tiny):
    graph = tiny("cycle")
    assert str(graph.num_accounts) in repr(graph)
    assert graph._repr_html_().startswith("<table>")
    assert graph.path.name == "cycle.graph"


def test_a_graph_opens_again_by_map_or_by_read(tiny):
    graph = tiny("fan_in")
    for io in ("mmap", "read"):
        again = rf.open(graph.path, io=io)
        assert again.info() == graph.info()
        assert again.components().table().to_dicts() == graph.components().table().to_dicts()


def test_a_fresh_graph_is_sound(tiny):
    graph = tiny("stack")
    quick, full = rf.verify(graph.path), rf.verify(graph.path, full=True)
    assert quick["generation"] == full["generation"] == 1
    assert full["num_files"] >= quick["num_files"] > 0


def test_identity_rings_are_the_planted_one(tiny, tiny_files):
    found = tiny("identity_ring").identity_rings()
    truth = rows(tiny_files / "identity_ring" / "truth_rings.csv")
    planted = {row["account"] for row in truth if row["typology"] != "benign"}
    members = [set() for _ in range(len(found))]
    for row in found.members.to_dicts():
        members[row["ring"]].add(row["account"])
    assert planted in members
    ring = members.index(planted)
    kinds = found.rings.to_dicts()[ring]["kinds"].split("+")
    assert set(kinds) == {"device", "phone", "email", "ssn"}


def test_seeds_may_be_rows_a_file_or_a_frame(tiny, tiny_files):
    polars = pytest.importorskip("polars")
    pandas = pytest.importorskip("pandas")
    graph, path = tiny("trace_fifo"), tiny_files / "trace_fifo" / "seeds.csv"
    by_file = graph.trace(path).flows.to_dicts()
    assert graph.trace(rows(path)).flows.to_dicts() == by_file
    assert graph.trace(polars.read_csv(path)).flows.to_dicts() == by_file
    assert graph.trace(pandas.read_csv(path)).flows.to_dicts() == by_file
    assert graph.trace([{"case": "C1", "transaction": "T2", "amount_minor": 6000}]).flows.to_dicts() == by_file


def test_deposits_may_be_given_with_python_times(tiny, tiny_files):
    polars = pytest.importorskip("polars")
    graph, path = tiny("trace_fifo_deposit"), tiny_files / "trace_fifo_deposit" / "seeds.csv"
    by_file = graph.trace(path).holdings.to_dicts()
    seeds = rows(path)
    for seed in seeds:
        if seed["time"]:
            seed["time"] = dt.datetime.fromisoformat(seed["time"].replace("Z", "+00:00"))
    assert graph.trace(seeds).holdings.to_dicts() == by_file
    assert graph.trace(polars.DataFrame(seeds)).holdings.to_dicts() == by_file


def test_sinks_keep_the_money(tiny, tiny_files, tmp_path):
    polars = pytest.importorskip("polars")
    graph, seeds = tiny("trace_fifo"), tiny_files / "trace_fifo" / "seeds.csv"
    (tmp_path / "sinks.csv").write_text("account\nX\n")
    by_list = graph.trace(seeds, sinks=["X"])
    assert [row["account"] for row in by_list.sinks.to_dicts()] == ["X"]
    for sinks in (tmp_path / "sinks.csv", polars.DataFrame({"account": ["X"]})):
        other = graph.trace(seeds, sinks=sinks)
        assert other.sinks.to_dicts() == by_list.sinks.to_dicts()
        assert other.holdings.to_dicts() == by_list.holdings.to_dicts()


def test_until_is_inclusive_and_every_form_of_a_time_is_the_same_moment(tiny, tiny_files):
    graph, seeds = tiny("trace_fifo"), tiny_files / "trace_fifo" / "seeds.csv"
    moment = dt.datetime(2024, 3, 4, 12, tzinfo=dt.timezone.utc)
    forms = [
        moment,
        moment.astimezone(dt.timezone(dt.timedelta(hours=9))),
        moment.replace(tzinfo=None),
        "2024-03-04T12:00:00Z",
        "2024-03-04T13:00:00+01:00",
        int(moment.timestamp()) * 1_000_000,
    ]
    answers = [graph.trace(seeds, until=form).flows.to_dicts() for form in forms]
    assert [row["transaction"] for row in answers[0]] == ["T2", "T4"]
    assert all(answer == answers[0] for answer in answers)
    for wrong in ("yesterday", 1.5, True):
        with pytest.raises((ValueError, TypeError), match="time"):
            graph.trace(seeds, until=wrong)


def test_a_window_is_half_open(tiny):
    graph, day = tiny("trace_fifo"), dt.date(2024, 3, 5)
    midnight = dt.datetime(2024, 3, 5, tzinfo=dt.timezone.utc)
    first = min(row["time"] for row in graph.subgraph(["X"], hops=9, start=day).transactions.to_dicts())
    before = [row["time"] for row in graph.subgraph(["M"], hops=9, end=first).transactions.to_dicts()]
    assert midnight <= first
    assert before
    assert max(before) < first
    with pytest.raises(ValueError, match="end must be later"):
        graph.components(start=day, end=day)


def test_answers_are_written_whole_and_never_over_others(tiny, tiny_files, tmp_path):
    trace = tiny("trace_fifo").trace(tiny_files / "trace_fifo" / "seeds.csv")
    trace.write(tmp_path / "trace")
    files = sorted(file.name for file in (tmp_path / "trace").iterdir())
    tables = ("flows", "holdings", "sinks", "entries", "exits")
    tables = [f"{name}.{ending}" for name in tables for ending in ("csv", "parquet")]
    assert files == sorted([*tables, "ledger.json"])
    assert json.loads((tmp_path / "trace" / "ledger.json").read_text()) == trace.ledger
    with pytest.raises(FileExistsError) as caught:
        trace.write(tmp_path / "trace")
    assert caught.value.filename == str(tmp_path / "trace")
    tiny("identity_ring").identity_rings().write(tmp_path / "rings")
    assert (tmp_path / "rings" / "members.csv").read_text().startswith("ring,account\n")


def test_a_subgraph_becomes_a_network_and_files(tiny, tiny_files, tmp_path):
    networkx = pytest.importorskip("networkx")
    subgraph = tiny("cycle").subgraph(["A"], hops=9)
    network = subgraph.to_networkx()
    planted = {row["transaction"] for row in rows(tiny_files / "cycle" / "truth_transactions.csv")}
    assert {key for _, _, key in network.edges(keys=True)} >= planted
    assert network.edges["A", "B", "T2"]["amount_minor"] == 500_000
    assert network.nodes["A"]["hop"] == 0
    assert network.number_of_nodes() == subgraph.num_accounts
    assert network.number_of_edges() == subgraph.num_transactions
    for name in ("a.graphml", "a.json", "a.csv"):
        subgraph.write(tmp_path / name, reveal=True)
    again = networkx.read_graphml(tmp_path / "a.graphml")
    assert set(again.nodes) == set(network.nodes)
    with open(tmp_path / "a.json", encoding="utf-8") as file:
        linked = networkx.node_link_graph(json.load(file), edges="edges")
    assert set(linked.edges(keys=True)) == set(network.edges(keys=True))
    with pytest.raises(rf.OptionError, match="graphml"):
        subgraph.write(tmp_path / "a.xlsx", reveal=True)


def test_a_subgraph_that_was_cut_says_so(tiny):
    graph = tiny("fan_in")
    assert not graph.subgraph(["H"]).truncated
    cut = graph.subgraph(["H"], accounts_max=3)
    assert cut.truncated
    assert cut.num_accounts == 3
    assert "truncated" in repr(cut)


def test_a_synthetic_bank_is_ingested_and_its_rings_are_found(graph, bank):
    info = graph.info()
    assert info["num_transactions"] == 5_000
    assert {kind["name"] for kind in info["kinds"]} >= {"device", "phone", "email", "ssn"}
    planted: dict[str, set[str]] = {}
    for row in rows(bank / "truth_rings.csv"):
        if row["typology"] == "identity_ring":
            planted.setdefault(row["ring"], set()).add(row["account"])
    found: dict[int, set[str]] = {}
    for row in graph.identity_rings().members.to_dicts():
        found.setdefault(row["ring"], set()).add(row["account"])
    assert planted
    for members in planted.values():
        assert any(members <= ring for ring in found.values())


def test_the_same_seed_gives_the_same_bank(bank, tmp_path):
    rf.synth(tmp_path / "again", transactions=5_000, seed=7)
    rf.synth(tmp_path / "other", transactions=5_000, seed=8)
    first = (bank / "transactions.csv").read_bytes()
    assert (tmp_path / "again" / "transactions.csv").read_bytes() == first
    assert (tmp_path / "other" / "transactions.csv").read_bytes() != first


def test_answers_do_not_depend_on_the_number_of_threads(graph, bank):
    def answers(threads):
        return [
            graph.components(over="both", threads=threads).table(threads=threads).to_dicts(),
            graph.identity_rings(threads=threads).evidence.to_dicts(),
            graph.trace(bank / "seeds.csv", joint=False, threads=threads).flows.to_dicts(),
        ]

    assert answers(1) == answers(2) == answers(5) == answers(None)
