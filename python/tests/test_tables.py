"""Tables leave without a copy, read-only, in the form that each library likes."""

from __future__ import annotations

import datetime as dt

import pytest

import ringfence as rf


@pytest.fixture
def trace(tiny, tiny_files) -> rf.Trace:
    return tiny("trace_fifo").trace(tiny_files / "trace_fifo" / "seeds.csv")


@pytest.fixture
def table(trace) -> rf.Table:
    return trace.flows


def test_every_library_reads_the_same_rows(table):
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    rows = table.to_dicts()
    assert len(rows) == len(table) > 3
    assert list(rows[0]) == table.column_names
    assert table.to_arrow().to_pylist() == rows
    assert table.to_polars().to_dicts() == rows
    assert polars.DataFrame(table).to_dicts() == rows
    assert pyarrow.table(table).schema == pyarrow.schema(table)
    frame = table.to_pandas()
    amounts = [row["tainted_received_minor"] for row in rows]
    assert frame["tainted_received_minor"].tolist() == amounts
    assert str(frame["time"].dt.tz) == "UTC"
    assert rows[0]["time"] == dt.datetime(2024, 3, 4, 10, tzinfo=dt.timezone.utc)


def test_duckdb_queries_a_table_in_place(table):
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    flows = table
    found = duckdb.sql("select sum(tainted_paid_minor) from flows").fetchall()
    assert found[0][0] == sum(row["tainted_paid_minor"] for row in flows.to_dicts())


def test_columns_leave_without_a_copy_and_cannot_be_written(trace):
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("numpy")
    first, second = pyarrow.table(trace.flows), pyarrow.table(trace.flows)
    for name in ("tainted_paid_minor", "hop", "time"):
        (once,), (twice,) = first[name].chunks, second[name].chunks
        assert once.buffers()[1].address == twice.buffers()[1].address
    values = first["tainted_paid_minor"].chunks[0].to_numpy(zero_copy_only=True)
    assert not values.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 7


def test_memory_outlives_the_table(tiny):
    pyarrow = pytest.importorskip("pyarrow")
    table = tiny("fan_in").components().table()
    kept, rows = pyarrow.table(table), table.to_dicts()
    del table
    assert kept.to_pylist() == rows


def test_a_limit_cuts_rows(table):
    assert table.to_dicts(2) == table.to_dicts()[:2]
    assert table.to_dicts(limit=0) == []


def test_people_see_ten_rows_and_how_many_there_are(graph):
    table = graph.components().table()
    text, html = repr(table), table._repr_html_()
    assert f"{len(table)} rows" in text
    assert "the first 10 shown" in text
    assert len(text.splitlines()) == 12
    assert html.count("<tr>") == 11
    assert f"{len(table)} rows" in html


def test_keys_cannot_act_in_a_page_or_a_terminal(tmp_path):
    (tmp_path / "t.csv").write_text(
        "transaction,source,destination,time,amount,currency\n"
        'T1,<script>alert(1)</script>,"a&""b\u202e",2024-01-01,1.00,USD\n',
        encoding="utf-8",
    )
    graph = rf.ingest(tmp_path / "g", tmp_path / "t.csv", preset="ledger")
    table = graph.components().table()
    html = table._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "a&amp;&quot;b" in html
    assert "\u202e" not in html + repr(table)
    assert {row["account"] for row in table.to_dicts()} == {"<script>alert(1)</script>", 'a&"b\u202e'}


def test_an_empty_table_is_a_table(tiny):
    pyarrow = pytest.importorskip("pyarrow")
    rings = tiny("cycle").identity_rings()
    assert len(rings) == len(rings.rings) == 0
    assert pyarrow.table(rings.rings).num_rows == 0
    assert rings.rings.to_dicts() == []
    assert "0 rows" in repr(rings.rings)


def test_results_cannot_be_changed_or_made_by_hand(table, tiny):
    with pytest.raises(AttributeError):
        table.column_names = []
    with pytest.raises(AttributeError):
        tiny("cycle").path = "elsewhere"
    kinds = [value for value in vars(rf).values() if isinstance(value, type) and value.__module__ == "ringfence"]
    assert rf.Trace in kinds
    for kind in kinds:
        with pytest.raises(TypeError):
            kind()


def test_sizes_count_the_accounts_of_each_component(tiny):
    found = tiny("cycle").components()
    table, sizes = found.table().to_dicts(), found.sizes.to_dicts()
    assert len(sizes) == len(found)
    for row in sizes:
        assert row["size"] == sum(1 for each in table if each["component"] == row["component"])
    large = found.table(size_min=3).to_dicts()
    assert large == [row for row in table if row["size"] >= 3]


def test_identifiers_are_masked_unless_they_are_asked_for(tiny):
    graph = tiny("identity_ring")
    masked, revealed = graph.identity_rings(), graph.identity_rings(reveal=True)
    hidden = {row["identifier"] for row in masked.evidence.to_dicts()}
    shown = {row["identifier"] for row in revealed.evidence.to_dicts()}
    assert all("#" in text for text in hidden)
    assert hidden.isdisjoint(shown)
    assert any(text.startswith("+999") for text in shown)
    assert len(hidden) == len(shown)
    network = graph.subgraph(["A2", "A3"], hops=0)
    names = {row["id"] for row in network.accounts.to_dicts()}
    assert any(name.startswith("phone#") for name in names)
    assert not any("+999" in name for name in names)


def test_hubs_tie_nobody_and_are_listed(tiny):
    strict = tiny("identity_ring").identity_rings(kinds=["device"], accounts_max=2)
    assert [row["num_accounts"] for row in strict.hubs.to_dicts()] == [3]
    assert {row["account"] for row in strict.members.to_dicts()} == {"A1", "A2"}
