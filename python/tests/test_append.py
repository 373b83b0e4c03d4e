"""Appending: a store that got its rows in parts answers like one that got them at once."""

from __future__ import annotations

import pytest

import ringfence as rf

polars = pytest.importorskip("polars")

ROWS = {
    "transaction": ["t1", "t2", "t3", "t4"],
    "source": ["a", "b", "c", "a"],
    "destination": ["b", "c", "a", "d"],
    "time": ["2024-01-05T00:00:00Z", "2024-02-01T00:00:00Z", "2024-02-03T00:00:00Z", "2024-01-02T00:00:00Z"],
    "amount": ["10.00", "4.00", "3.00", "1.00"],
    "currency": ["EUR", "EUR", "EUR", "USD"],
}


@pytest.fixture
def frame():
    return polars.DataFrame(ROWS)


def test_frames_in_parts_are_one_graph(frame, tmp_path):
    at_once = rf.ingest(tmp_path / "at-once", [frame[:2], frame[2:]], preset="ledger")
    first = rf.ingest(tmp_path / "in-parts", frame[:2], preset="ledger")
    second = first.append(frame[2:])
    assert (first.num_transactions, second.num_transactions) == (2, 4)
    assert (first.info()["generation"], second.info()["generation"]) == (1, 2)
    assert second.info()["currencies"] == at_once.info()["currencies"]
    assert second.components().table().to_dicts() == at_once.components().table().to_dicts()
    assert rf.open(tmp_path / "in-parts").num_transactions == 4
    assert rf.verify(tmp_path / "in-parts", full=True)


def test_what_is_there_is_refused_and_nothing_changes(frame, tmp_path):
    graph = rf.ingest(tmp_path / "graph", frame[:2], preset="ledger")
    with pytest.raises(rf.InputError, match="generation 1 holds it already"):
        graph.append(frame[:2])
    with pytest.raises(rf.OptionError, match="at least one source"):
        graph.append()
    with pytest.raises(rf.RejectsError):
        graph.append(frame[2:].with_columns(polars.lit("ten").alias("amount")))
    assert rf.open(tmp_path / "graph").info() == graph.info()


def test_accounts_and_links_come_later(frame, tmp_path):
    graph = rf.ingest(tmp_path / "graph", frame, preset="ledger")
    accounts = polars.DataFrame({"account": ["a", "x"], "risk": [3, 1]})
    links = polars.DataFrame({"account": ["a", "x"], "kind": ["phone"] * 2, "value": ["0123"] * 2})
    more = graph.append(accounts=accounts, links=links)
    assert more.num_accounts == graph.num_accounts + 1
    shared = more.components(over="identifiers").table().to_dicts()
    assert len({row["component"] for row in shared if row["account"] in {"a", "x"}}) == 1


def test_corrections_and_reversals_are_rows_that_point_at_others(tmp_path):
    columns = ["transaction", "source", "destination", "time", "amount", "currency", "corrects", "reverses"]
    first = [
        ("t1", "a", "b", "2024-01-05T00:00:00Z", "10.00", "EUR", None, None),
        ("t2", "c", "d", "2024-01-06T00:00:00Z", "4.00", "EUR", None, None),
    ]
    later = [
        ("t3", "a", "c", "2024-01-05T00:00:00Z", "9.00", "EUR", "t1", None),
        ("t4", "d", "c", "2024-02-01T00:00:00Z", "1.50", "EUR", None, "t2"),
        ("t5", "d", "c", "2024-02-02T00:00:00Z", "2.51", "EUR", None, "t2"),
    ]
    texts = dict.fromkeys(columns, polars.String)
    frames = [polars.DataFrame(rows, schema=texts, orient="row") for rows in (first, later)]
    graph = rf.ingest(tmp_path / "graph", frames[0], preset="ledger")
    with pytest.raises(rf.RejectsError, match="reversal-exceeds"):
        graph.append(frames[1])
    after = graph.append(frames[1], max_rejects=50)
    assert (graph.num_transactions, after.num_transactions) == (2, 4)

    def together(graph):
        components = {row["account"]: row["component"] for row in graph.components().table().to_dicts()}
        return {frozenset(a for a in "abcd" if components.get(a) == components.get(b)) for b in "abcd"}

    # The payment from a to b was one from a to c: nobody paid b, and nothing joins them.
    assert together(graph) == {frozenset("ab"), frozenset("cd")}
    assert together(after) == {frozenset("b"), frozenset("acd")}
    shown = after.subgraph(["a"], hops=9).transactions.to_dicts()
    said = {row["id"]: (row["corrects"], row["reverses"]) for row in shown}
    assert said == {"t2": (None, None), "t3": ("t1", None), "t4": (None, "t2")}
    seeds = polars.DataFrame({"case": ["1"], "transaction": ["t1"]})
    assert [row["transaction"] for row in graph.trace(seeds).flows.to_dicts()] == ["t1"]
    with pytest.raises(rf.InputError, match="was corrected"):
        after.trace(seeds)
    assert rf.verify(tmp_path / "graph", full=True)
