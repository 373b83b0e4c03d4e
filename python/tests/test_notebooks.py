"""Notebooks run from top to bottom, are saved without outputs, and only call the library."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_saved_without_outputs(path):
    for cell in code(nbformat.read(path, as_version=4)):
        assert not cell.outputs
        assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_only_calls_the_library(path):
    for cell in code(nbformat.read(path, as_version=4)):
        loops = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, (ast.For, ast.While))]
        assert not loops, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    pytest.importorskip("ipykernel")
    for needed in ("matplotlib", "networkx", "pandas", "pyarrow"):
        pytest.importorskip(needed)
    monkeypatch.setenv("MPLBACKEND", "agg")
    # What the notebook makes goes where the test's files go.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("RINGFENCE_DATA", str(DATA))
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    shown = [output for cell in code(notebook) for output in cell.outputs if output.output_type != "stream"]
    assert shown


def test_there_are_notebooks():
    assert NOTEBOOKS
