"""`Graph.freeze_plan`: who holds the money, whose it is, and what waiting costs."""

from __future__ import annotations

import datetime as dt
import json

import pytest

import ringfence as rf

HOUR = dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def seeds(bank):
    return bank / "seeds.csv"


@pytest.fixture(scope="module")
def at(graph, seeds):
    """Six hours after the last victim paid."""
    return max(row["time"] for row in graph.trace(seeds).flows.to_dicts() if row["hop"] == 0) + 6 * HOUR


def by_account(table):
    held: dict[tuple[str, str], int] = {}
    for row in table.to_dicts():
        key = (row["account"], row["currency"])
        held[key] = held.get(key, 0) + row["amount_minor"]
    return held


@pytest.mark.parametrize("policy", ["fifo", "haircut"])
def test_a_plan_is_the_trace_at_its_moment_and_at_every_delay(graph, seeds, at, policy):
    rules = {"policy": policy, "sinks_where": {"kind": ["cash", "bank"]}}
    plan = graph.freeze_plan(seeds, at=at, delays_h=[1, 5, 48], **rules)
    assert by_account(plan.holders) == by_account(graph.trace(seeds, until=at, **rules).holdings)
    delays = {(row["delay_h"], row["currency"]): row for row in plan.delays.to_dicts()}
    assert {hour for hour, _ in delays} == {0, 1, 5, 48}
    now = by_account(plan.holders)
    for (hours, currency), row in delays.items():
        then = by_account(graph.trace(seeds, until=at + hours * HOUR, **rules).holdings)
        assert row["held_minor"] == sum(amount for key, amount in then.items() if key[1] == currency)
        caught = sum(min(amount, then.get(key, 0)) for key, amount in now.items() if key[1] == currency)
        assert row["caught_minor"] == caught
        assert row["cost_minor"] == sum(amount for key, amount in now.items() if key[1] == currency) - caught
    for row in plan.later.to_dicts():
        then = by_account(graph.trace(seeds, until=at + row["delay_h"] * HOUR, **rules).holdings)
        assert row["amount_minor"] == then.get((row["account"], row["currency"]), 0)


def test_the_matrix_says_whose_the_money_is(tiny, tiny_files):
    graph = tiny("trace_fifo_two_cases")
    seeds = tiny_files / "trace_fifo_two_cases" / "seeds.csv"
    plan = graph.freeze_plan(seeds, at="2024-12-31", delays_h=0)
    matrix = plan.matrix.to_dicts()
    assert {row["case"] for row in matrix} == {"C1", "C2"}
    assert by_account(plan.matrix) == by_account(plan.holders)
    for row in matrix:
        assert row["case_total_minor"] == sum(r["amount_minor"] for r in matrix if r["case"] == row["case"])
        assert row["holder_total_minor"] == sum(r["amount_minor"] for r in matrix if r["account"] == row["account"])
    assert plan.later.to_dicts() == []
    assert [row["rank"] for row in plan.holders.to_dicts()] == list(range(1, len(plan.holders) + 1))


def test_a_number_of_delays_is_every_hour_up_to_it(graph, seeds, at):
    default = graph.freeze_plan(seeds, at=at)
    assert {row["delay_h"] for row in default.delays.to_dicts()} == set(range(73))
    three = graph.freeze_plan(seeds, at=at, delays_h=3)
    assert three.delays.to_dicts() == graph.freeze_plan(seeds, at=at, delays_h=[1, 2, 3]).delays.to_dicts()


def test_a_plan_names_its_moment_and_rules(graph, seeds, at, tmp_path):
    plan = graph.freeze_plan(seeds, at=at, policy="clean_first", opening="minimal", delays_h=1)
    for text in (repr(plan), plan._repr_html_()):
        for said in (at.strftime("%Y-%m-%dT%H:%M:%SZ"), "clean_first", "minimal", "a scenario, not an entitlement"):
            assert said in text
    plan.write(tmp_path / "plan")
    assert {file.stem for file in (tmp_path / "plan").glob("*.csv")} == {"holders", "matrix", "delays", "later"}
    assert json.loads((tmp_path / "plan" / "ledger.json").read_text()) == plan.ledger


def test_a_plan_goes_to_frames(graph, seeds, at):
    pandas = pytest.importorskip("pandas")
    delays = graph.freeze_plan(seeds, at=at).delays.to_pandas()
    assert isinstance(delays, pandas.DataFrame)
    assert (delays["caught_minor"] + delays["cost_minor"]).nunique() == delays["currency"].nunique()


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"delays_h": 9_000}, "delays_h"),
        ({"delays_h": [2, 1]}, "delays_h"),
        ({"delays_h": [0, 1]}, "delays_h"),
        ({"delays_h": [4_294_967_295]}, "at"),
        ({"policy": "poison"}, "policy"),
    ],
)
def test_plans_that_make_no_sense_are_refused(graph, seeds, at, options, name):
    with pytest.raises(rf.OptionError) as caught:
        graph.freeze_plan(seeds, at=at, **options)
    assert caught.value.name == name


def test_a_moment_is_needed_and_no_seed_is_later(graph, seeds, at):
    with pytest.raises(TypeError, match="at"):
        graph.freeze_plan(seeds)
    with pytest.raises(TypeError, match="time is needed"):
        graph.freeze_plan(seeds, at=None)
    with pytest.raises(rf.InputError, match=r"seeds\.csv, line"):
        graph.freeze_plan(seeds, at=at - 100 * HOUR * 24)
