"""`Graph.trace`: every option means what it says, from files, frames and rows alike."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

import pytest

import ringfence as rf

TINY = Path(__file__).resolve().parents[2] / "datasets" / "tiny"
POLICIES = ("fifo", "lifo", "haircut", "clean_first", "tainted_first")
COLUMNS = ("case", "transaction", "tainted_paid_minor", "tainted_received_minor", "hop")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def only(row, names):
    return {name: str(row[name]) for name in names}


def tables(trace):
    """Everything that a trace says, the digests of its inputs aside."""
    names = ("flows", "holdings", "sinks", "entries", "exits")
    said = {name: getattr(trace, name).to_dicts() for name in names}
    return {**said, "cases": trace.ledger["cases"]}


@pytest.fixture
def seeds(bank):
    return bank / "seeds.csv"


def worked_out():
    return [tuple(row.values()) for row in rows(TINY / "traces.csv")]


@pytest.mark.parametrize(("folder", "policy", "opening"), [case for case in worked_out() if case[1] != "poison"])
def test_every_policy_gives_what_was_worked_out_on_paper(tiny, folder, policy, opening):
    trace = tiny(folder).trace(TINY / folder / "seeds.csv", policy=policy, opening=opening)
    assert isinstance(trace, rf.Trace)
    flows = [only(row, COLUMNS) for row in trace.flows.to_dicts()]
    assert flows == [only(row, COLUMNS) for row in rows(TINY / folder / "flows.csv")]
    names = ("case", "account", "currency", "amount_minor")
    assert [only(row, names) for row in trace.holdings.to_dicts()] == rows(TINY / folder / "holdings.csv")
    assert (trace.ledger["policy"], trace.ledger["opening"]) == (policy, opening)


def test_worked_examples_are_there_for_every_policy():
    assert {policy for _, policy, _ in worked_out()} == {*POLICIES, "poison"}


def test_poison_is_contacts_and_never_money(tiny, tmp_path):
    folder = TINY / "trace_poison"
    contacts = tiny("trace_poison").trace(folder / "seeds.csv", policy="poison")
    assert isinstance(contacts, rf.Contacts)
    assert [only(row, COLUMNS) for row in contacts.flows.to_dicts()] == [
        only(row, COLUMNS) for row in rows(folder / "flows.csv")
    ]
    reached = contacts.contacts.to_dicts()
    assert sorted(row["account"] for row in reached) == [row["account"] for row in rows(folder / "exposed.csv")]
    assert len(contacts) == len(reached)
    assert not any(hasattr(contacts, name) for name in ("holdings", "sinks"))
    assert "exposure, not money" in repr(contacts)
    contacts.write(tmp_path / "contacts")
    assert json.loads((tmp_path / "contacts" / "ledger.json").read_text()) == contacts.ledger
    assert contacts.ledger["result"] == "exposure"


def test_a_trace_says_under_which_rules_it_holds(graph, seeds):
    trace = graph.trace(seeds, policy="lifo", opening="minimal", start="2024-01-02", until="2024-01-30T00:00:00Z")
    for text in (repr(trace), trace._repr_html_()):
        for said in ("policy lifo", "opening minimal", "[2024-01-02T00:00:00Z, …)", "until 2024-01-30T00:00:00Z"):
            assert said in text
        assert "a scenario, not an entitlement" in text
    assert "<table>" in trace._repr_html_()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("joint", [True, False])
def test_every_policy_conserves_what_seeds_claim(graph, seeds, policy, joint):
    trace = graph.trace(seeds, policy=policy, joint=joint, sinks_degree_above=200, dust=100, max_hops=3)
    terms = ("held", "at_sinks", "dust", "superseded", "converted_out", "fees")
    books = [row for case in trace.ledger["cases"] for row in case["ledger"]]
    assert books
    for row in books:
        accounted = sum(int(row[f"{term}_minor"]) for term in terms)
        assert int(row["seeded_minor"]) + int(row["converted_in_minor"]) == accounted
    assert trace.ledger["joint"] is joint
    assert (trace.ledger["dust_minor"], trace.ledger["max_hops"]) == (100, 3)
    assert max(row["hop"] for row in trace.flows.to_dicts()) <= 3
    assert {row["stop"] for row in trace.sinks.to_dicts()} <= {"sink", "max_hops"}


def frames(path):
    """The rows of a CSV file in every form that may be given instead of it."""
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    return {
        "text": str(path),
        "rows": rows(path),
        "pandas": pandas.read_csv(path),
        "polars": polars.read_csv(path, try_parse_dates=True),
        "pyarrow": polars.read_csv(path, infer_schema=False).to_arrow(),
    }


@pytest.mark.parametrize("form", ["text", "rows", "pandas", "polars", "pyarrow"])
def test_seeds_balances_and_sinks_may_come_in_any_form(graph, bank, tmp_path, form):
    reached = [row["account"] for row in graph.trace(bank / "seeds.csv").holdings.to_dicts()]
    (tmp_path / "sinks.csv").write_text("account\n" + "\n".join(reached[:3]) + "\n")
    files = {"seeds": bank / "seeds.csv", "balances": bank / "balances.csv", "sinks": tmp_path / "sinks.csv"}
    given = {name: frames(path)[form] for name, path in files.items()}
    by_file = graph.trace(files.pop("seeds"), opening="given", **files)
    by_form = graph.trace(given.pop("seeds"), opening="given", **given)
    assert tables(by_form) == tables(by_file)
    assert by_file.ledger["opening"] == "given"
    assert by_file.ledger["sinks"]["num_accounts"] == 3


def test_openings_are_three_different_assumptions(graph, bank, seeds):
    pytest.importorskip("pyarrow")
    openings = {"just_in_time": {}, "minimal": {}, "given": {"balances": bank / "balances.csv"}}
    held = {name: graph.trace(seeds, opening=name, **more).holdings.to_dicts() for name, more in openings.items()}
    assert len({json.dumps(table, default=str) for table in held.values()}) == 3
    with pytest.raises(rf.OptionError, match="balances") as caught:
        graph.trace(seeds, opening="given")
    assert caught.value.name == "opening"


def test_statements_that_the_data_do_not_explain_are_named(tiny):
    graph, seeds = tiny("trace_fifo"), TINY / "trace_fifo" / "seeds.csv"
    received = sum(int(row["amount"].replace(".", "")) for row in graph_rows("trace_fifo") if row["destination"] == "Q")
    statements = [
        {"account": "Q", "currency": "USD", "time": dt.datetime(2024, 3, 9), "amount_minor": received + 5},
        {"account": "Q", "currency": "USD", "time": dt.datetime(2024, 3, 10), "amount_minor": received},
    ]
    trace = graph.trace(seeds, balances=statements)
    (row,) = trace.balance_breaks.to_dicts()
    assert (row["account"], row["stated_minor"], row["computed_minor"]) == ("Q", received + 5, received)
    assert row["difference_minor"] == 5
    assert trace.ledger["balances"]["num_statements"] == 2
    assert graph.trace(seeds).balance_breaks is None


def graph_rows(folder):
    return rows(TINY / folder / "transactions.csv")


def test_sinks_are_found_by_attribute_and_by_degree(graph, bank, seeds):
    accounts = rows(bank / "accounts.csv")
    merchants = {row["account"] for row in accounts if row["kind"] == "merchant"}
    payers = {row["account"] for row in accounts if row["kind"] in ("merchant", "person")}
    trace = graph.trace(seeds, policy="haircut", sinks_where={"kind": "merchant"})
    assert trace.ledger["sinks"]["num_accounts"] == len(merchants)
    stopped = {row["account"] for row in trace.sinks.to_dicts()}
    assert stopped
    assert stopped <= merchants
    assert not merchants & {row["source"] for row in trace.flows.to_dicts() if row["hop"]}
    both = graph.trace(seeds, sinks_where={"kind": ["merchant", "person"]})
    assert both.ledger["sinks"]["num_accounts"] == len(payers)
    degree: dict[str, int] = {}
    for row in rows(bank / "transactions.csv"):
        for end in ("source", "destination"):
            degree[row[end]] = degree.get(row[end], 0) + 1
    by_degree = graph.trace(seeds, sinks_degree_above=60)
    assert by_degree.ledger["sinks"]["num_accounts"] == sum(count > 60 for count in degree.values())
    with pytest.raises(rf.UnknownKeyError) as caught:
        graph.trace(seeds, sinks_where={"shoe size": 43})
    assert caught.value.key == "shoe size"


RATES = [("EUR", "1.25"), ("JPY", "0.0072"), ("GBP", "1.5")]


def test_money_pools_by_value_at_given_rates(graph, seeds):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    given = [{"currency": code, "date": "2024-01-01", "rate": rate} for code, rate in RATES]
    trace = graph.trace(seeds, pooling="value", base="USD", rates=given)
    assert {row["currency"] for row in trace.holdings.to_dicts()} == {"USD"}
    used = {row["currency"]: row["rate"] for row in trace.rates.to_dicts()}
    assert used.keys() == {"USD", "EUR", "JPY", "GBP"}
    assert float(used["EUR"]) == 1.25
    assert trace.ledger["rates"]["derived"] is False
    day = dt.date(2024, 1, 1)
    dated = [{**row, "date": day} for row in given]
    stamped = pandas.DataFrame(given).assign(date=pandas.Timestamp(day))
    for form in (dated, stamped, polars.DataFrame(dated), polars.DataFrame(dated).to_arrow()):
        assert tables(graph.trace(seeds, pooling="value", base="USD", rates=form)) == tables(trace)
    assert graph.trace(seeds).rates is None


def test_rates_are_derived_from_the_conversions_of_the_graph(tiny):
    folder = TINY / "trace_fifo_conversion"
    graph = tiny("trace_fifo_conversion")
    trace = graph.trace(folder / "seeds.csv", pooling="value", base="USD")
    assert trace.ledger["rates"]["derived"] is True
    assert {row["currency"] for row in trace.rates.to_dicts()} >= {"USD"}
    assert "tainted_paid_value" in trace.flows.column_names
    with pytest.raises(rf.OptionError) as caught:
        graph.trace(folder / "seeds.csv", base="USD")
    assert caught.value.name == "base"


def test_balance_seeds_claim_what_is_there(tiny):
    graph = tiny("trace_fifo")
    seed = {"case": "C", "kind": "balance", "account": "X", "currency": "USD", "time": "2024-03-04T12:00:00Z"}
    trace = graph.trace([seed])
    (entry,) = trace.entries.to_dicts()
    assert (entry["account"], entry["amount_minor"]) == ("X", 12_001)
    assert sum(row["amount_minor"] for row in trace.holdings.to_dicts()) == 12_001
    later = graph.trace([{**seed, "amount": "10.00"}, {"case": "D", "kind": "transaction", "transaction": "T2"}])
    assert {row["case"] for row in later.holdings.to_dicts()} == {"C", "D"}


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"transaction": "T2", "amount": "60.01"}, "line 3.*T2"),
        ({"transaction": "T2", "amount": "0"}, "line 3"),
        ({"kind": "balance", "transaction": None, "account": "X", "currency": "USD"}, "line 3.*time is empty"),
        ({"kind": "wish", "transaction": "T2"}, "line 3.*wish"),
    ],
)
def test_a_seed_that_is_not_possible_is_named_by_its_row(tiny, more, complaint):
    given = [{"case": "C1", "kind": "transaction", "transaction": "T4", "account": None}, {"case": "C2", **more}]
    given = [{"kind": "transaction", **row} for row in given]
    with pytest.raises(rf.InputError, match=complaint):
        tiny("trace_fifo").trace(given)


def test_balances_and_rates_that_are_wrong_are_named_by_their_row(tiny):
    graph, seeds = tiny("trace_fifo"), TINY / "trace_fifo" / "seeds.csv"
    good = {"account": "M", "currency": "USD", "amount": 1}
    with pytest.raises(rf.UnknownKeyError, match="line 3"):
        graph.trace(seeds, balances=[good, {**good, "account": "nobody"}])
    with pytest.raises(rf.InputError, match="line 3"):
        graph.trace(seeds, balances=[good, {**good, "amount": 2}])
    with pytest.raises(rf.InputError, match="line 2"):
        graph.trace(seeds, pooling="value", base="USD", rates=[{"currency": "USD", "date": "someday", "rate": 1}])
    with pytest.raises(rf.OptionError, match="rates"):
        graph.trace(seeds, rates=[{"currency": "USD", "date": "2024-01-01", "rate": 1}])


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"pooling": "mud"}, "pooling"),
        ({"pooling": "value"}, "pooling"),
        ({"dust": -1}, "dust"),
        ({"max_hops": 0}, "max_hops"),
    ],
)
def test_options_out_of_range_are_refused_before_any_work(tiny, options, name):
    with pytest.raises(rf.OptionError) as caught:
        tiny("trace_fifo").trace(TINY / "trace_fifo" / "seeds.csv", **options)
    assert caught.value.name == name


def test_more_flows_than_allowed_are_an_error_and_not_a_shorter_answer(graph, seeds):
    with pytest.raises(rf.LimitExceededError, match="flows_max"):
        graph.trace(seeds, flows_max=1)


def test_what_is_written_is_what_was_shown(graph, seeds, tmp_path):
    polars = pytest.importorskip("polars")
    trace = graph.trace(seeds, policy="haircut", sinks_where={"kind": "merchant"})
    trace.write(tmp_path / "trace")
    for name in ("flows", "holdings", "sinks", "entries", "exits"):
        assert polars.read_parquet(tmp_path / "trace" / f"{name}.parquet").equals(getattr(trace, name).to_polars())


def test_tables_share_their_memory(graph, seeds):
    pyarrow = pytest.importorskip("pyarrow")
    trace = graph.trace(seeds, policy="haircut")
    first, second = pyarrow.table(trace.flows), pyarrow.table(trace.flows)
    for name in ("time", "tainted_paid_minor"):
        assert first[name].chunk(0).buffers()[1].address == second[name].chunk(0).buffers()[1].address
