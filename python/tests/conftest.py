"""What the tests share: the ledgers drawn by hand, a small synthetic bank, and the real data where it is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import ringfence as rf

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "datasets" / "tiny"
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture
def tiny_files() -> Path:
    """The folder of the ledgers drawn by hand."""
    return TINY


@pytest.fixture
def tiny(tmp_path):
    """Makes the graph of one of the ledgers drawn by hand."""

    def make(folder: str) -> rf.Graph:
        links = TINY / folder / "links.csv"
        return rf.ingest(
            tmp_path / f"{folder}.graph",
            TINY / folder / "transactions.csv",
            links=links if links.exists() else None,
            preset="ledger",
        )

    return make


@pytest.fixture(scope="session")
def bank(tmp_path_factory) -> Path:
    """A synthetic bank of 5,000 transactions, as files."""
    path = tmp_path_factory.mktemp("synth") / "bank"
    rf.synth(path, transactions=5_000, seed=7)
    return path


@pytest.fixture(scope="session")
def graph(bank, tmp_path_factory) -> rf.Graph:
    """The graph of the synthetic bank."""
    return rf.ingest(
        tmp_path_factory.mktemp("graph") / "bank.graph",
        bank / "transactions.csv",
        accounts=bank / "accounts.csv",
        links=bank / "links.csv",
        preset="ledger",
    )


@pytest.fixture
def data():
    """Finds the folder of a real data set; skips, and says what is missing, where it is not at hand."""

    def find(folder: str) -> Path:
        path = DATA / folder
        if not path.is_dir():
            pytest.skip(f"{folder} is not at hand: expected in {path}")
        return path

    return find
