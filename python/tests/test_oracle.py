"""Answers compared with other programs: NetworkX on the same rows."""

from __future__ import annotations

import datetime as dt

import pytest

import ringfence as rf

networkx = pytest.importorskip("networkx")
polars = pytest.importorskip("polars")


def rows(path):
    return polars.read_csv(path, infer_schema=False).to_dicts()


def network(bank, *, transfers=True, identifiers=None, accounts_max=None, start=None, end=None):
    """Accounts of the bank, joined by transfers and by identifiers that few share."""
    undirected = networkx.Graph()
    for row in rows(bank / "transactions.csv"):
        undirected.add_nodes_from([row["source"], row["destination"]])
        time = dt.datetime.fromisoformat(row["time"].replace("Z", "+00:00"))
        if transfers and (start is None or start <= time) and (end is None or time < end):
            undirected.add_edge(row["source"], row["destination"])
    undirected.add_nodes_from(row["account"] for row in rows(bank / "accounts.csv"))
    if identifiers is not None:
        users: dict[tuple[str, str], set[str]] = {}
        for account, kind, value in identifiers:
            undirected.add_node(account)
            users.setdefault((kind, value), set()).add(account)
        for accounts in users.values():
            if len(accounts) <= accounts_max:
                networkx.add_path(undirected, sorted(accounts))
    return undirected


def identifiers(bank):
    links = [(row["account"], row["kind"], row["value"]) for row in rows(bank / "links.csv")]
    uses = [(row["source"], "device", row["device"]) for row in rows(bank / "transactions.csv") if row["device"]]
    return links + uses


def partition(table: rf.Table) -> set[frozenset[str]]:
    groups: dict[int, set[str]] = {}
    for row in table.to_dicts():
        groups.setdefault(row["component"], set()).add(row["account"])
    return {frozenset(group) for group in groups.values()}


def of(undirected) -> set[frozenset[str]]:
    return {frozenset(group) for group in networkx.connected_components(undirected)}


def test_components_over_transfers_are_those_of_networkx(graph, bank):
    assert partition(graph.components().table()) == of(network(bank))


def test_components_of_a_window_are_those_of_networkx(graph, bank):
    span = graph.info()
    start = span["first"] + (span["last"] - span["first"]) / 3
    end = start + (span["last"] - span["first"]) / 50
    expected = of(network(bank, start=start, end=end))
    assert len(expected) > len(of(network(bank)))
    assert partition(graph.components(start=start, end=end).table()) == expected


@pytest.mark.parametrize("accounts_max", [2, 3, 50])
def test_components_over_identifiers_are_those_of_networkx(graph, bank, accounts_max):
    links = identifiers(bank)
    expected = of(network(bank, transfers=False, identifiers=links, accounts_max=accounts_max))
    found = graph.components(over="identifiers", accounts_max=accounts_max)
    assert partition(found.table()) == expected
    both = of(network(bank, identifiers=links, accounts_max=accounts_max))
    assert partition(graph.components(over="both", accounts_max=accounts_max).table()) == both


def test_identity_rings_are_the_components_of_two_and_more(graph, bank):
    expected = {group for group in of(network(bank, transfers=False, identifiers=identifiers(bank), accounts_max=50)) if len(group) > 1}
    groups: dict[int, set[str]] = {}
    for row in graph.identity_rings().members.to_dicts():
        groups.setdefault(row["ring"], set()).add(row["account"])
    assert {frozenset(group) for group in groups.values()} == expected


def test_a_subgraph_is_the_ego_network_of_networkx(graph, bank):
    undirected = network(bank)
    transactions = rows(bank / "transactions.csv")
    account = transactions[len(transactions) // 2]["source"]
    for hops in (0, 1, 2):
        inside = set(networkx.ego_graph(undirected, account, radius=hops).nodes)
        found = graph.subgraph([account], hops=hops, transfers_only=True)
        assert {row["id"] for row in found.accounts.to_dicts()} == inside
        among = {row["transaction"] for row in transactions if {row["source"], row["destination"]} <= inside}
        assert {row["id"] for row in found.transactions.to_dicts()} == among


def test_exact_totals_are_those_of_polars(graph, bank):
    frame = polars.read_csv(bank / "transactions.csv", infer_schema=False)
    sums = frame.group_by("currency").agg(
        polars.col("amount").str.replace(".", "", literal=True).cast(polars.Int64).sum(), polars.len()
    )
    expected = {row["currency"]: (row["amount"], row["len"]) for row in sums.to_dicts()}
    found = {c["code"]: (c["amount_minor"], c["num_transactions"]) for c in graph.info()["currencies"]}
    assert {code: found[code] for code in expected} == expected


def test_every_trace_conserves_what_its_seeds_claimed(graph, bank):
    for policy in ("fifo", "haircut"):
        trace = graph.trace(bank / "seeds.csv", policy=policy)
        for case in trace.ledger["cases"]:
            for row in case["ledger"]:
                terms = ("held", "at_sinks", "dust", "superseded", "converted_out", "fees")
                accounted = sum(int(row[f"{term}_minor"]) for term in terms)
                assert int(row["seeded_minor"]) + int(row["converted_in_minor"]) == accounted
        held: dict[tuple[str, str], int] = {}
        for row in trace.holdings.to_dicts():
            key = (row["case"], row["currency"])
            held[key] = held.get(key, 0) + row["amount_minor"]
        books = {
            (case["case"], row["currency"]): int(row["held_minor"])
            for case in trace.ledger["cases"]
            for row in case["ledger"]
            if int(row["held_minor"])
        }
        assert held == books
