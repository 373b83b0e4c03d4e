"""`Graph.bound`: no policy can exceed it, and its cut says why."""

from __future__ import annotations

import json

import pytest

import ringfence as rf


@pytest.fixture(scope="module")
def compared(graph, bank):
    """What accounts hold under every policy, in the currency of their seed."""
    rows = graph.trace(bank / "seeds.csv", joint=False).compare().to_dicts()
    return [row for row in rows if row["currency"] == "USD"][:40]


@pytest.fixture(scope="module")
def targets(compared):
    return list(dict.fromkeys(row["account"] for row in compared))


def of(bounds):
    """The bound of each case and account."""
    found: dict[tuple[str, str], int] = {}
    for row in bounds.bounds.to_dicts():
        key = (row["case"], row["account"])
        found[key] = found.get(key, 0) + row["amount_minor"]
    return found


def test_no_policy_exceeds_the_bound(graph, bank, compared, targets):
    bounds = of(graph.bound(bank / "seeds.csv", targets))
    assert compared
    assert all(row["greatest_minor"] <= bounds[row["case"], row["account"]] for row in compared)


def test_the_cut_adds_up_to_the_bound_and_so_do_the_paths(graph, bank, targets):
    found = graph.bound(bank / "seeds.csv", targets)
    names = ("case", "seed", "account")
    bounds = {tuple(row[name] for name in names): row["amount_minor"] for row in found.bounds.to_dicts()}
    cut = dict.fromkeys(bounds, 0)
    for row in found.cut.to_dicts():
        cut[tuple(row[name] for name in names)] += row["capacity_minor"]
    paths = dict.fromkeys(bounds, 0)
    for row in found.paths.to_dicts():
        if row["hop"] == 0:
            paths[tuple(row[name] for name in names)] += row["amount_minor"]
    assert bounds == cut == paths
    assert len(found) == len(bounds)
    assert found.summary["num_reached"] == sum(amount > 0 for amount in bounds.values())


def test_the_widest_paths_are_ways_whose_smallest_payment_is_largest(tiny, tiny_files):
    graph, seeds = tiny("trace_fifo"), tiny_files / "trace_fifo" / "seeds.csv"
    found = graph.bound(seeds, ["W", "Q"], widest=2)
    widths = {(row["account"], row["path"]): row["width_minor"] for row in found.widest.to_dicts()}
    # T2 6000, T4 12001, T7 6000 to W; T2 6000, T5 5000, T8 4000 to Q: one way each.
    assert widths == {("W", 0): 6_000, ("Q", 0): 4_000}
    assert graph.bound(seeds, ["W"]).widest is None


def test_targets_and_seeds_may_come_in_any_form(graph, bank, targets, tmp_path):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    (tmp_path / "targets.csv").write_text("account\n" + "\n".join(targets) + "\n")
    by_list = graph.bound(bank / "seeds.csv", targets).bounds.to_dicts()
    column = {"account": targets}
    for form in (tmp_path / "targets.csv", pandas.DataFrame(column), polars.DataFrame(column)):
        assert graph.bound(polars.read_csv(bank / "seeds.csv"), form).bounds.to_dicts() == by_list


def test_less_time_and_less_money_can_only_lower_a_bound(graph, bank, targets):
    seeds = bank / "seeds.csv"
    whole = of(graph.bound(seeds, targets))
    end = graph.trace(seeds).flows.to_dicts()[-1]["time"]
    for more in ({"until": end}, {"span_s": 86_400}, {"ties": "strict"}, {"balances": bank / "balances.csv"}):
        less = of(graph.bound(seeds, targets, **more))
        assert all(less[key] <= amount for key, amount in whole.items())
    day = of(graph.bound(seeds, targets, span_s=86_400))
    assert sum(day.values()) < sum(whole.values())


def test_bounds_say_that_they_are_bounds(graph, bank, targets, tmp_path):
    found = graph.bound(bank / "seeds.csv", targets[:3], widest=1)
    assert "that much can have arrived, not that it did" in repr(found)
    assert "<table>" in found._repr_html_()
    found.write(tmp_path / "bounds")
    assert {file.stem for file in (tmp_path / "bounds").glob("*.parquet")} == {"bounds", "cut", "paths", "widest"}
    assert json.loads((tmp_path / "bounds" / "summary.json").read_text()) == found.summary


def test_mistakes_are_named(graph, bank, targets):
    seeds = bank / "seeds.csv"
    with pytest.raises(rf.UnknownKeyError) as caught:
        graph.bound(seeds, [targets[0], "nobody"])
    assert caught.value.key == "nobody"
    with pytest.raises(rf.InputError, match="line 2.*amount"):
        balance = {"case": "C", "kind": "balance", "account": targets[0], "currency": "USD", "time": "2024-01-20"}
        graph.bound([balance], targets)
    with pytest.raises(rf.LimitExceededError):
        graph.bound(seeds, targets, events_max=1)
    for more, name in (({"events_max": 0}, "events_max"), ({"ties": "loose"}, "ties")):
        with pytest.raises(rf.OptionError) as caught:
            graph.bound(seeds, targets, **more)
        assert caught.value.name == name
