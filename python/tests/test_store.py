"""What keeps a store healthy, from Python: generations, collection, backups, restorations, the doctor."""

from __future__ import annotations

import pytest

import ringfence as rf

HEADER = "transaction,source,destination,time,amount,currency\n"
FIRST = "t1,a,b,2024-01-05T00:00:00Z,10.00,EUR\n"
SECOND = "t2,b,c,2024-02-05T00:00:00Z,4.00,EUR\n"


@pytest.fixture
def bank(tmp_path):
    """A graph of two generations."""
    path = tmp_path / "bank.graph"
    for name, row in (("first.csv", FIRST), ("second.csv", SECOND)):
        (tmp_path / name).write_text(HEADER + row)
    first = rf.ingest(path, tmp_path / "first.csv", preset="ledger", memory=1 << 30)
    first.append(tmp_path / "second.csv")
    return path


def numbers(path):
    return [each["generation"] for each in rf.generations(path)]


def test_generations_are_listed_and_opened(bank):
    first, second = rf.generations(bank)
    assert (first["live"], second["live"], second["parent"]) == (False, True, 1)
    assert (first["num_transactions"], second["num_transactions"]) == (1, 2)
    assert [source["accepted"] for source in second["sources_new"]] == [1]
    assert rf.open(bank, generation=1).num_transactions == 1
    assert rf.open(bank, generation=2).num_transactions == rf.open(bank).num_transactions == 2
    with pytest.raises(rf.UnknownKeyError, match="generation"):
        rf.open(bank, generation=3)


def test_what_nobody_keeps_is_collected_and_what_is_pinned_stays(bank):
    def collect(**options):
        return rf.collect(bank, keep=1, keep_hours=0, **options)

    with rf.open(bank, generation=1).pin() as pin:
        assert pin.generation == 1
        assert rf.generations(bank)[0]["pins"] == 1
        kept = {each["generation"]: each["because"] for each in collect()["kept"]}
        assert "pinned" in kept[1]
    assert collect(also=[1])["gone"] == []
    assert collect(dry_run=True)["gone"] == [1]
    assert numbers(bank) == [1, 2]
    assert collect()["gone"] == [1]
    assert numbers(bank) == [2]
    assert rf.verify(bank, full=True)["generation"] == 2
    with pytest.raises(rf.OptionError, match="keep"):
        rf.collect(bank, keep=0)


def test_a_pin_is_released_once_and_a_collected_generation_is_not_pinned(bank):
    old = rf.open(bank, generation=1)
    pin = old.pin()
    pin.release()
    pin.release()
    rf.collect(bank, keep=1, keep_hours=0)
    with pytest.raises(rf.UnknownKeyError):
        old.pin()
    # Whoever has it open keeps it all the same.
    assert old.num_transactions == 1


def test_a_directory_is_backed_up_brought_up_to_date_checked_and_restored(bank, tmp_path):
    copy = tmp_path / "copy.graph"
    made = rf.backup(bank, copy, generation=1)
    assert (made["generation"], made["num_kept"]) == (1, 0)
    assert rf.backup(bank, copy)["num_kept"] > 0
    checked = rf.verify_backup(copy)
    assert (checked["generation"], checked["num_checked"]) == (2, checked["num_files"])
    shares = [rf.verify_backup(copy, subset=(k, 3))["num_checked"] for k in (1, 2, 3)]
    assert sum(shares) == checked["num_files"]
    restored = rf.restore(tmp_path / "restored.graph", copy)
    assert restored.info()["num_transactions"] == 2
    with pytest.raises(FileExistsError):
        rf.restore(tmp_path / "restored.graph", copy)
    drilled = rf.drill(bank, copy)
    assert drilled["generation"] == 2
    assert {"question", "sha256"} == set(drilled["answers"][0])


def test_bundles_are_encrypted_and_make_a_chain(bank, tmp_path):
    key = tmp_path / "bank.key"
    name = rf.backup_key(key)
    assert len(name) >= 16
    assert key.stat().st_mode & 0o777 == 0o600
    whole, more = tmp_path / "whole.bundle", tmp_path / "more.bundle"
    with pytest.raises(rf.OptionError, match="key_file"):
        rf.backup(bank, whole)
    first = rf.backup(bank, whole, generation=1, key_file=key)
    second = rf.backup(bank, more, since=whole, key_file=key)
    assert first["bundle"] != second["bundle"]
    assert b"2024-01" not in whole.read_bytes()
    restored = rf.restore(tmp_path / "restored.graph", [more, whole], key_file=key)
    assert restored.num_transactions == 2
    damaged = bytearray(whole.read_bytes())
    damaged[-40] ^= 1
    whole.write_bytes(bytes(damaged))
    with pytest.raises(rf.DamagedError):
        rf.verify_backup([whole, more], key_file=key)


def test_the_doctor_finds_what_others_could_change(bank):
    assert "error" not in {finding["level"] for finding in rf.doctor(bank)}
    bank.chmod(0o777)
    findings = [finding for finding in rf.doctor(bank) if finding["subject"] == "permissions"]
    assert any(finding["level"] in {"warning", "error"} and "chmod" in finding["remedy"] for finding in findings)


def test_memory_bounds_the_build_and_too_little_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text(HEADER + FIRST)
    with pytest.raises(rf.OptionError, match="memory"):
        rf.ingest(tmp_path / "graph", tmp_path / "t.csv", preset="ledger", memory=1000)
    assert not (tmp_path / "graph").exists()
