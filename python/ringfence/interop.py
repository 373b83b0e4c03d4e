"""Subgraphs for other graph libraries, which are imported only when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._core import Subgraph


def to_networkx(subgraph: Subgraph) -> Any:
    """`subgraph` as a :class:`networkx.MultiDiGraph`.

    Nodes are named by ``id``; edges by ``id`` as their key, so that parallel payments stay
    apart. The other columns become attributes, nulls left out.
    """
    try:
        import networkx
    except ImportError as error:
        message = "this needs networkx: pip install 'ringfence[networkx]'"
        raise ImportError(message, name="networkx") from error
    network = networkx.MultiDiGraph()
    network.add_nodes_from((row.pop("id"), _known(row)) for row in subgraph.accounts.to_dicts())
    network.add_edges_from(
        (row.pop("source"), row.pop("target"), row.pop("id"), _known(row))
        for row in subgraph.transactions.to_dicts()
    )
    return network


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
