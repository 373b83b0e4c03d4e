"""`Graph.origins`: where the money of a payment or a balance came from."""

from __future__ import annotations

import json

import pytest

import ringfence as rf


@pytest.fixture(scope="module")
def held(graph, bank):
    """The largest holdings of a trace."""
    return graph.trace(bank / "seeds.csv").holdings.to_dicts()[:4]


def balances(held):
    """Targets: what these accounts held when the money last came."""
    names = ("account", "currency")
    return [
        {"name": f"target {number}", "time": row["last_receipt"], **{name: row[name] for name in names}}
        for number, row in enumerate(held)
    ]


@pytest.mark.parametrize("policy", ["fifo", "lifo", "haircut"])
def test_origins_sum_to_their_target(graph, held, policy):
    found = graph.origins(balances(held), policy=policy)
    assert [row["target"] for row in found.summary["targets"]] == [f"target {number}" for number in range(len(held))]
    for target in found.summary["targets"]:
        parts = [row for row in found.origins.to_dicts() if row["target"] == target["target"]]
        assert sum(row["amount_minor"] for row in parts) == int(target["amount_minor"])
        assert sum(row["share"] for row in parts) == pytest.approx(1)
    assert policy in repr(found)
    assert "a scenario, not an entitlement" in found._repr_html_()


def test_downstream_and_upstream_agree(tiny, tiny_files):
    graph = tiny("trace_fifo")
    trace = graph.trace(tiny_files / "trace_fifo" / "seeds.csv")
    for row in trace.holdings.to_dicts():
        target = {"name": "t", "account": row["account"], "currency": "USD", "time": "2024-12-31"}
        whose = {origin["origin"]: origin["amount_minor"] for origin in graph.origins([target]).origins.to_dicts()}
        # The seed is all that V ever paid.
        assert whose["V"] == row["amount_minor"]


def test_a_payment_can_be_a_target(tiny):
    graph = tiny("trace_fifo")
    found = graph.origins([{"name": "rent", "transaction": "T4"}], paths_max=0)
    assert {row["origin"]: row["amount_minor"] for row in found.origins.to_dicts()} == {"B": 10_000, "V": 2_001}
    assert {row["origin"] for row in found.paths.to_dicts()} == {"B", "V"}
    assert graph.origins([{"name": "rent", "transaction": "T4"}]).paths is None
    both = [{"name": "a", "kind": "transaction", "transaction": "T4"}, {**balances_of_x(), "kind": "balance"}]
    assert {row["target"] for row in graph.origins(both).origins.to_dicts()} == {"a", "x"}


def balances_of_x():
    return {"name": "x", "account": "X", "currency": "USD", "time": "2024-12-31"}


def test_named_origins_and_hops_end_the_search(tiny):
    graph = tiny("trace_fifo")
    whole = {row["origin"] for row in graph.origins([balances_of_x()]).origins.to_dicts()}
    assert whole <= {"B", "V", "M"}
    for more in ({"origins": ["M"]}, {"max_hops": 1}):
        (row,) = graph.origins([balances_of_x()], **more).origins.to_dicts()
        assert (row["origin"], row["share"]) == ("M", 1)


def test_targets_may_be_frames(graph, held):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    given = balances(held)
    by_rows = graph.origins(given, paths_max=5)
    for frame in (pandas.DataFrame(given), polars.DataFrame(given), polars.DataFrame(given).to_arrow()):
        again = graph.origins(frame, paths_max=5)
        for name in ("origins", "flows", "paths"):
            assert getattr(again, name).to_dicts() == getattr(by_rows, name).to_dicts()
    assert polars.DataFrame(by_rows.origins)["amount_minor"].sum() > 0


def test_a_file_is_written_with_everything(graph, held, tmp_path):
    found = graph.origins(balances(held), paths_max=5)
    found.write(tmp_path / "origins")
    names = {"origins", "flows", "paths"}
    assert {file.stem for file in (tmp_path / "origins").glob("*.parquet")} == names
    assert json.loads((tmp_path / "origins" / "summary.json").read_text()) == found.summary


@pytest.mark.parametrize(
    ("more", "error", "complaint"),
    [
        ({"policy": "tainted_first"}, rf.OptionError, "upstream"),
        ({"max_hops": 0}, rf.OptionError, "max_hops"),
        ({"lots_max": 1}, rf.LimitExceededError, "lots"),
    ],
)
def test_what_has_no_meaning_upstream_is_refused(graph, held, more, error, complaint):
    with pytest.raises(error, match=complaint):
        graph.origins(balances(held), **more)


def test_a_target_that_is_not_possible_is_named_by_its_row(graph, held):
    good, other = balances(held)[:2]
    with pytest.raises(rf.InputError, match="targets.*line 3"):
        graph.origins([good, {**other, "amount": "999999999.00"}])
    with pytest.raises(rf.InputError, match="line 3.*two targets"):
        graph.origins([good, {**other, "name": good["name"]}])
    with pytest.raises(rf.UnknownKeyError, match="line 3"):
        graph.origins([good, {**other, "account": "nobody"}])
