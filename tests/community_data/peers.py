"""What leidenalg and NetworKit reach on the graphs of these tests; the constants in `recovery.rs` and `alerts.rs` come from here.

Needs igraph, leidenalg and networkit (leidenalg and igraph are GPL: they are measured here, and no part of the project):

    python tests/community_data/peers.py recovery
    python tests/community_data/peers.py alerts ../shared/data/amlsim-run-a
"""

from __future__ import annotations

import csv
import gzip
import math
import statistics
import sys
from collections import Counter, defaultdict
from pathlib import Path

import igraph
import leidenalg
import networkit

MASK = 2**64 - 1
STEP = 0x9E37_79B9_7F4A_7C15
SEEDS = range(10)


def mix(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB) & MASK
    return value ^ (value >> 31)


class Stream:
    """`ringfence::random::Stream`."""

    def __init__(self, seed: int, stream: int):
        self.key = mix(((mix((seed + STEP) & MASK) + stream * STEP) & MASK) ^ STEP)

    def at(self, index: int) -> int:
        return mix((self.key + (index + 1) * STEP) & MASK)


def nmi(left: list[int], right: list[int]) -> float:
    """Mutual information over the mean of the entropies."""
    total = len(left)
    sizes, others, both = Counter(left), Counter(right), Counter(zip(left, right))
    entropy = lambda counts: -sum(n / total * math.log(n / total) for n in counts.values())  # noqa: E731
    mutual = sum(n / total * math.log(n * total / (sizes[a] * others[b])) for (a, b), n in both.items())
    return 2 * mutual / (entropy(sizes) + entropy(others))


def leiden(pairs: dict[tuple[int, int], int], nodes: int, **options) -> list[tuple[float, list[int]]]:
    """Objective and communities of leidenalg, by seed; its CPM counts everything from both ends, which is halved here."""
    graph = igraph.Graph(nodes, list(pairs))
    kind = leidenalg.CPMVertexPartition if options else leidenalg.ModularityVertexPartition
    found = []
    for seed in SEEDS:
        part = leidenalg.find_partition(graph, kind, weights=list(pairs.values()), seed=seed, n_iterations=-1, **options)
        found.append((part.quality() / (2 if options else 1), part.membership))
    return found


def networkit_leiden(pairs: dict[tuple[int, int], int], nodes: int) -> list[tuple[float, list[int]]]:
    graph = networkit.Graph(nodes, weighted=True)
    for (a, b), weight in pairs.items():
        graph.addEdge(a, b, weight)
    found = []
    for seed in SEEDS:
        networkit.setSeed(seed, False)
        algorithm = networkit.community.ParallelLeiden(graph, iterations=10)
        algorithm.run()
        part = algorithm.getPartition()
        part.compact()
        found.append((networkit.community.Modularity().getQuality(part, graph), part.getVector()))
    return found


GROUPS, SIZE, DEGREE, GRAPHS = 20, 50, 20, 4


def planted(graph: int, mixing_percent: int) -> dict[tuple[int, int], int]:
    """A stochastic block model; groups are interleaved, so that numbers say nothing about them."""
    nodes = GROUPS * SIZE
    stream = Stream(2024 + graph, mixing_percent)
    inside = DEGREE * (100 - mixing_percent) * 10_000 // (SIZE - 1)
    outside = DEGREE * mixing_percent * 10_000 // (nodes - SIZE)
    pairs = {}
    for u in range(nodes):
        for v in range(u):
            chance = inside if u % GROUPS == v % GROUPS else outside
            if (stream.at(u * nodes + v) * 1_000_000) >> 64 < chance:
                pairs[v, u] = 1
    return pairs


def recovery() -> None:
    truth = [node % GROUPS for node in range(GROUPS * SIZE)]
    for mixing in range(10, 80, 10):
        best = [max(leiden(planted(graph, mixing), len(truth))) for graph in range(GRAPHS)]
        quality = statistics.mean(quality for quality, _ in best)
        agreement = statistics.mean(nmi(truth, labels) for _, labels in best)
        print(f"({mixing}, {quality:.4f}, {agreement:.4f}),", [round(nmi(truth, labels), 4) for _, labels in best])


def alerts(folder: Path) -> None:
    read = lambda name: csv.DictReader(gzip.open(folder / name, "rt"))  # noqa: E731
    nodes: dict[str, int] = {}
    pairs: Counter[tuple[int, int]] = Counter()
    for row in read("transactions.csv.gz"):
        a, b = (nodes.setdefault(row[end], len(nodes)) for end in ("orig_acct", "bene_acct"))
        if a != b:
            pairs[min(a, b), max(a, b)] += 1
    groups = defaultdict(set)
    for row in read("alert_accounts.csv.gz"):
        if row["acct_id"] in nodes:
            groups[row["alert_id"]].add(nodes[row["acct_id"]])
    alert = {node: name for name, members in groups.items() for node in members}
    print(len(nodes), "accounts,", len(pairs), "pairs,", len(groups), "alerts,", len(alert), "accounts in alerts")

    def show(name: str, found: list[tuple[float, list[int]]]) -> None:
        share = lambda labels: statistics.mean(  # noqa: E731
            max(Counter(labels[node] for node in members).values()) / len(members) for members in groups.values()
        )
        agreement = lambda labels: nmi(list(alert.values()), [labels[node] for node in alert])  # noqa: E731
        best = max(found)[0]
        shares = statistics.mean(share(labels) for _, labels in found)
        agreements = statistics.mean(agreement(labels) for _, labels in found)
        print(f"{name}: best objective {best:.6f}, mean share {shares:.4f}, mean nmi {agreements:.4f}")

    show("leidenalg, modularity", leiden(pairs, len(nodes)))
    show("networkit, modularity", networkit_leiden(pairs, len(nodes)))
    for resolution in (0.05, 1.0):
        show(f"leidenalg, CPM {resolution}", leiden(pairs, len(nodes), resolution_parameter=resolution))


if __name__ == "__main__":
    {"recovery": lambda: recovery(), "alerts": lambda: alerts(Path(sys.argv[2]))}[sys.argv[1]]()
