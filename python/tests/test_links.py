"""Identity links against NetworkX on the same identifiers."""

from __future__ import annotations

import pytest

networkx = pytest.importorskip("networkx")
polars = pytest.importorskip("polars")


def rings(network) -> set[frozenset[str]]:
    """The accounts that identifiers connect; a network of both."""
    parts = (frozenset(name for side, name in part if side == "account") for part in networkx.connected_components(network))
    return {part for part in parts if len(part) > 1}


def test_a_ring_falls_apart_without_its_articulations_alone(graph, bank):
    network = networkx.Graph()
    for row in polars.read_csv(bank / "links.csv", infer_schema=False).to_dicts():
        network.add_edge(("account", row["account"]), (row["kind"], row["value"]))
    # In so large a population each identifier that two to fifty share tells enough to link them.
    found = graph.link_identities(population=1_000_000, members_max=1_000, reveal=True)
    assert not found.cuts.to_dicts() and not found.passed_over.to_dicts()
    members: dict[int, set[str]] = {}
    for row in found.members.to_dicts():
        members.setdefault(row["ring"], set()).add(row["account"])
    assert {frozenset(ring) for ring in members.values()} == rings(network)
    marked = {}
    for row in found.evidence.to_dicts():
        marked.setdefault((row["ring"], row["kind"], row["identifier"]), set()).add(row["articulation"])
    assert all(len(marks) == 1 for marks in marked.values())
    apart = 0
    for (ring, kind, identifier), (mark,) in marked.items():
        left = network.copy()
        left.remove_node((kind, identifier))
        assert mark == (frozenset(members[ring]) not in rings(left)), identifier
        apart += mark
    assert 10 < apart < len(marked) - 10
