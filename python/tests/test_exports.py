"""Exports, read by the programs they are for, from a ledger whose names try every trap of every format."""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import export_readers as readers
import pytest

import ringfence as rf

IDS = [
    "=cmd|' /C calc'!A0",
    "谢谢 😀",
    "a&b <c> ]]> \"q\" 'x' &amp;",
    "back\\slash\\",
    "tab\tnl\ncr\rend",
    "ctl\x01\x7f\x85",
]
# Transaction, ends, amount: two differ in nothing but their ids, one is called like an account.
TRANSFERS = [
    ("t1", 0, 1, "90071992547409.93"),
    ("t2", 0, 1, "90071992547409.93"),
    ("=1+1", 1, 0, "0.01"),
    ("谢谢 😀", 2, 4, "1.00"),
    ('t5 "]]>\\', 3, 5, "2.00"),
    ("t6", 4, 3, "3.00"),
    ("t7", 1, 2, "4.00"),
]
PHONE = "+49 30 123456"


def same(text: str) -> str:
    return text


def drawn(text: str) -> str:
    return readers.pictured(text, "\n")


def entities(text: str) -> str:
    """How igraph leaves the entities of GML that it does not know."""
    return "".join(c if " " <= c <= "~" else f"&#{ord(c)};" for c in text)


def guarded(text: str) -> str:
    return f"'{text}" if text[0] in "=+-@\t\r" else text


READERS: list[tuple[str, str | None, Callable[[Path], Any], Callable[[str], str]]] = [
    ("a.graphml", None, readers.networkx_graphml, readers.pictured),
    ("a.graphml", None, readers.igraph_graphml, readers.pictured),
    ("a.gexf", None, readers.networkx_gexf, readers.pictured),
    ("a.gexf", None, readers.graphology_gexf, readers.pictured),
    ("a.gml", None, readers.networkx_gml, same),
    ("a.gml", None, readers.igraph_gml, entities),
    ("a.json", None, readers.networkx_node_link, same),
    ("a.cyjs", None, readers.cytoscape_cyjs, same),
    ("a.cx2", None, readers.ndex_cx2, same),
    ("a.dot", None, readers.graphviz_dot, drawn),
    ("a.dot", None, readers.pydot_dot, drawn),
    ("pair", "csv-pair", readers.csv_pair, guarded),
    ("pair", "parquet-pair", readers.parquet_pair, same),
    ("neo4j", "neo4j", readers.neo4j_files, same),
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> rf.Graph:
    folder = tmp_path_factory.mktemp("hostile")

    def table(name: str, rows: list[list[str]]) -> Path:
        with open(folder / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        return folder / name

    transactions = [["transaction", "source", "destination", "time", "amount", "currency"]]
    for at, (key, source, target, amount) in enumerate(TRANSFERS):
        transactions.append([key, IDS[source], IDS[target], f"2024-05-0{at + 1}T09:00:01.5Z", amount, "USD"])
    accounts = [["account", "parent", "key", "label", "名 前", "=image"]]
    accounts += [[key, f"p {at}", "own", "", "值", "@x"] for at, key in enumerate(IDS)]
    links = [["account", "kind", "value"], [IDS[0], "phone", PHONE], [IDS[5], "phone", PHONE]]
    return rf.ingest(
        folder / "hostile.graph",
        table("transactions.csv", transactions),
        accounts=table("accounts.csv", accounts),
        links=table("links.csv", links),
        preset="ledger",
    )


def whole(graph: rf.Graph, **options: Any) -> rf.Subgraph:
    return graph.subgraph([IDS[0]], hops=9, **options)


@pytest.fixture(scope="module")
def key_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "names.key"
    rf.backup_key(path)
    return path


@pytest.mark.parametrize(
    ("name", "format", "reader", "shown"), READERS, ids=[reader.__name__ for _, _, reader, _ in READERS]
)
@pytest.mark.filterwarnings("ignore:One or more unknown entities:RuntimeWarning")
def test_other_programs_read_what_was_written(hostile, tmp_path, name, format, reader, shown):
    attributes = ["parent", "key", "label", "名 前", "=image"]
    subgraph = whole(hostile, transfers_only=True, attributes=attributes)
    path = tmp_path / name
    document = subgraph.write(path, format=format, reveal=True)
    nodes, edges = reader(path)
    assert {*nodes} == {shown(key) for key in IDS}
    assert {key: ends[:2] for key, ends in edges.items()} == {
        shown(key): (shown(IDS[source]), shown(IDS[target])) for key, source, target, _ in TRANSFERS
    }
    # Sums beyond 2^53 and times are exact in every format, whatever number its readers have.
    _, _, data = edges[shown("t1")]
    data = {re.sub("^rf_", "", each).split(":")[0]: value for each, value in data.items()}
    assert data["amount"] == "90071992547409.93"
    minor = data.get("amount_minor", data.get("amountMinor"))
    assert int(minor) == 9_007_199_254_740_993 and not isinstance(minor, float)
    assert str(data["time"]).replace(" ", "T").startswith("2024-05-01T09:00:01.5")
    assert any(value == shown("p 0") for value in nodes[shown(IDS[0])].values())
    assert document["num_nodes"] == len(IDS)
    assert document["num_edges"] == len(TRANSFERS)


def test_shared_identifiers_are_nodes_of_their_own(hostile, tmp_path):
    whole(hostile, reveal=True).write(tmp_path / "neo4j", format="neo4j", reveal=True)
    nodes, edges = readers.neo4j_files(tmp_path / "neo4j")
    assert nodes[f"phone:{PHONE}"][":LABEL"] == "Identifier"
    uses = [ends for *ends, data in edges.values() if data[":TYPE"] == "USES"]
    assert sorted(uses) == sorted([[IDS[0], f"phone:{PHONE}"], [IDS[5], f"phone:{PHONE}"]])


def test_transfers_stand_on_the_timeline_of_gexf(hostile, tmp_path):
    whole(hostile).write(tmp_path / "a.gexf", reveal=True)
    text = (tmp_path / "a.gexf").read_text(encoding="utf-8")
    assert 'xmlns="http://gexf.net/1.3"' in text
    assert 'mode="dynamic" timeformat="date" timerepresentation="timestamp"' in text
    assert text.count(' timestamp="2024-05-0') == len(TRANSFERS)


def test_positions_and_meaningful_names_do_not_nest_cytoscapes_nodes(hostile, tmp_path):
    whole(hostile, attributes=["parent"]).write(tmp_path / "a.cyjs", reveal=True)
    nodes, edges = readers.cytoscape_cyjs(tmp_path / "a.cyjs")
    assert nodes[IDS[0]]["parent_"] == "p 0" and "parent" not in nodes[IDS[0]]
    assert edges["谢谢 😀"][2]["id"] == "edge:谢谢 😀"


def outside(key_file: Path, case: str) -> Callable[[str, bytes], str]:
    """Pseudonyms by Python's own means, as docs/exports.md says."""

    def hkdf(secret: bytes, info: bytes) -> bytes:
        pseudorandom = hmac.digest(bytes(32), secret, hashlib.sha256)
        return hmac.digest(pseudorandom, info + b"\x01", hashlib.sha256)

    key = hkdf(bytes.fromhex(key_file.read_text().strip()), b"ringfence pseudonyms 1 case " + case.encode())

    def pseudonym(prefix: str, message: bytes) -> str:
        bits = int.from_bytes(hmac.digest(key, message, hashlib.sha256)[:8], "big") >> 4
        digits = "0123456789abcdefghjkmnpqrstvwxyz"
        return prefix + "-" + "".join(digits[bits >> 5 * at & 31] for at in range(11, -1, -1))

    return pseudonym


def test_names_leave_as_pseudonyms_that_others_can_compute(hostile, tmp_path, key_file):
    document = whole(hostile).write(
        tmp_path / "a.json", key_file=key_file, case="2024-17", key_table=tmp_path / "names.csv"
    )
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert not any(name in text for name in ["slash", "calc", "谢谢", "t5", PHONE])
    pseudonym = outside(key_file, "2024-17")
    accounts = {pseudonym("acct", b"account\0" + key.encode()) for key in IDS}
    transactions = {pseudonym("tx", b"transaction\0" + key.encode()) for key, *_ in TRANSFERS}
    phone = pseudonym("phone", b"identifier\x005:phone" + PHONE.encode())
    found = json.loads(text)
    assert [each["id"] for each in found["nodes"]] == sorted({*accounts, phone})
    assert {edge["key"] for edge in found["edges"] if edge["type"] == "transfer"} == transactions
    assert document["names"]["names"] == "pseudonyms"
    assert document["names"]["case"] == "2024-17"
    # The table takes all of them back, and is for its owner alone.
    with open(tmp_path / "names.csv", newline="", encoding="utf-8") as file:
        back = {(row["kind"], row["name"]): row["pseudonym"] for row in csv.DictReader(file)}
    assert {pseudonym for (kind, _), pseudonym in back.items() if kind == "account"} == accounts
    assert back["phone", PHONE] == phone
    assert stat.S_IMODE((tmp_path / "names.csv").stat().st_mode) == 0o600


def test_pseudonyms_are_stable_in_a_case_and_others_in_another(hostile, tmp_path, key_file):
    subgraph = whole(hostile)

    def ids(name: str, **options: Any) -> set[str]:
        subgraph.write(tmp_path / name, key_file=key_file, **options)
        return {each["id"] for each in json.loads((tmp_path / name).read_text(encoding="utf-8"))["nodes"]}

    assert ids("1.json", case="one") == ids("2.json", case="one")
    assert ids("3.json", case="two").isdisjoint(ids("4.json", case="one"))
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


def test_neither_key_nor_reveal_is_refused_with_both_remedies(hostile, tmp_path, key_file):
    subgraph = whole(hostile)
    with pytest.raises(rf.InputError, match="key_file.*reveal=True"):
        subgraph.write(tmp_path / "a.gexf")
    with pytest.raises(rf.InputError, match="not both"):
        subgraph.write(tmp_path / "a.gexf", key_file=key_file, reveal=True)
    with pytest.raises(rf.InputError, match="is for pseudonyms"):
        subgraph.write(tmp_path / "a.gexf", reveal=True, key_table=tmp_path / "names.csv")
    with pytest.raises(rf.OptionError, match="neo4j"):
        subgraph.write(tmp_path / "a", format="xlsx", reveal=True)
    with pytest.raises(rf.OptionError, match="csv-pair"):
        subgraph.write(tmp_path / "a", reveal=True)
    assert list(tmp_path.iterdir()) == []


def test_columns_are_chosen_and_what_was_withheld_is_said(hostile, tmp_path):
    subgraph = hostile.subgraph([IDS[0]], hops=9, accounts_max=2, attributes=["parent"])
    chosen = ["parent", "amount", "time"]
    document = subgraph.write(tmp_path / "pair", format="csv-pair", reveal=True, columns=chosen, without=["time"])
    with open(tmp_path / "pair" / "withheld.json", encoding="utf-8") as file:
        assert json.load(file) == document
    assert document["columns"]["nodes"] == ["id", "type", "parent"]
    assert document["columns"]["edges"] == ["id", "source", "target", "type", "amount"]
    assert "time" in document["columns_left_out"]["edges"]
    assert {*document["attributes_left_out"]} == {"key", "label", "名 前", "=image"}
    assert document["cut_by_limits"] is True and document["limits"]["accounts_max"] == 2
    assert document["provenance"]["num_accounts"] == len(IDS)
    for made in document["files"]:
        content = (tmp_path / "pair" / made["name"]).read_bytes()
        assert made["sha256"] == hashlib.sha256(content).hexdigest()
    with pytest.raises(rf.InputError, match="amonut"):
        subgraph.write(tmp_path / "b.gexf", reveal=True, columns=["amonut"])
    with pytest.raises(rf.InputError, match="structure"):
        subgraph.write(tmp_path / "b.gexf", reveal=True, without=["source"])
    assert not (tmp_path / "b.gexf").exists()


def test_what_xml_cannot_hold_is_counted(hostile, tmp_path):
    subgraph = whole(hostile, transfers_only=True)
    altered = subgraph.write(tmp_path / "a.graphml", reveal=True)["altered"]
    # \x01 and \x7f of one account: in its node, and at the end of one transfer.
    assert altered["control_characters_shown_by_pictures"] == 4
    assert altered["whole_numbers_beyond_2_53_as_text"] == ["edges.amount_minor", "edges.received_amount_minor"]
    assert subgraph.write(tmp_path / "a.cx2", reveal=True)["altered"]["control_characters_shown_by_pictures"] == 0


def test_an_export_is_whole_or_not_there(hostile, tmp_path):
    subgraph = whole(hostile)
    (tmp_path / "a.gexf.withheld.json").write_text("mine")
    with pytest.raises(FileExistsError):
        subgraph.write(tmp_path / "a.gexf", reveal=True)
    assert [each.name for each in tmp_path.iterdir()] == ["a.gexf.withheld.json"]
    subgraph.write(tmp_path / "b", format="neo4j", reveal=True)
    with pytest.raises(FileExistsError):
        subgraph.write(tmp_path / "b", format="neo4j", reveal=True)
