"""Erasing: an identity goes and the money stays."""

from __future__ import annotations

import pytest

import ringfence as rf

polars = pytest.importorskip("polars")

ROWS = {
    "transaction": ["t1", "t2", "t3"],
    "source": ["NL0001QZX", "NL0002QZX", "NL0003QZX"],
    "destination": ["NL0002QZX", "NL0003QZX", "NL0001QZX"],
    "time": ["2024-01-05T00:00:00Z", "2024-02-01T00:00:00Z", "2024-02-03T00:00:00Z"],
    "amount": ["10.00", "4.00", "3.00"],
    "currency": ["EUR", "EUR", "EUR"],
}
LINKS = {
    "account": ["NL0001QZX", "NL0002QZX", "NL0001QZX"],
    "kind": ["phone", "phone", "phone"],
    "value": ["+31-077", "+31-077", "+31-099"],
}


def test_an_identity_goes_and_the_money_stays(tmp_path):
    path = tmp_path / "graph"
    graph = rf.ingest(path, polars.DataFrame(ROWS), links=polars.DataFrame(LINKS), preset="ledger")
    would = graph.erase(["NL0001QZX"], dry_run=True)
    assert would["scanned"] is None and not would["published"]
    assert rf.open(path).info() == graph.info()
    report = graph.erase(["NL0001QZX"])
    assert (report["published"], report["generation"], report["gone"]) == (True, 2, [1])
    assert [(each["kind"], each["key"]) for each in report["anonymous"]] == [(None, "erased-0"), ("phone", "erased-1")]
    assert (report["num_links"], report["num_shared"]) == (2, 1)
    assert (report["scanned"]["num_whole"], report["scanned"]["places"]) == (0, [])
    after = rf.open(path)
    assert after.info()["currencies"] == graph.info()["currencies"]
    assert after.num_transactions == graph.num_transactions
    assert rf.verify(path, full=True)
    files = [file for file in path.rglob("*") if file.is_file()]
    assert all(b"NL0001QZX" not in file.read_bytes() for file in files)
    with pytest.raises(rf.UnknownKeyError):
        after.erase(["NL0001QZX"])
    assert after.erase(identifiers=[("phone", "+31-077")])["generation"] == 3


def test_nobody_is_no_subject(tmp_path):
    graph = rf.ingest(tmp_path / "graph", polars.DataFrame(ROWS), preset="ledger")
    with pytest.raises(rf.OptionError, match="at least one account or identifier"):
        graph.erase()
