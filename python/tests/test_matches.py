"""Patterns in words: beside NetworkX for what it can count, and what the language refuses."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

import ringfence as rf

FAN_IN = """
pattern fan-in
within 3h  # both ends included
senders: at least 3 accounts
collector: account
deposits: senders -> collector, amount 20.00..80.00 EUR
"""


@pytest.fixture(scope="module")
def payments():
    """Payments as (number, source, destination, hour), several an hour; payment n is of n euro."""
    draw = random.Random(11)
    accounts = [f"A{number}" for number in range(8)]
    rows = sorted(((*draw.sample(accounts, 2), draw.randrange(60)) for _ in range(100)), key=lambda row: row[2])
    return [(number, *row) for number, row in enumerate(rows)]


@pytest.fixture(scope="module")
def ledger(payments, tmp_path_factory):
    folder = tmp_path_factory.mktemp("matches")
    lines = ["transaction,source,destination,time,amount,currency"]
    for number, source, destination, hour in payments:
        time = f"2024-03-{1 + hour // 24:02}T{hour % 24:02}:00:00Z"
        lines.append(f"t{number},{source},{destination},{time},{1 + number}.00,EUR")
    (folder / "transactions.csv").write_text("\n".join(lines) + "\n")
    return rf.ingest(folder / "ledger.ring", folder / "transactions.csv", preset="ledger")


def windows(stream, hours, least):
    """The windows of one account, most senders first and then the earliest, none with a payment of another."""
    left, found = list(stream), []
    while left:
        ranked = []
        for _, _, start in left:
            inside = [row for row in left if start <= row[2] <= start + hours]
            ranked.append((-len({source for _, source, _ in inside}), start, inside))
        most, _, inside = min(ranked, key=lambda window: window[:2])
        if -most < least:
            break
        found.append({number for number, _, _ in inside})
        left = [row for row in left if row not in inside]
    return found


def test_groups_are_the_best_windows(ledger, payments):
    streams = defaultdict(list)
    for number, source, destination, hour in payments:
        if 20 <= number + 1 <= 80:
            streams[destination].append((number, source, hour))
    expected = sorted(sorted(f"t{number}" for number in one) for stream in streams.values() for one in windows(stream, 3, 3))
    found = ledger.match(FAN_IN)
    evidence = defaultdict(list)
    for row in found.evidence.to_dicts():
        evidence[row["instance"]].append(row["transaction"])
    assert sorted(sorted(one) for one in evidence.values()) == expected
    assert len(found) == len(expected) > 1
    assert {row["role"] for row in found.members.to_dicts()} == {"senders", "collector"}
    assert {row["typology"] for row in found.instances.to_dicts()} == {"fan-in"} and not found.truncated


def test_a_cycle_in_words_is_a_cycle(ledger):
    words = """
        pattern cycle
        within 1d
        a: account
        b: account
        c: account
        one: a -> b
        two: b -> c, after one
        three: c -> a, after two
    """
    found, counted = ledger.match(words), ledger.count_cycles(span_s=86_400, length_max=3)
    three = next(row for row in counted.counts.to_dicts() if row["length"] == 3)
    ways = sum(row["ways"] for row in found.instances.to_dicts())
    assert (len(found), ways) == (three["sequences"], three["ways"])
    assert three["sequences"] > 5
    assert found.summary["query"].startswith("pattern cycle\nwithin 1d\na: account\n")
    again = ledger.match(found.summary["query"], threads=2)
    assert again.evidence.to_dicts() == found.evidence.to_dicts()


def test_a_budget_is_said(ledger):
    few = ledger.match("pattern any\nwithin 1d\na: account\nb: account\nt: a -> b", results_max=3)
    assert len(few) == 3 and few.truncated and "cut short" in repr(few)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "line 1, column 1: found the end of the text: begin with `pattern`"),
        (FAN_IN.replace("within", "wihtin"), "line 3, column 1: .*did you mean `within`"),
        (FAN_IN.replace("-> collector", "-> colector"), "line 6, column 22: .*did you mean `collector`"),
        (FAN_IN.replace("EUR", "GBP"), "line 6, column 53: .*no currency of the graph"),
        (FAN_IN.replace("account\n", 'account with country = "RU"\n'), "line 5, column 25: .*no attribute"),
    ],
)
def test_what_is_no_query_is_refused_with_its_place(ledger, query, said):
    with pytest.raises(rf.InputError, match=said):
        ledger.match(query)


def test_options_are_refused_by_name(ledger):
    with pytest.raises(rf.OptionError, match="hub_max"):
        ledger.match(FAN_IN, hub_max=0)
    with pytest.raises(rf.UnknownKeyError, match="GBP"):
        ledger.match(FAN_IN, base="GBP")
