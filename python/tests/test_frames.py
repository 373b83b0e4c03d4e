"""Frames of other libraries make the same graph as the files they were read from, to the byte."""

from __future__ import annotations

import hashlib

import pytest

import ringfence as rf


def content(graph: rf.Graph) -> dict[str, str]:
    """Digest of every file of transactions and keys."""
    files = [file for folder in ("segments", "keys") for file in (graph.path / folder).iterdir()]
    assert files
    return {f"{file.parent.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def polars_texts(path):
    """The columns as texts, empty fields as null."""
    polars = pytest.importorskip("polars")
    return polars.read_csv(path, infer_schema=False)


def polars_typed(path):
    polars = pytest.importorskip("polars")
    return polars_texts(path).with_columns(
        polars.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC"),
        polars.col("amount", "received_amount").cast(polars.Decimal(20, 2)),
        polars.col("currency", "channel").cast(polars.Categorical),
    )


def pandas_texts(path):
    pandas = pytest.importorskip("pandas")
    return pandas.read_csv(path, dtype="str")


def pandas_typed(path):
    pandas = pytest.importorskip("pandas")
    frame = pandas_texts(path)
    frame["time"] = pandas.to_datetime(frame["time"])
    return frame


def pyarrow_table(path):
    pytest.importorskip("pyarrow")
    return polars_texts(path).to_arrow()


def pyarrow_stream(path):
    """A stream that Python makes as it is pulled."""
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow_table(path)
    batches = table.to_batches(max_chunksize=170)
    return pyarrow.RecordBatchReader.from_batches(table.schema, (batch for batch in batches))


def arrow_array(path):
    """A record batch that offers no stream, only an array."""

    class OnlyArray:
        def __init__(self, batch):
            self.batch = batch

        def __arrow_c_array__(self, requested_schema=None):
            return self.batch.__arrow_c_array__(requested_schema)

    return OnlyArray(pyarrow_table(path).combine_chunks().to_batches()[0])


def duckdb_relation(path):
    duckdb = pytest.importorskip("duckdb")
    return duckdb.sql(f"select * from read_csv('{path}', all_varchar = true, header = true)")


FRAMES = [
    polars_texts,
    polars_typed,
    pandas_texts,
    pandas_typed,
    pyarrow_table,
    pyarrow_stream,
    arrow_array,
    duckdb_relation,
]


@pytest.mark.parametrize("make", FRAMES, ids=lambda make: make.__name__)
def test_a_frame_makes_the_same_graph_as_its_file(make, bank, graph, tmp_path):
    other = rf.ingest(
        tmp_path / "frame.graph",
        make(bank / "transactions.csv"),
        accounts=polars_texts(bank / "accounts.csv"),
        links=polars_texts(bank / "links.csv"),
        preset="ledger",
    )
    assert content(other) == content(graph)
    ours, theirs = other.info(), graph.info()
    for name in ("num_accounts", "num_transactions", "currencies", "kinds", "channels", "labels", "first", "last"):
        assert ours[name] == theirs[name]


TWO = {
    "transaction": ["t1", "t2"],
    "source": ["a", "b"],
    "destination": ["b", "c"],
    "time": ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"],
    "amount": ["1.00", "2.00"],
    "currency": ["EUR", "EUR"],
}
#: Optional columns, in which no row has a value.
ABSENT = ["received_amount", "received_currency", "device", "channel", "label", "corrects", "reverses"]
NOTHING = [None, None]


def polars_frame(columns):
    return pytest.importorskip("polars").DataFrame(columns)


def pyarrow_frame(columns):
    return pytest.importorskip("pyarrow").table(columns)


def pandas_frame(columns):
    return pytest.importorskip("pandas").DataFrame(columns)


def one_array(columns):
    """A record batch that offers no stream, only an array."""
    arrays = pyarrow_frame(columns).to_batches()[0]

    class OnlyArray:
        def __arrow_c_array__(self, requested_schema=None):
            return arrays.__arrow_c_array__(requested_schema)

    return OnlyArray()


MAKERS = pytest.mark.parametrize("make", [polars_frame, pyarrow_frame, pandas_frame, one_array])


@MAKERS
def test_a_column_without_any_value_is_missing_throughout(make, tmp_path):
    columns = TWO | dict.fromkeys(ABSENT, NOTHING) | {"note": NOTHING}
    rows = [",".join(columns), *(",".join(value or "" for value in row) for row in zip(*columns.values(), strict=True))]
    (tmp_path / "empty.csv").write_text("\n".join(rows) + "\n")
    file = rf.ingest(tmp_path / "file", tmp_path / "empty.csv", preset="ledger")
    graph = rf.ingest(tmp_path / "wide", make(columns), preset="ledger")
    assert content(graph) == content(file)
    # A later delivery, and tables of accounts and links.
    more = make(TWO | dict.fromkeys(ABSENT, NOTHING) | {"transaction": ["t3", "t4"]})
    accounts = make({"account": ["a", "b"], "city": NOTHING})
    links = make({"account": ["a", "b"], "kind": ["phone"] * 2, "value": ["1"] * 2, "first_seen": NOTHING})
    grown = graph.append(more, accounts=accounts, links=links)
    assert grown.num_transactions == 4 and grown.num_accounts == 3
    assert rf.verify(tmp_path / "wide", full=True)


@MAKERS
@pytest.mark.parametrize("column", list(TWO))
def test_a_needed_column_without_any_value_is_refused_with_the_row(make, column, tmp_path):
    reason = "empty-key" if column in ("transaction", "source", "destination") else "missing-value"
    frame = make(TWO | {column: NOTHING})
    with pytest.raises(rf.RejectsError, match=f"2 of 2 rows .*record 1, column {column}: {reason}"):
        rf.ingest(tmp_path / "graph", frame, preset="ledger")
    assert not (tmp_path / "graph").exists()


def test_lists_of_nothing_beside_what_is_used_are_no_hindrance(tmp_path):
    polars = pytest.importorskip("polars")
    nested = {"empty": polars.Series([[], []]), "deep": polars.Series([{"x": None}, {"x": None}])}
    graph = rf.ingest(tmp_path / "graph", polars.DataFrame(TWO | nested), preset="ledger")
    assert graph.num_transactions == 2


def test_several_frames_and_files_are_read_one_after_another(bank, tmp_path):
    whole = polars_texts(bank / "transactions.csv")
    whole.head(2_000).write_csv(tmp_path / "head.csv")
    parts = [tmp_path / "head.csv", whole.slice(2_000, 1_000), whole.slice(3_000)]
    graph = rf.ingest(tmp_path / "parts.graph", parts, preset="ledger")
    once = rf.ingest(tmp_path / "whole.graph", whole, preset="ledger")
    assert graph.num_transactions == once.num_transactions == len(whole)
    assert graph.components().table().to_dicts() == once.components().table().to_dicts()
    assert [source["read"] for source in graph.info()["sources"]] == [2_000, 1_000, 2_000]


MAPPING = """
[transactions]
source = "from"
destination = "to"
time = "when"
time_format = "unix-s"
amount = "value"
currency = { constant = "EUR" }
"""


def test_a_mapping_may_be_a_dict_a_text_or_a_file(tmp_path):
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "t.csv").write_text("from,to,when,value\na,b,1700000000,1.50\nb,c,1700000001,2\n")
    mapping = {
        "transactions": {
            "source": "from",
            "destination": "to",
            "time": "when",
            "time_format": "unix-s",
            "amount": "value",
            "currency": {"constant": "EUR"},
        }
    }
    forms = [mapping, MAPPING, tmp_path / "mapping.toml", str(tmp_path / "mapping.toml")]
    graphs = [
        rf.ingest(tmp_path / f"{number}.graph", tmp_path / "t.csv", mapping=form)
        for number, form in enumerate(forms)
    ]
    assert len({frozenset(content(graph).items()) for graph in graphs}) == 1
    assert graphs[0].info()["currencies"][0]["amount_minor"] == 350


def test_a_mapping_or_a_preset_is_needed_and_not_both(tmp_path, tiny_files):
    file = tiny_files / "cycle" / "transactions.csv"
    for more in ({}, {"preset": "ledger", "mapping": MAPPING}):
        with pytest.raises(rf.OptionError, match="preset"):
            rf.ingest(tmp_path / "g", file, **more)
    with pytest.raises(rf.InputError, match="did you mean `ledger`"):
        rf.ingest(tmp_path / "g", file, preset="leger")
    with pytest.raises(rf.InputError, match="mapping"):
        rf.ingest(tmp_path / "g", file, mapping={"transactions": {"sauce": "x"}})
    assert not (tmp_path / "g").exists()


def test_a_stream_that_fails_fails_the_ingest_and_leaves_nothing(bank, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow_table(bank / "transactions.csv")

    def batches():
        yield from table.to_batches(max_chunksize=100)[:3]
        raise RuntimeError("the source broke")

    reader = pyarrow.RecordBatchReader.from_batches(table.schema, batches())
    with pytest.raises(rf.InputError, match="the source broke"):
        rf.ingest(tmp_path / "g", reader, preset="ledger")
    assert not (tmp_path / "g").exists()


def test_what_is_no_table_is_refused(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    with pytest.raises(TypeError, match="no table"):
        rf.ingest(tmp_path / "g", pyarrow.array([1, 2]), preset="ledger")
    with pytest.raises(TypeError):
        rf.ingest(tmp_path / "g", 7, preset="ledger")
    with pytest.raises(rf.OptionError, match="transactions"):
        rf.ingest(tmp_path / "g", [], preset="ledger")


def test_rejected_rows_are_counted_limited_and_written(tmp_path):
    rows = [f"T{number},A,B,2024-01-01T00:00:00Z,1.00,USD" for number in range(9)]
    lines = ["transaction,source,destination,time,amount,currency", *rows, "T9,A,B,yesterday,1.00,USD"]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(rf.RejectsError) as caught:
        rf.ingest(tmp_path / "g", tmp_path / "t.csv", preset="ledger", rejects=tmp_path / "r.csv")
    error = caught.value
    assert (error.rejected, error.read, error.reject_file) == (1, 10, str(tmp_path / "r.csv"))
    assert not (tmp_path / "g").exists()
    assert "yesterday" in (tmp_path / "r.csv").read_text()
    graph = rf.ingest(
        tmp_path / "g",
        tmp_path / "t.csv",
        preset="ledger",
        max_rejects=10.0,
        rejects=tmp_path / "again.csv",
    )
    assert graph.num_transactions == 9
    assert graph.info()["sources"][0]["rejected"] == 1
    assert len((tmp_path / "again.csv").read_text().splitlines()) == 2
