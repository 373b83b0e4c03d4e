"""Rings and case files through the Python face."""

from __future__ import annotations

import json
import re

import pytest

import ringfence as rf
from ringfence.errors import InputError, OptionError, UnknownKeyError

networkx = pytest.importorskip("networkx")


@pytest.fixture(scope="session")
def rings(graph) -> rf.Rings:
    return graph.rings()


@pytest.fixture
def key(tmp_path):
    rf.backup_key(tmp_path / "names.key")
    return tmp_path / "names.key"


def rows_of(table, ring):
    return [row for row in table.to_dicts() if row["ring"] == ring]


def test_scores_add_up_and_evidence_belongs_to_claims(rings):
    assert len(rings) > 5
    for row in rings.rings.to_dicts():
        ring = row["ring"]
        claims = rows_of(rings.claims, ring)
        assert sum(claim["adds_millibits"] for claim in claims) == row["score_millibits"]
        assert sum(part["millibits"] for part in rows_of(rings.parts, ring)) == row["score_millibits"]
        assert len(claims) == row["num_claims"]
        assert len({one["transaction"] for one in rows_of(rings.evidence, ring)}) == row["num_transactions"]
        assert len(rows_of(rings.members, ring)) == row["num_accounts"]
        for line in rows_of(rings.money, ring):
            assert line["kept_minor"] == line["received_minor"] - line["paid_minor"]


def test_members_are_joined_by_their_evidence(rings):
    """NetworkX on the evidence: payments, shared identifiers, and who is in one claim."""
    for row in rings.rings.to_dicts()[:20]:
        ring = row["ring"]
        network = networkx.Graph()
        for one in rows_of(rings.parties, ring):
            network.add_edge(("account", one["account"]), ("claim", one["claim"]))
        members = {("account", one["account"]) for one in rows_of(rings.members, ring)}
        assert members <= set(network)
        assert networkx.is_connected(network)


def test_a_directory_is_read_back_and_compared(graph, rings, tmp_path):
    rings.write(tmp_path / "rings")
    again = graph.rings(by=["identifiers"], previous=tmp_path / "rings")
    again.write(tmp_path / "again")
    changes = rf.ring_changes(tmp_path / "rings", tmp_path / "again").to_dicts()
    assert {row["fate"] for row in changes} <= {"born", "grew", "shrank", "changed", "unchanged", "merged", "split", "gone"}
    assert all(row["ring"] == row["previous"] for row in changes if row["fate"] == "unchanged")
    assert all(row["fate"] == "unchanged" for row in rf.ring_changes(tmp_path / "rings", tmp_path / "rings").to_dicts())
    here = rings.case_file(1, reveal=True, language="zh").json()
    there = graph.case_file(ring=tmp_path / "rings" / "1", reveal=True, language="zh").json()
    assert json.loads(here) == json.loads(there)


def test_a_case_file_holds_pseudonyms_that_stay_the_same_in_a_case(rings, key):
    one = rings.case_file(1, key_file=key, case="one")
    assert one.json() == rings.case_file(1, key_file=key, case="one").json()
    other = rings.case_file(1, key_file=key, case="other")
    names = {account["id"] for account in one.content["accounts"]}
    assert all(re.fullmatch(r"acct-[0-9a-z]{12}", name) for name in names)
    assert not names & {account["id"] for account in other.content["accounts"]}
    clear = rings.case_file(1, reveal=True)
    members = {row["account"] for row in rows_of(rings.members, clear.content["subject"]["id"])}
    assert members == {account["id"] for account in clear.content["accounts"] if account["member"]}
    for text in (one.html(), one.markdown(), one.json(), one.svg("ring"), one.svg("timeline"), one._repr_html_()):
        assert not any(member in text for member in members)


def test_amounts_of_accounts_are_those_of_their_transfers(rings):
    case = rings.case_file(1, reveal=True).content
    paid = {}
    for transfer in case["transfers"]:
        at = (transfer["source"], transfer["paid"]["currency"])
        paid[at] = paid.get(at, 0) + int(transfer["paid"]["minor"])
    listed = {
        (place, amount["currency"]): int(amount["minor"])
        for place, account in enumerate(case["accounts"])
        for amount in account["paid"]
    }
    assert listed == paid


def test_it_shows_itself_in_a_notebook_with_no_network(rings, key):
    case = rings.case_file(1, key_file=key)
    page = case.html()
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert "default-src 'none'" in page
    assert len(case._repr_html_()) < 400_000
    assert "<svg" in case.picture("sankey")._repr_svg_()
    assert case.show()._repr_html_()
    assert "<table" in rings._repr_html_()


def test_what_cannot_be_made_is_refused(graph, rings, key, tmp_path):
    with pytest.raises(InputError, match="key_file"):
        rings.case_file(1)
    with pytest.raises(InputError):
        rings.case_file(1, key_file=key, reveal=True)
    with pytest.raises(UnknownKeyError):
        rings.case_file("ring-none", reveal=True)
    with pytest.raises(OptionError):
        rings.case_file(1, reveal=True, language="fr")
    with pytest.raises(OptionError):
        rings.case_file(1, reveal=True).svg("pie")
    with pytest.raises(OptionError):
        graph.rings(by=["shoes"])
    with pytest.raises(OptionError):
        graph.rings(hub_max=0)
    with pytest.raises(InputError):
        graph.case_file(reveal=True)
    case = rings.case_file(1, reveal=True)
    with pytest.raises(OptionError):
        case.write(tmp_path / "case.pdf")
    case.write(tmp_path / "case.html")
    with pytest.raises(FileExistsError):
        case.write(tmp_path / "case.html")
    with pytest.raises(InputError, match="no case file"):
        rf.CaseFile.from_json("{}")
    broken = json.loads(case.json())
    broken["transfers"][0]["source"] = 10_000
    with pytest.raises(InputError, match="transfers"):
        rf.CaseFile.from_json(json.dumps(broken))


def test_threads_change_nothing(graph):
    one, many = (graph.rings(threads=threads) for threads in (1, 4))
    assert one.claims.to_dicts() == many.claims.to_dicts()
    assert one.summary == many.summary
