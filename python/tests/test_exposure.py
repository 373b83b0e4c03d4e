"""`Graph.exposure` and `Graph.rank`: screening, and where to look next."""

from __future__ import annotations

import json

import pytest

import ringfence as rf


@pytest.fixture(scope="module")
def bad(graph, bank):
    """Accounts that took money of victims."""
    flows = graph.trace(bank / "seeds.csv").flows.to_dicts()
    return sorted({row["destination"] for row in flows if row["hop"] == 0})


def payments(graph, account):
    """All transfers of an account, as the graph has them."""
    rows = graph.subgraph([account], hops=1, transfers_only=True).transactions.to_dicts()
    return [row for row in rows if account in (row["source"], row["target"])]


def test_amounts_are_the_trace_of_all_that_the_sources_paid(graph, bad):
    source = bad[0]
    paid = [row["id"] for row in payments(graph, source) if row["source"] == source != row["target"]]
    seeds = [{"case": "bad", "transaction": key} for key in paid]
    held: dict[tuple[str, str], int] = {}
    for row in graph.trace(seeds, policy="haircut").holdings.to_dicts():
        held[row["account"], row["currency"]] = row["amount_minor"]
    found = graph.exposure([source])
    amounts = {
        (row["account"], row["currency"]): row["tainted_held_minor"]
        for row in found.amounts.to_dicts()
        if row["tainted_held_minor"] and row["role"] == "other"
    }
    assert amounts
    assert amounts == {key: amount for key, amount in held.items() if key[0] != source}


def test_every_pool_adds_up_and_the_books_close(graph, bad, bank):
    rules = {"opening": "given", "balances": bank / "balances.csv", "sinks_where": {"kind": "merchant"}}
    found = graph.exposure(bad, **rules)
    rows = found.amounts.to_dicts()
    assert rows
    for row in rows:
        assert row["tainted_received_minor"] == row["tainted_paid_minor"] + row["tainted_held_minor"]
        assert row["tainted_share"] == pytest.approx(row["tainted_received_minor"] / row["received_minor"])
    assert {"sink", "other"} <= {row["role"] for row in rows}
    for book in found.ledger["ledger"]:
        terms = ("held", "returned", "at_sinks", "converted_out", "fees")
        accounted = sum(int(book[f"{term}_minor"]) for term in terms)
        assert int(book["tainted_minor"]) + int(book["converted_in_minor"]) == accounted
    assert found.ledger["opening"] == "given"


def test_sources_may_have_cases_and_beginnings(graph, bad):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    given = [{"account": account, "case": f"c{number}"} for number, account in enumerate(bad)]
    by_rows = graph.exposure(given)
    most = max(row["num_cases"] for row in by_rows.contacts.to_dicts())
    assert 1 <= most <= len(bad)
    for frame in (pandas.DataFrame(given), polars.DataFrame(given), polars.DataFrame(given).to_arrow()):
        assert graph.exposure(frame).contacts.to_dicts() == by_rows.contacts.to_dicts()
    late = [{**row, "from": graph.info()["last"]} for row in given]
    assert len(graph.exposure(late).amounts) < len(by_rows.amounts)


def test_exposure_says_under_which_rules_it_holds(graph, bad, tmp_path):
    found = graph.exposure(bad, until="2024-01-20", opening="minimal")
    for text in (repr(found), found._repr_html_()):
        assert "policy haircut, opening minimal" in text
        assert "until 2024-01-20" in text
        assert "a scenario, not an entitlement" in text
    found.write(tmp_path / "exposure")
    assert {file.stem for file in (tmp_path / "exposure").glob("*.csv")} == {"exposure", "contacts"}
    assert json.loads((tmp_path / "exposure" / "ledger.json").read_text()) == found.ledger


def test_sources_that_are_wrong_are_named(graph, bad):
    with pytest.raises(rf.UnknownKeyError, match="line 3"):
        graph.exposure([bad[0], "nobody"])
    with pytest.raises(rf.InputError, match="line 2"):
        graph.exposure([{"account": bad[0], "from": "someday"}])
    with pytest.raises((rf.InputError, rf.OptionError)):
        graph.exposure(bad, sinks=bad)
    with pytest.raises(rf.OptionError, match="balances"):
        graph.exposure(bad, opening="given")


@pytest.mark.parametrize("method", ["ttr", "pagerank"])
@pytest.mark.parametrize("direction", ["downstream", "upstream"])
def test_rankings_are_orders_whose_scores_sum_to_one(graph, bad, method, direction, tmp_path):
    found = graph.rank(bad, method=method, direction=direction)
    rows = found.ranking.to_dicts()
    assert len(found) == len(rows) > 0
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert sum(row["score"] for row in rows) + found.summary["residual"] == pytest.approx(1)
    assert (found.summary["method"]["name"], found.summary["method"]["direction"]) == (method, direction)
    assert "an order for looking, not money" in repr(found)
    assert method in found._repr_html_()
    found.write(tmp_path / "ranking")
    assert (tmp_path / "ranking" / "ranking.csv").read_text().startswith("rank,account,score\n")


def test_a_ranking_knows_time_amounts_and_windows(graph, bad):
    polars = pytest.importorskip("polars")
    by_number = graph.rank(bad, method="pagerank").ranking.to_dicts()
    by_amount = graph.rank(polars.DataFrame({"account": bad}), method="pagerank", weight="amount").ranking.to_dicts()
    assert by_number != by_amount
    day = graph.rank(bad, start="2024-01-05", end="2024-01-06").ranking
    assert len(day) < len(graph.rank(bad).ranking)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"method": "dice"}, "method"),
        ({"direction": "sideways"}, "direction"),
        ({"weight": "colour"}, "weight"),
        ({"weight": "amount"}, "weight"),
    ],
)
def test_rankings_that_make_no_sense_are_refused(graph, bad, options, name):
    with pytest.raises(rf.OptionError) as caught:
        graph.rank(bad, **options)
    assert caught.value.name == name
