"""Other programs that read exports, each brought to one shape: nodes by id, edges by id with their ends.

A reader takes the path of an export and returns `(nodes, edges)`: `{id: attributes}` and
`{id: (source, target, attributes)}`. It skips the test that asks where its program is not at hand.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

Nodes = dict[str, dict[str, Any]]
Edges = dict[str, tuple[str, str, dict[str, Any]]]

CONSUMERS = Path(__file__).resolve().parents[2] / "tests" / "consumers"


def pictured(text: str, kept: str = "\t\n\r") -> str:
    """`text` as formats show it that cannot hold control characters."""

    def show(c: str) -> str:
        if c in kept or c not in {*map(chr, range(0x20)), "\x7f", "\ufffe", "\uffff"}:
            return c
        return chr(0x2400 + ord(c)) if c < " " else "\u2421" if c == "\x7f" else "\ufffd"

    return "".join(map(show, text))


def node(format: str, path: Path) -> Any:
    """What `tests/consumers/read.mjs` finds in an export."""
    if shutil.which("node") is None:
        pytest.skip("needs node")
    if not (CONSUMERS / "node_modules").is_dir():
        pytest.skip("needs `npm ci` in tests/consumers")
    command = ["node", str(CONSUMERS / "read.mjs"), format, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def of_networkx(graph: Any) -> tuple[Nodes, Edges]:
    networkx = pytest.importorskip("networkx")
    assert isinstance(graph, networkx.MultiDiGraph)
    return (
        dict(graph.nodes(data=True)),
        {key: (source, target, data) for source, target, key, data in graph.edges(keys=True, data=True)},
    )


def networkx_graphml(path: Path) -> tuple[Nodes, Edges]:
    networkx = pytest.importorskip("networkx")
    return of_networkx(networkx.read_graphml(path, force_multigraph=True))


def networkx_gexf(path: Path) -> tuple[Nodes, Edges]:
    networkx = pytest.importorskip("networkx")
    return of_networkx(networkx.read_gexf(path, version="1.3"))


def networkx_gml(path: Path) -> tuple[Nodes, Edges]:
    networkx = pytest.importorskip("networkx")
    return of_networkx(networkx.read_gml(path))


def networkx_node_link(path: Path) -> tuple[Nodes, Edges]:
    networkx = pytest.importorskip("networkx")
    with open(path, encoding="utf-8") as file:
        return of_networkx(networkx.node_link_graph(json.load(file), edges="edges"))


def of_igraph(graph: Any, node_id: str, edge_id: str) -> tuple[Nodes, Edges]:
    assert graph.is_directed()
    ids = graph.vs[node_id]
    return (
        {each[node_id]: each.attributes() for each in graph.vs},
        {each[edge_id]: (ids[each.source], ids[each.target], each.attributes()) for each in graph.es},
    )


def igraph_graphml(path: Path) -> tuple[Nodes, Edges]:
    igraph = pytest.importorskip("igraph")
    return of_igraph(igraph.Graph.Read_GraphML(str(path)), "key", "key")


def igraph_gml(path: Path) -> tuple[Nodes, Edges]:
    igraph = pytest.importorskip("igraph")
    return of_igraph(igraph.Graph.Read_GML(str(path)), "label", "key")


def graphology_gexf(path: Path) -> tuple[Nodes, Edges]:
    found = node("gexf", path)
    assert found["multi"]
    edges = {key: (source, target, data) for key, source, target, data in found["edges"]}
    return {key: data for key, data in found["nodes"]}, edges


def cytoscape_cyjs(path: Path) -> tuple[Nodes, Edges]:
    found = node("cyjs", path)
    nodes = {key: {**data, "position": position} for key, data, position in found["nodes"]}
    return nodes, {data["name"]: (source, target, data) for _, source, target, data in found["edges"]}


def ndex_cx2(path: Path) -> tuple[Nodes, Edges]:
    cx2 = pytest.importorskip("ndex2.cx2")
    network = cx2.RawCX2NetworkFactory().get_cx2network(str(path))
    names = {number: each["v"]["name"] for number, each in network.get_nodes().items()}
    return (
        {each["v"]["name"]: each["v"] for each in network.get_nodes().values()},
        {
            each["v"]["name"]: (names[each["s"]], names[each["t"]], each["v"])
            for each in network.get_edges().values()
        },
    )


def unquoted(text: str) -> str:
    """A text of DOT as it was before it was written, control characters aside."""
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


def graphviz_dot(path: Path) -> tuple[Nodes, Edges]:
    found = node("dot", path)
    assert found["directed"] and not found["strict"] and found["complaints"] == []
    names = {each["_gvid"]: unquoted(name) for name, each in found["nodes"]}
    nodes = {unquoted(name): each for name, each in found["nodes"]}
    return nodes, {
        unquoted(name): (names[tail], names[head], each) for name, tail, head, each in found["edges"]
    }


def pydot_dot(path: Path) -> tuple[Nodes, Edges]:
    pydot = pytest.importorskip("pydot")
    (graph,) = pydot.graph_from_dot_file(str(path), encoding="utf-8")
    assert graph.get_type() == "digraph"

    def attributes(element: Any) -> dict[str, str]:
        return {name: unquoted(text[1:-1]) for name, text in element.get_attributes().items()}

    named = {each.get_name(): attributes(each) for each in graph.get_nodes()}
    names = {name: found["rf_id"] for name, found in named.items()}
    edges: Edges = {}
    for each in graph.get_edges():
        found = attributes(each)
        edges[found["rf_id"]] = (names[each.get_source()], names[each.get_destination()], found)
    return {found["rf_id"]: found for found in named.values()}, edges


def table_pair(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> tuple[Nodes, Edges]:
    return (
        {row["id"]: row for row in nodes},
        {row["id"]: (row["source"], row["target"], row) for row in edges},
    )


def csv_pair(path: Path) -> tuple[Nodes, Edges]:
    def rows(name: str) -> list[dict[str, Any]]:
        with open(path / name, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    return table_pair(rows("nodes.csv"), rows("edges.csv"))


def parquet_pair(path: Path) -> tuple[Nodes, Edges]:
    parquet = pytest.importorskip("pyarrow.parquet")
    nodes, edges = (parquet.read_table(path / f"{name}.parquet").to_pylist() for name in ("nodes", "edges"))
    return table_pair(nodes, edges)


def neo4j_files(path: Path) -> tuple[Nodes, Edges]:
    """The files for Neo4j by duckdb, after the grammar of their headers: Neo4j itself is not run."""
    duckdb = pytest.importorskip("duckdb")
    command = (path / "import.txt").read_text(encoding="utf-8").split()
    assert command[:4] == ["neo4j-admin", "database", "import", "full"] and command[-1] == "neo4j"
    files = dict(reversed(each[2:].split("=")) for each in command[4:-1] if each != "--multiline-fields=true")
    assert {*files} == {each.name for each in path.glob("*.csv")}
    field = re.compile(r"\w+:(?:ID\(\w+\)|long|double|boolean|string|datetime)|:(?:START_ID|END_ID)\(\w+\)|:LABEL|:TYPE")
    nodes: Nodes = {}
    edges: Edges = {}
    for name, what in files.items():
        query = "from read_csv(?, header=true, all_varchar=true, quote='\"', escape='\"', delim=',', strict_mode=true)"
        found = duckdb.execute(query, [str(path / name)])
        columns = [each[0] for each in found.description]
        for column in columns:
            assert field.fullmatch(column) or column in {"transactionId", "useId"}, column
        rows = [dict(zip(columns, row)) for row in found.fetchall()]
        if what == "nodes":
            (key,) = [column for column in columns if ":ID(" in column]
            nodes |= {row[key]: row for row in rows}
        else:
            (source, target) = columns[:2]
            assert source.startswith(":START_ID") and target.startswith(":END_ID")
            edges |= {row[columns[2]]: (row[source], row[target], row) for row in rows}
    return nodes, edges
