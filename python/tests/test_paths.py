"""`Trace.paths` and `Trace.compare`: questions to a trace that is there already."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import ringfence as rf

TINY = Path(__file__).resolve().parents[2] / "datasets" / "tiny"
POLICIES = ("fifo", "lifo", "haircut", "clean_first", "tainted_first")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ways(paths):
    """The steps of each path, by case and number."""
    found: dict[tuple[str, int], list[dict]] = {}
    for step in paths.steps.to_dicts():
        found.setdefault((step["case"], step["path"]), []).append(step)
    return list(found.values())


@pytest.fixture(scope="module")
def trace(graph, bank):
    return graph.trace(bank / "seeds.csv", policy="haircut", sinks_degree_above=80)


def test_paths_sum_to_what_is_held_and_what_came_to_rest(trace):
    paths = trace.paths(paths_max=0)
    assert len(paths) == paths.num_found == len(ways(paths)) > 0
    found: dict[tuple, int] = {}
    for way in ways(paths):
        key = (way[0]["case"], way[0]["holder"], way[0]["currency"], way[0]["stop"])
        found[key] = found.get(key, 0) + way[0]["amount_minor"]
    there = [*trace.holdings.to_dicts(), *trace.sinks.to_dicts()]
    names = ("case", "account", "currency")
    assert found == {(*(row[name] for name in names), row.get("stop")): row["amount_minor"] for row in there}


def test_the_payments_of_a_path_follow_one_another(trace):
    for way in ways(trace.paths()):
        assert [step["hop"] for step in way] == list(range(len(way)))
        assert way[-1]["destination"] == way[-1]["holder"]
        for before, after in zip(way, way[1:]):
            assert before["destination"] == after["source"]
            assert before["received_minor"] == after["paid_minor"]
            assert after["dwell_s"] == (after["time"] - before["time"]).total_seconds()


def test_a_limit_says_what_it_left_out(trace, tmp_path):
    every, few = trace.paths(paths_max=0), trace.paths(paths_max=2)
    assert few.num_found == every.num_found > len(few) == 2
    assert ways(few) == ways(every)[:2]
    assert f"2 of {every.num_found} listed" in repr(few)
    few.write(tmp_path / "paths")
    files = sorted(file.name for file in (tmp_path / "paths").iterdir())
    assert files == ["paths.csv", "paths.parquet", "summary.json"]


def test_paths_of_one_case_and_one_holder_are_those_of_all(tiny):
    folder = TINY / "trace_fifo_two_cases"
    trace = tiny("trace_fifo_two_cases").trace(folder / "seeds.csv")
    every = ways(trace.paths())
    held = trace.holdings.to_dicts()
    assert len({row["case"] for row in held}) == 2
    for row in held:
        case, holder = row["case"], row["account"]
        own = ways(trace.paths(case=case, holder=holder))
        assert [[step["transaction"] for step in way] for way in own] == [
            [step["transaction"] for step in way]
            for way in every
            if (way[0]["case"], way[0]["holder"]) == (case, holder)
        ]
        assert {step["case"] for way in ways(trace.paths(case=case)) for step in way} == {case}


@pytest.mark.parametrize(("more", "key"), [({"case": "nobody's"}, "nobody's"), ({"holder": "nobody"}, "nobody")])
def test_paths_of_what_is_not_there_are_refused(trace, more, key):
    with pytest.raises(rf.UnknownKeyError) as caught:
        trace.paths(**more)
    assert caught.value.key == key


def test_a_trace_answers_although_its_seeds_are_gone(graph, bank, tmp_path):
    seeds = tmp_path / "seeds.csv"
    seeds.write_bytes((bank / "seeds.csv").read_bytes())
    trace = graph.trace(seeds)
    before = (trace.paths().steps.to_dicts(), trace.compare().to_dicts())
    seeds.write_text("case,transaction\nother,T0000000001\n")
    assert (trace.paths().steps.to_dicts(), trace.compare().to_dicts()) == before


def test_a_comparison_is_the_traces_side_by_side(graph, bank):
    seeds = bank / "seeds.csv"
    rules = {"opening": "minimal", "sinks_where": {"kind": "merchant"}, "dust": 10}
    found = graph.trace(seeds, **rules).compare().to_dicts()
    assert found
    for policy in POLICIES:
        held = {
            (row["case"], row["account"], row["currency"]): row["amount_minor"]
            for row in graph.trace(seeds, policy=policy, **rules).holdings.to_dicts()
        }
        compared = {(row["case"], row["account"], row["currency"]): row[f"{policy}_minor"] for row in found}
        assert {key: amount for key, amount in compared.items() if amount} == held
    for row in found:
        amounts = [row[f"{policy}_minor"] for policy in POLICIES]
        assert (row["least_minor"], row["greatest_minor"]) == (min(amounts), max(amounts))
        assert row["in_safe_core"] is (min(amounts) > 0)


def test_a_comparison_of_some_policies_and_its_limits(trace):
    pytest.importorskip("pyarrow")
    table = trace.compare(["lifo", "fifo"]).to_arrow()
    amounts = ["lifo_minor", "fifo_minor", "least_minor", "greatest_minor"]
    columns = ["case", "account", "currency", *amounts, "in_safe_core"]
    assert table.column_names == columns
    for wrong, complaint in (([], "one or more"), (["fifo", "fifo"], "each once"), (["poison"], "policy")):
        with pytest.raises(rf.OptionError, match=complaint):
            trace.compare(wrong)


def test_answers_to_a_trace_do_not_depend_on_threads(trace):
    assert len({str(trace.paths(threads=n).steps.to_dicts()) for n in (1, 2, 4)}) == 1
    assert len({str(trace.compare(threads=n).to_dicts()) for n in (1, 2, 4)}) == 1
