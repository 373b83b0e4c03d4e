"""Compacting: a graph that was cut otherwise is the graph that was made so."""

from __future__ import annotations

import pytest

import ringfence as rf

polars = pytest.importorskip("polars")

ROWS = {
    "transaction": ["t1", "t2", "t3", "t4"],
    "source": ["a", "b", "c", "a"],
    "destination": ["b", "c", "a", "d"],
    "time": ["2024-01-05T00:00:00Z", "2024-02-01T00:00:00Z", "2024-02-03T00:00:00Z", "2025-01-02T00:00:00Z"],
    "amount": ["10.00", "4.00", "3.00", "1.00"],
    "currency": ["EUR", "EUR", "EUR", "USD"],
}


def segments(graph):
    return [(each["partition"], each["sha256"]) for each in graph.info()["segments"]]


def test_a_graph_is_cut_otherwise_and_back(tmp_path):
    frame = polars.DataFrame(ROWS)
    months = rf.ingest(tmp_path / "graph", frame, preset="ledger")
    made = rf.ingest(tmp_path / "made", frame, preset="ledger", partition="year")
    years = months.compact("year")
    assert segments(years) == segments(made)
    assert (months.info()["generation"], years.info()["generation"]) == (1, 2)
    assert years.components().table().to_dicts() == months.components().table().to_dicts()
    assert rf.verify(tmp_path / "graph", full=True)
    assert segments(years.compact("month")) == segments(months)


def test_what_has_the_width_is_left_as_it_is(tmp_path):
    graph = rf.ingest(tmp_path / "graph", polars.DataFrame(ROWS), preset="ledger")
    assert graph.compact("month").info() == graph.info()
    with pytest.raises(rf.OptionError, match="week, month, year or none"):
        graph.compact("day")
