"""Patterns: cycles beside every choice of payments along NetworkX's simple cycles."""

from __future__ import annotations

import itertools
import random

import pytest

import ringfence as rf

networkx = pytest.importorskip("networkx")

HOUR_S = 3_600


@pytest.fixture(scope="module")
def payments():
    """Payments as (number, source, destination, hour), several an hour and some parallel."""
    draw = random.Random(7)
    accounts = [f"A{number}" for number in range(7)]
    rows = [(*draw.sample(accounts, 2), draw.randrange(40)) for _ in range(60)]
    rows.sort(key=lambda row: row[2])
    return [(number, *row) for number, row in enumerate(rows)]


@pytest.fixture(scope="module")
def ledger(payments, tmp_path_factory):
    folder = tmp_path_factory.mktemp("patterns")
    lines = ["transaction,source,destination,time,amount,currency"]
    for number, source, destination, hour in payments:
        time = f"2024-03-{1 + hour // 24:02}T{hour % 24:02}:00:00Z"
        lines.append(f"t{number},{source},{destination},{time},{1 + number}.00,EUR")
    (folder / "transactions.csv").write_text("\n".join(lines) + "\n")
    return rf.ingest(folder / "ledger.ring", folder / "transactions.csv", preset="ledger")


def choices(payments, span, strict):
    """Every temporal cycle: simple cycles of the accounts, each start, each choice of payments, then a look at the clock."""
    between: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for number, source, destination, hour in payments:
        between.setdefault((source, destination), []).append((hour, number))
    found = []
    for cycle in networkx.simple_cycles(networkx.DiGraph(list(between))):
        for turn in range(len(cycle)):
            accounts = cycle[turn:] + cycle[:turn]
            legs = [between[pair] for pair in zip(accounts, accounts[1:] + accounts[:1], strict=True)]
            for chosen in itertools.product(*legs):
                steps = list(itertools.pairwise(chosen))
                after = all((a[0] < b[0]) if strict else (a[1] < b[1]) for a, b in steps)
                if after and chosen[-1][0] - chosen[0][0] <= span:
                    found.append((chosen[-1][1], tuple(accounts)))
    return found


@pytest.mark.parametrize("ties", ["order", "strict"])
@pytest.mark.parametrize("hours", [2, 6, 12])
def test_counts_are_those_of_every_choice(ledger, payments, ties, hours):
    expected = choices(payments, hours, ties == "strict")
    counted = ledger.count_cycles(span_s=hours * HOUR_S, length_max=7, ties=ties)
    rows = counted.counts.to_dicts()
    assert [row["length"] for row in rows] == list(range(2, 8))
    for row in rows:
        of_length = [cycle for cycle in expected if len(cycle[1]) == row["length"]]
        assert (row["sequences"], row["ways"]) == (len(set(of_length)), len(of_length))
    assert not counted.truncated
    assert sum(row["ways"] for row in rows) > hours


def test_instances_hold_what_was_counted(ledger, payments):
    found = ledger.cycles(span_s=6 * HOUR_S, length_max=7)
    instances, evidence = found.instances.to_dicts(), found.evidence.to_dicts()
    expected = choices(payments, 6, strict=False)
    assert sum(row["ways"] for row in instances) == len(expected)
    members: dict[str, set[str]] = {}
    for row in found.members.to_dicts():
        members.setdefault(row["instance"], set()).add(row["account"])
    assert {frozenset(group) for group in members.values()} == {frozenset(cycle[1]) for cycle in expected}
    paid: dict[str, int] = {}
    for row in evidence:
        assert {row["source"], row["destination"]} <= members[row["instance"]]
        paid[row["instance"]] = paid.get(row["instance"], 0) + row["paid_minor"]
    assert paid == {row["instance"]: row["paid_minor"] for row in found.amounts.to_dicts()}
    assert len(found) == len(instances) == len(members)
    assert "instances" in repr(found) and "<table" in found._repr_html_()


def test_parts_of_money_are_conditions(ledger):
    every, some = ledger.cycles(span_s=86_400), ledger.cycles(span_s=86_400, passed_on=(0.9, 1.5), returned=(0.5, 2))
    ways = [sum(row["ways"] for row in found.instances.to_dicts()) for found in (every, some)]
    assert 0 < ways[1] < ways[0]


def test_a_budget_is_said(ledger):
    few = ledger.cycles(span_s=86_400, results_max=3)
    assert few.truncated and "cut short" in repr(few)
    cut = few.summary["cut"]
    assert cut["results_dropped"] + cut["accounts_left"] > 0


@pytest.mark.parametrize(
    "options",
    [
        {"span_s": 0},
        {"length_min": 1},
        {"length_max": 65},
        {"ties": "never"},
        {"passed_on": (1.0, 0.5)},
        {"passed_on": (float("nan"), 1.0)},
        {"returned": (-1.0, 1.0)},
        {"hub_max": 0},
        {"results_max": 0},
    ],
)
def test_options_are_refused_by_name(ledger, options):
    with pytest.raises(rf.OptionError, match=next(iter(options)).removesuffix("_s")):
        ledger.cycles(**options)


def test_a_currency_without_a_rate_is_refused(ledger):
    with pytest.raises(rf.UnknownKeyError, match="GBP"):
        ledger.cycles(base="GBP")


def test_files_are_those_of_the_command_line(ledger, tmp_path):
    ledger.cycles(span_s=86_400).write(tmp_path / "cycles")
    names = {path.name for path in (tmp_path / "cycles").iterdir()}
    assert {"instances.csv", "members.parquet", "evidence.csv", "amounts.csv", "summary.json"} <= names


def test_every_typology_is_listed_and_searched(ledger):
    listed = rf.typologies()
    assert {"fan-in", "gather-scatter", "stack", "structuring", "first-payees"} <= set(listed)
    found = ledger.patterns(settings={"span_s": 86_400, "fan-in": {"counterparties_min": 2}})
    searched = {search["typology"]: search for search in found.summary["searches"]}
    assert list(searched) == list(listed)
    assert searched["fan-in"]["options"] == {**listed["fan-in"], "span_s": 86_400, "counterparties_min": 2}
    rows = found.instances.to_dicts()
    assert len(found) == len(rows) == sum(search["num_instances"] for search in searched.values())
    parts = ["burst", "strangers", "closure", "conserved"]
    assert all(row["score_millibits"] == sum(row[f"{part}_millibits"] for part in parts) for row in rows)
    for name in searched:
        scores = [row["score_millibits"] for row in rows if row["typology"] == name]
        assert scores == sorted(scores, reverse=True)


def test_fans_are_those_of_a_frame(ledger, payments):
    """Each account's best window, by trying every beginning."""
    found = ledger.patterns("fan-in", settings={"span_s": 6 * HOUR_S, "counterparties_min": 3})
    sinks = {row["account"] for row in found.members.to_dicts() if row["role"] == "sink"}
    expected = {
        account
        for _, _, account, begin in payments
        if len({s for _, s, d, hour in payments if d == account and begin <= hour <= begin + 6}) >= 3
    }
    assert sinks == expected and sinks


@pytest.mark.parametrize(
    ("typologies", "settings", "error", "said"),
    [
        (["fan_in"], None, rf.InputError, "did you mean `fan-in`"),
        (["cycle"], {"spam_s": 1}, rf.InputError, "did you mean `span_s`"),
        (["cycle"], {"fan-in": {"span_s": 1}}, rf.InputError, "is not among"),
        (["cycle"], {"length_max": "many"}, rf.InputError, "length_max"),
        (["cycle"], {"length_max": 65}, rf.OptionError, "length_max"),
    ],
)
def test_names_and_settings_that_are_not_known_are_refused(ledger, typologies, settings, error, said):
    with pytest.raises(error, match=said):
        ledger.patterns(*typologies, settings=settings)


def test_p_values_come_with_replicates(ledger):
    settings = {"span_s": 86_400, "counterparties_min": 2}
    found = ledger.patterns("fan-in", "dormant", settings=settings, replicates=19, seed=5)
    rows = found.instances.to_dicts()
    assert found.summary["null"] == {"shuffled": "times", "within": [], "replicates": 19, "seed": 5}
    values = [row["p_value"] for row in rows]
    assert values == sorted(values) and all(0.05 <= value <= 1 for value in values)
    assert rows == ledger.patterns("fan-in", "dormant", settings=settings, replicates=19, seed=5, threads=1).instances.to_dicts()
    assert "p_value" not in ledger.patterns("fan-in", settings=settings).instances.to_dicts()[0]
    with pytest.raises(rf.OptionError, match="null"):
        ledger.patterns("fan-in", replicates=9, null="weather")
    with pytest.raises(rf.InputError, match="attribute `bank`"):
        ledger.patterns("fan-in", replicates=9, within=["bank"])
