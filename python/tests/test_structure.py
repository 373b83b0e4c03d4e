"""Strong components, overlaps, cores of identifiers and cycles of pairs, each against an answer computed another way."""

from __future__ import annotations

import itertools

import pytest

import ringfence as rf

networkx = pytest.importorskip("networkx")
polars = pytest.importorskip("polars")


def same(one: rf.Table, other: rf.Table) -> bool:
    return one.to_dicts() == other.to_dicts()


def column(table: rf.Table, name: str) -> dict[str, float]:
    return {row["account"]: row[name] for row in table.to_dicts()}


def drawn(path, edges) -> rf.Graph:
    """A graph whose transactions are the edges, one a second."""
    names = ["transaction", "source", "destination", "time", "amount", "currency"]
    rows = [(str(number), *edge, f"1970-01-01T00:{number // 60:02}:{number % 60:02}Z", "1.00", "EUR") for number, edge in enumerate(edges)]
    return rf.ingest(path, polars.DataFrame(rows, schema=names, orient="row"), preset="ledger")


@pytest.fixture(scope="module")
def transfers(bank) -> networkx.DiGraph:
    """Who pays whom, without payments to oneself."""
    rows = polars.read_csv(bank / "transactions.csv", infer_schema=False).to_dicts()
    found = networkx.DiGraph((row["source"], row["destination"]) for row in rows)
    found.remove_edges_from(list(networkx.selfloop_edges(found)))
    return found


def test_strong_components_are_those_of_networkx(graph, transfers):
    found = graph.components(strong=True)
    groups: dict[int, set[str]] = {}
    for row in found.table().to_dicts():
        groups.setdefault(row["component"], set()).add(row["account"])
    assert [row["size"] for row in found.sizes.to_dicts()] == [len(groups[number]) for number in range(len(found))]
    theirs = {frozenset(group) for group in networkx.strongly_connected_components(transfers)}
    # Accounts that never pay are alone.
    assert {frozenset(group) for group in groups.values() if group <= set(transfers)} == theirs
    assert same(graph.components(strong=True, threads=1).table(), found.table())
    with pytest.raises(rf.OptionError, match="strong"):
        graph.components(strong=True, over="both")


def test_biconnected_components_are_those_of_networkx(graph, transfers):
    undirected = transfers.to_undirected()
    found = graph.project().trusses()
    groups: dict[int, set[frozenset[str]]] = {}
    for row in found.table.to_dicts():
        groups.setdefault(row["biconnected"], set()).add(frozenset((row["account"], row["neighbor"])))
    theirs = {
        frozenset(frozenset(pair) for pair in pairs) for pairs in networkx.biconnected_component_edges(undirected)
    }
    assert {frozenset(group) for group in groups.values()} == theirs
    rows = found.tables["biconnected"].to_dicts()
    assert [row["num_accounts"] for row in rows] == [len(set().union(*groups[row["biconnected"]])) for row in rows]
    assert [row["num_pairs"] for row in rows] == [len(groups[row["biconnected"]]) for row in rows]
    assert [row["num_accounts"] for row in rows] == sorted((row["num_accounts"] for row in rows), reverse=True)
    assert set(found.tables) == {"pairs", "biconnected", "hubs"}


def test_accounts_between_groups_belong_to_all_of_them(tmp_path):
    groups = [[f"{group}{one}" for one in range(5)] for group in "abc"]
    edges = [pair for group in groups for pair in itertools.permutations(group, 2)]
    edges += [("x", account) for group in groups for account in group]
    projection = drawn(tmp_path / "g", edges).project()
    found = projection.overlapping_communities()
    shares = {(row["account"], row["community"]): row["share"] for row in found.table.to_dicts()}
    assert sorted(share for (account, _), share in shares.items() if account == "x") == pytest.approx([1 / 3] * 3, abs=1e-4)
    assert all(share == 1.0 for (account, _), share in shares.items() if account != "x")
    assert found.summary["num_shared"] == 1
    assert [(row["size"], row["num_shared"]) for row in found.tables["communities"].to_dicts()] == [(6, 1)] * 3
    assert same(projection.overlapping_communities(threads=1).table, found.table)
    # With room for two, x cannot be in all three.
    few = projection.overlapping_communities(communities_max=2)
    assert sum(row["account"] == "x" for row in few.table.to_dicts()) <= 2
    with pytest.raises(rf.OptionError, match="communities_max"):
        projection.overlapping_communities(communities_max=65)


def test_shares_of_an_account_make_a_whole(graph):
    table = graph.project(over="both").overlapping_communities().table.to_polars()
    assert table["account"].n_unique() == graph.num_accounts
    assert table.group_by("account").agg(polars.col("share").sum())["share"].to_list() == pytest.approx([1.0] * graph.num_accounts)


def bipartite_core(uses: dict[str, set], identifiers_min: int, accounts_min: int) -> dict[str, set]:
    """From the definition: whoever has too few goes, until nobody has."""
    uses = {account: set(own) for account, own in uses.items()}
    while True:
        users: dict[tuple, int] = {}
        for own in uses.values():
            for identifier in own:
                users[identifier] = users.get(identifier, 0) + 1
        left = {account: {each for each in own if users[each] >= accounts_min} for account, own in uses.items()}
        left = {account: own for account, own in left.items() if len(own) >= identifiers_min}
        if left == uses:
            return left
        uses = left


@pytest.mark.parametrize("identifiers_min", [1, 2, 3])
def test_cores_of_identifiers_are_what_is_left_when_those_with_too_few_go(bank, graph, identifiers_min):
    uses: dict[str, set] = {}
    for row in polars.read_csv(bank / "links.csv", infer_schema=False).to_dicts():
        uses.setdefault(row["account"], set()).add((row["kind"], row["value"]))
    users: dict[tuple, int] = {}
    for identifier in itertools.chain.from_iterable(uses.values()):
        users[identifier] = users.get(identifier, 0) + 1
    uses = {account: {each for each in own if users[each] <= 50} for account, own in uses.items()}
    projection = graph.project(over="identifiers", reveal=True)
    found = projection.cores(kind="bipartite", identifiers_min=identifiers_min)
    ours = column(found.table, "core")
    identifiers = {(row["kind"], row["identifier"]): row["core"] for row in found.tables["identifiers"].to_dicts()}
    for accounts_min in (1, 2, 3, 4):
        left = bipartite_core(uses, identifiers_min, accounts_min)
        assert {account for account, core in ours.items() if core is not None and core >= accounts_min} == set(left)
        assert {each for each, core in identifiers.items() if core >= accounts_min} == set().union(*left.values(), set())
    assert found.summary["deepest"] == max(core for core in ours.values() if core is not None)
    assert same(projection.cores(kind="bipartite", identifiers_min=identifiers_min, threads=1).table, found.table)


def test_identifiers_of_cores_are_masked_unless_revealed(bank, graph):
    values = set(polars.read_csv(bank / "links.csv", infer_schema=False)["value"])
    rows = graph.project(over="identifiers").cores(kind="bipartite").tables["identifiers"].to_dicts()
    assert rows
    assert not values & {row["identifier"] for row in rows}
    with pytest.raises(rf.OptionError, match="over identifiers"):
        graph.project().cores(kind="bipartite")


def believed(edges: list[tuple[str, str, float]], known: dict[str, float], nodes: list[str]) -> dict[str, float]:
    """ZooBP with two classes that like their own: each hears epsilon of a neighbour, and takes back epsilon squared of its own."""
    numpy = pytest.importorskip("numpy")
    at = {node: number for number, node in enumerate(nodes)}
    system = numpy.eye(len(nodes))
    for one, other, epsilon in edges:
        for own, theirs in ((at[one], at[other]), (at[other], at[one])):
            system[own, theirs] -= epsilon
            system[own, own] += epsilon**2
    found = numpy.linalg.solve(system, numpy.array([known.get(node, 0.0) for node in nodes]))
    return dict(zip(nodes, found.tolist(), strict=True))


def test_suspicion_solves_the_equations_of_belief(bank, graph, transfers):
    pairs = {tuple(sorted(pair)) for pair in transfers.edges()}
    links = polars.read_csv(bank / "links.csv", infer_schema=False).select("account", "kind", "value").unique().rows()
    users: dict[tuple[str, str], list[str]] = {}
    for account, *identifier in links:
        users.setdefault(tuple(identifier), []).append(account)
    users = {identifier: accounts for identifier, accounts in users.items() if len(accounts) <= 50}
    accounts = sorted(column(graph.components().table(), "size"))[:400]
    chosen = set(accounts)
    known = {account: (1.0 if number % 3 else -0.5) for number, account in enumerate(accounts[:30])}
    projection = graph.project(over="both", accounts=accounts, identifiers_weight=3)
    seeds = [{"account": account, "belief": belief} for account, belief in known.items()]
    found = projection.suspicion(seeds, strength=0.7)
    assert found.summary["converged"]
    epsilon = found.summary["epsilon"]
    assert epsilon["identifiers"] == pytest.approx(3 * epsilon["transfers"])
    edges = [(one, other, epsilon["transfers"]) for one, other in pairs if {one, other} <= chosen]
    of = {identifier: [each for each in theirs if each in chosen] for identifier, theirs in users.items()}
    edges += [(account, f"{identifier}", epsilon["identifiers"]) for identifier, own in of.items() for account in own]
    nodes = accounts + [f"{identifier}" for identifier, own in of.items() if own]
    theirs = believed(edges, known, nodes)
    ours = column(found.table, "score")
    assert ours == pytest.approx({account: theirs[account] for account in accounts}, abs=1e-9)
    assert {row["account"] for row in found.table.to_dicts() if row["seed"]} == set(known)
    scores = [row["score"] for row in found.table.to_dicts()]
    assert scores == sorted(scores, reverse=True)
    assert len(found.tables["identifiers"]) == len(nodes) - len(accounts)
    assert same(projection.suspicion(seeds, strength=0.7, threads=1).table, found.table)


def test_strength_is_a_part_of_what_converges(bank, graph):
    numpy = pytest.importorskip("numpy")
    links = polars.read_csv(bank / "links.csv", infer_schema=False).select("account", "kind", "value").unique().rows()
    users: dict[tuple[str, str], list[str]] = {}
    for account, *identifier in links:
        users.setdefault(tuple(identifier), []).append(account)
    users = {identifier: accounts for identifier, accounts in users.items() if len(accounts) <= 50}
    found = graph.project(over="identifiers").suspicion([links[0][0]], strength=0.5)
    epsilon = found.summary["epsilon"]["identifiers"] / 0.5
    # At the whole of it the spectral radius of the iteration is 1: where edges join two sides the bound is sharp.
    at = {node: number for number, node in enumerate([*users, *{each for own in users.values() for each in own}])}
    matrix = numpy.zeros((len(at), len(at)))
    for identifier, accounts in users.items():
        for account in accounts:
            matrix[at[identifier], at[account]] = matrix[at[account], at[identifier]] = epsilon
            matrix[at[identifier], at[identifier]] -= epsilon**2
            matrix[at[account], at[account]] -= epsilon**2
    assert abs(numpy.linalg.eigvalsh(matrix)).max() == pytest.approx(1, abs=0.01)


def test_seeds_that_nobody_can_use_are_refused_by_line(graph):
    projection = graph.project()
    with pytest.raises(rf.InputError, match="line 2"):
        projection.suspicion([{"account": column(graph.components().table(), "size").popitem()[0], "belief": 7}])
    with pytest.raises(rf.UnknownKeyError, match="nobody"):
        projection.suspicion(["nobody"])
    with pytest.raises(rf.OptionError, match="strength"):
        projection.suspicion([column(graph.components().table(), "size").popitem()[0]], strength=2.0)
