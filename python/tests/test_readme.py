"""The programs in the README run as they stand, one after another."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_programs_of_the_readme_run(tmp_path, monkeypatch, capsys):
    programs = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(programs) >= 2
    monkeypatch.chdir(tmp_path)
    for program in programs:
        exec(compile(program, str(README), "exec"), {})
    said = capsys.readouterr().out
    for promise in ("rings of", "a scenario, not an entitlement", "in_safe_core", "caught_minor", "'balances': True"):
        assert promise in said
    for made in ("bank", "bank.graph", "rings", "trace"):
        assert (tmp_path / made).is_dir()
    assert (tmp_path / "trace" / "ledger.json").exists()
