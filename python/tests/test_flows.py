"""Money that passes in steps, and the densest set while payments come in, against what the rows say by themselves."""

from __future__ import annotations

import random

import pytest

import ringfence as rf

polars = pytest.importorskip("polars")

NAMES = ["transaction", "source", "destination", "time", "amount", "currency"]


def ledger(path, rows) -> rf.Graph:
    return rf.ingest(path, polars.DataFrame(rows, schema=NAMES, orient="row"), preset="ledger")


@pytest.fixture
def drawn():
    """Payments at random, and eight fronts through which three sources pay two sinks within hours; dollars between the same."""
    draw = random.Random(5)
    rows = []

    def pay(source, destination, hour, amount, currency="EUR"):
        time = f"2024-01-{1 + hour // 24:02}T{hour % 24:02}:{draw.randrange(60):02}:00Z"
        rows.append((f"t{len(rows)}", source, destination, time, f"{amount}.00", currency))

    for _ in range(300):
        one, other = draw.sample(range(40), 2)
        pay(f"n{one}", f"n{other}", draw.randrange(700), draw.randrange(1, 200))
    for front in range(8):
        start = 24 * front + 10
        for source in range(3):
            pay(f"s{source}", f"f{front}", start + source, 1000)
        for sink in range(2):
            pay(f"f{front}", f"k{sink}", start + 5 + sink, 1500)
            pay(f"f{front}", f"k{sink}", start + 5, 99_999, "USD")
    return rows


def matched(ins, outs, dwell_us) -> int:
    """First in, first out: each outflow from inflows before it that are not too old."""
    lots, total = [list(lot) for lot in sorted(ins)], 0
    for time, due in sorted(outs):
        for lot in lots:
            if lot[0] < time and time - lot[0] <= dwell_us:
                paid = min(due, lot[1])
                lot[1] -= paid
                due -= paid
                total += paid
    return total


@pytest.mark.parametrize("dwell_max_s", [6 * 3600, None])
def test_a_planted_flow_is_found_and_its_tables_say_what_the_rows_say(drawn, tmp_path, dwell_max_s):
    projection = ledger(tmp_path / "g", drawn).project(weight="amount", currency="EUR")
    found = projection.dense(method="flowscope", dwell_max_s=dwell_max_s)
    members: dict[str, set[str]] = {}
    for row in found.table.to_dicts():
        members.setdefault(row["role"], set()).add(row["account"])
    assert members["source"] == {"s0", "s1", "s2"}
    assert members["middle"] == {f"f{front}" for front in range(8)}
    assert members["sink"] == {"k0", "k1"}
    layers = [members["source"], members["middle"], members["sink"]]
    inside = [
        (layer, row[0], row[1], row[2])
        for layer in (0, 1)
        for row in drawn
        if row[5] == "EUR" and row[1] in layers[layer] and row[2] in layers[layer + 1]
    ]
    rows = found.tables["transactions"].to_dicts()
    ours = [(row["layer"], row["transaction"], row["source"], row["destination"]) for row in rows]
    assert sorted(ours) == sorted(inside)
    us = {row["transaction"]: int(row["time"].timestamp() * 1_000_000) for row in rows}
    passed, stuck = 0, 0
    for flow in found.tables["flows"].to_dicts():
        ins = [(us[row["transaction"]], row["amount_minor"]) for row in rows if row["layer"] == flow["layer"] - 1 and row["destination"] == flow["account"]]
        outs = [(us[row["transaction"]], row["amount_minor"]) for row in rows if row["layer"] == flow["layer"] and row["source"] == flow["account"]]
        inflow, outflow = sum(amount for _, amount in ins), sum(amount for _, amount in outs)
        assert (flow["inflow_minor"], flow["outflow_minor"]) == (inflow, outflow)
        if flow["layer"] == 1:
            what = min(inflow, outflow) if dwell_max_s is None else matched(ins, outs, dwell_max_s * 1_000_000)
            assert flow["passed_minor"] == what
            passed, stuck = passed + what, stuck + max(inflow, outflow) - what
    (score,) = found.scores.to_dicts()
    assert (score["passed_minor"], score["stuck_minor"]) == (passed, stuck)
    assert score["score"] == pytest.approx((passed - 4 * stuck) / sum(map(len, layers)))
    assert score["num_accounts"] == len(set().union(*layers))
    again = projection.dense(method="flowscope", dwell_max_s=dwell_max_s, threads=1)
    assert again.table.to_dicts() == found.table.to_dicts()


def test_money_that_waits_too_long_does_not_pass(drawn, tmp_path):
    projection = ledger(tmp_path / "g", drawn).project(weight="amount", currency="EUR")
    fronts = {"sources": ["s0", "s1", "s2"], "sinks": ["k0", "k1"]}
    assert projection.dense(method="flowscope", **fronts).summary["num_sets"] == 1
    assert projection.dense(method="flowscope", dwell_max_s=60, **fronts).summary["num_sets"] == 0
    with pytest.raises(rf.UnknownKeyError, match="nobody"):
        projection.dense(method="flowscope", sources=["nobody"])
    with pytest.raises(rf.OptionError, match="weight"):
        ledger(tmp_path / "h", drawn).project().dense(method="flowscope")


def test_the_window_and_the_accounts_are_those_of_the_projection(drawn, tmp_path):
    graph = ledger(tmp_path / "g", drawn)
    early = graph.project(weight="amount", currency="EUR", end="2024-01-04").dense(method="flowscope")
    middle = {row["account"] for row in early.table.to_dicts() if row["role"] == "middle"}
    assert middle == {"f0", "f1", "f2"}
    few = graph.project(weight="amount", currency="EUR", accounts=["s0", "s1", "s2", "f4", "k0", "k1"])
    middle = {row["account"] for row in few.dense(method="flowscope").table.to_dicts() if row["role"] == "middle"}
    assert middle == {"f4"}


def test_the_densest_set_grows_as_if_it_were_found_anew(bank, graph):
    rows = polars.read_csv(bank / "transactions.csv", infer_schema=False).sort("time")
    middle = rows["time"][len(rows) // 2]
    growing = graph.project(end=middle).incremental_densest()
    before = graph.project(end=middle).dense(rounds_max=1)
    assert growing.density == pytest.approx(before.scores.to_dicts()[0]["score"])
    assert growing.members == [row["account"] for row in before.table.to_dicts()]
    later = rows.filter(polars.col("time") >= middle).select("source", "destination")
    for batch in (later[:100], later[100:]):
        said = growing.insert(batch)
    after = graph.project().dense(rounds_max=1)
    assert said["density"] == growing.density == pytest.approx(after.scores.to_dicts()[0]["score"])
    assert said["members"] == growing.members == [row["account"] for row in after.table.to_dicts()]
    one, other = sorted(set(rows["source"]) - set(said["members"]))[:2]
    heavy = growing.insert([{"source": one, "destination": other, "weight": 10**6}])
    assert heavy["density"] == pytest.approx(10**6 / 2, rel=0.01)
    assert sorted(heavy["members"]) == sorted(heavy["joined"]) == [one, other]


def test_a_batch_with_a_mistake_goes_in_not_at_all(graph):
    growing = graph.project().incremental_densest()
    before, (one, other) = growing.density, growing.members[:2]
    good = {"source": one, "destination": other, "weight": 1_000}
    for bad, error in [
        ({"source": "nobody", "destination": other, "weight": 1}, rf.UnknownKeyError),
        ({"source": one, "destination": other, "weight": 0}, rf.InputError),
        ({"source": one, "destination": other, "weight": 2**62}, rf.InputError),
    ]:
        with pytest.raises(error, match="line 3|nobody"):
            growing.insert([good, bad])
        assert growing.density == before
    # What somebody pays to himself joins nobody.
    assert growing.insert([{"source": one, "destination": one, "weight": 9}])["density"] == before
