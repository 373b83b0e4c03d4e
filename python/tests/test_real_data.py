"""Data sets that others made, held against an independent reading of the same files by polars.

Counts are of rows and accounts, totals are exact: decimals are summed as whole minor units.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

import pytest

import ringfence as rf

polars = pytest.importorskip("polars")


def read(path, **more):
    """All columns of a CSV as texts."""
    return polars.read_csv(path, infer_schema=False, **more)


def minor(texts, exponent: int) -> int:
    """The sum of decimals in minor units, each rounded half to even."""
    unit = Decimal(1).scaleb(-exponent)
    return sum(int(Decimal(text).quantize(unit, ROUND_HALF_EVEN).scaleb(exponent)) for text in texts)


def totals(graph) -> dict[str, tuple[int, int]]:
    """Transactions and their sum in minor units, by currency."""
    return {c["code"]: (c["num_transactions"], c["amount_minor"]) for c in graph.info()["currencies"]}


def weak_components(edges, accounts) -> set[frozenset[str]]:
    """The weakly connected components by NetworkX."""
    networkx = pytest.importorskip("networkx")
    network = networkx.DiGraph(edges)
    network.add_nodes_from(accounts)
    return {frozenset(group) for group in networkx.weakly_connected_components(network)}


def components(graph) -> set[frozenset[str]]:
    frame = graph.components().table().to_polars()
    groups = frame.group_by("component").agg("account")["account"]
    return {frozenset(group.to_list()) for group in groups}


def test_amlsim(data, tmp_path):
    files = data("amlsim-run-a")
    frame, accounts = read(files / "transactions.csv.gz"), read(files / "accounts.csv.gz")
    graph = rf.ingest(
        tmp_path / "g",
        files / "transactions.csv.gz",
        accounts=files / "accounts.csv.gz",
        links=files / "accounts.csv.gz",
        preset="amlsim",
    )
    assert graph.num_transactions == len(frame) == 392_418
    assert graph.num_accounts == len(set(frame["orig_acct"]) | set(frame["bene_acct"]) | set(accounts["acct_id"]))
    assert totals(graph) == {"USD": (len(frame), minor(frame["base_amt"], 2))}
    assert components(graph) == weak_components(
        zip(frame["orig_acct"], frame["bene_acct"], strict=True), accounts["acct_id"]
    )
    (ssn,) = graph.info()["kinds"]
    assert (ssn["name"], ssn["num_identifiers"]) == ("ssn", accounts["ssn"].n_unique())


def test_amlgentex_by_file_and_by_frame(data, tmp_path):
    path = data("amlgentex-a") / "tx_log.account-to-account.parquet"
    frame = polars.read_parquet(path)
    by_file = rf.ingest(tmp_path / "file.graph", path, preset="amlgentex")
    by_frame = rf.ingest(tmp_path / "frame.graph", frame, preset="amlgentex")
    expected = {"SEK": (len(frame), minor(map(repr, frame["amount"]), 2))}
    assert totals(by_file) == totals(by_frame) == expected
    keys = set(frame["nameOrig"]) | set(frame["nameDest"])
    assert by_file.num_accounts == by_frame.num_accounts == len(keys)
    for folder in ("segments", "keys"):
        files = [{f.name: f.read_bytes() for f in (g.path / folder).iterdir()} for g in (by_file, by_frame)]
        assert files[0] == files[1]


def test_berka(data, tmp_path):
    files = data("berka-czech-bank")
    frame = read(files / "trans.first-part.asc.gz", separator=";")
    graph = rf.ingest(tmp_path / "g", files / "trans.first-part.asc.gz", links=files / "disp.asc", preset="berka")
    assert totals(graph) == {"CZK": (len(frame), minor(frame["amount"], 2))}
    assert len(frame) == 49_102
    # Credits come in, debits go out: what an account received and paid is what its rows say.
    account = frame["account_id"][0]
    rows = frame.filter(polars.col("account_id") == account)
    credit = polars.col("type") == "PRIJEM"
    edges = graph.subgraph([account], hops=1, transfers_only=True).transactions.to_polars()
    received = edges.filter(polars.col("target") == account)["amount_minor"].sum()
    paid = edges.filter(polars.col("source") == account)["amount_minor"].sum()
    assert received == minor(rows.filter(credit)["amount"], 2)
    assert paid == minor(rows.filter(~credit)["amount"], 2)


def test_fincen(data, tmp_path):
    path = data("fincen-files") / "download_transactions_map.csv"
    frame = read(path)
    dated = frame.filter(polars.col("end_date").fill_null("") != "")
    graph = rf.ingest(tmp_path / "g", path, preset="fincen", rejects=tmp_path / "rejects.csv")
    (usd,) = graph.info()["currencies"]
    assert (usd["num_transactions"], usd["amount_minor"]) == (len(dated), minor(dated["amount_transactions"], 2))
    assert usd["amount_minor"] + usd["rejected_minor"] == minor(frame["amount_transactions"], 2)
    assert usd["rejected"] == len(frame) - len(dated) == len(read(tmp_path / "rejects.csv")) == 6
    ends = ("originator_bank_id", "beneficiary_bank_id")
    assert graph.num_accounts == len(set(dated[ends[0]]) | set(dated[ends[1]]))


ETHEREUM = {
    "scale": {"ETH": 9},
    "transactions": {
        "source": "from",
        "destination": "to",
        "time": "timestamp",
        "time_format": "unix-s",
        "amount": "amount",
        "amount_notation": "scientific",
        "amount_decimals": "half-even",
        "currency": {"constant": "ETH"},
        "aggregate": True,
    },
}


def test_ethereum_by_a_mapping_of_our_own(data, tmp_path):
    path = data("ethereum-phishing-tedge") / "edges.csv.gz"
    frame = read(path)
    graph = rf.ingest(tmp_path / "g", path, mapping=ETHEREUM)
    assert totals(graph) == {"ETH": (len(frame), minor(frame["amount"], 9))}
    accounts = set(frame["from"]) | set(frame["to"])
    assert graph.num_accounts == len(accounts) == 86_622
    assert components(graph) == weak_components(zip(frame["from"], frame["to"], strict=True), accounts)
    info = graph.info()
    times = frame["timestamp"].cast(polars.Int64)
    assert (int(info["first"].timestamp()), int(info["last"].timestamp())) == (times.min(), times.max())


def test_the_thirty_first_party_rings_of_paysim_are_found_exactly(data, tmp_path):
    files = data("paysim2-first-party")
    log = (files / "fraudster_log.txt").read_text()
    lines = [line for line in log.splitlines() if ",FIRST_PARTY_FRAUDSTER," in line]
    rings = [frozenset(re.findall(r"(\d+) \[MULE\]", line)) for line in lines]
    assert len(rings) == 30
    # Nothing ties an account that is a ring by itself.
    planted = {ring for ring in rings if len(ring) > 1}
    graph = rf.ingest(
        tmp_path / "g",
        files / "transactions.csv.zst",
        accounts=files / "clients.csv.gz",
        links=files / "clients.csv.gz",
        preset="paysim",
    )
    found: dict[int, set[str]] = {}
    answer = graph.identity_rings()
    for row in answer.members.to_dicts():
        found.setdefault(row["ring"], set()).add(row["account"])
    assert {frozenset(ring) for ring in found.values()} == planted
    assert len(answer.hubs) == 0
    frame = read(files / "transactions.csv.zst")
    assert graph.num_transactions == len(frame) == 765_392
    assert totals(graph) == {"USD": (len(frame), minor(frame["amount"], 2))}


def test_amlworld(data, tmp_path):
    path = data("amlworld-hi-small") / "HI-Small_Trans.laundering-rows.csv"
    names = ["time", "from", "source", "to", "target", "received", "into", "paid", "currency", "format", "label"]
    frame = read(path, has_header=False, skip_rows=1, new_columns=names)
    graph = rf.ingest(tmp_path / "g", path, preset="amlworld")
    accounts = set((frame["from"] + ":" + frame["source"]).to_list())
    accounts |= set((frame["to"] + ":" + frame["target"]).to_list())
    assert graph.num_transactions == len(frame) == 3_209
    assert graph.num_accounts == len(accounts) == 3_170
    # Bitcoin has six decimals here, every other currency two, Yen too.
    expected = sorted(
        (len(group), minor(group["paid"], 6 if name == "Bitcoin" else 2))
        for (name,), group in frame.group_by("currency")
    )
    found = totals(graph)
    assert sorted(total for total in found.values() if total[0]) == expected
    assert found["USD"][1] == minor(frame.filter(polars.col("currency") == "US Dollar")["paid"], 2)
