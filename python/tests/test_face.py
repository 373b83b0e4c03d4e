"""The public face: stubs, signatures, defaults and examples say the same as the compiled module."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import ringfence as rf
from ringfence import _core

PACKAGE = Path(rf.__file__).parent
ROOT = Path(__file__).resolve().parents[2]
FACE = {
    "ingest": rf.ingest,
    "collect": rf.collect,
    "drill": rf.drill,
    "synth": rf.synth,
    "components": rf.Graph.components,
    "project": rf.Graph.project,
    "communities": rf.Projection.communities,
    "overlapping_communities": rf.Projection.overlapping_communities,
    "cores": rf.Projection.cores,
    "dense": rf.Projection.dense,
    "centrality": rf.Projection.centrality,
    "suspicion": rf.Projection.suspicion,
    "cycles": rf.Graph.cycles,
    "count_cycles": rf.Graph.count_cycles,
    "match": rf.Graph.match,
    "link_identities": rf.Graph.link_identities,
    "identity_rings": rf.Graph.identity_rings,
    "rings": rf.Graph.rings,
    "case_file": rf.Graph.case_file,
    "trace": rf.Graph.trace,
    "freeze_plan": rf.Graph.freeze_plan,
    "origins": rf.Graph.origins,
    "bound": rf.Graph.bound,
    "exposure": rf.Graph.exposure,
    "rank": rf.Graph.rank,
    "subgraph": rf.Graph.subgraph,
}


@pytest.mark.parametrize("name", FACE)
def test_signatures_have_the_defaults_of_the_library(name):
    signature = inspect.signature(FACE[name]).parameters
    ours = {
        parameter.name: parameter.default
        for parameter in signature.values()
        if parameter.default is not inspect.Parameter.empty
    }
    theirs = _core.defaults()[name]
    assert theirs
    assert {option: ours[option] for option in theirs} == theirs


def test_defaults_cover_every_function_with_options():
    assert set(_core.defaults()) == set(FACE)


def test_options_are_keywords():
    for function in (*FACE.values(), rf.open, rf.verify, rf.Trace.paths):
        for parameter in inspect.signature(function).parameters.values():
            if parameter.default is not inspect.Parameter.empty:
                assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


def test_stubs_describe_the_compiled_module():
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy.stubtest", "ringfence", "--mypy-config-file", "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_python_half_is_typed():
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_face_is_listed_once_and_in_order():
    assert rf.__all__ == sorted(set(rf.__all__))
    assert all(hasattr(rf, name) for name in rf.__all__)
    assert (PACKAGE / "py.typed").exists()


def test_a_second_interpreter_is_refused_with_a_reason():
    program = """
import ringfence
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
made = interpreters.create()
try:
    failure = interpreters.run_string(made, "import ringfence")
except Exception as error:
    failure = error
print(failure)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "one interpreter per process" in done.stdout, done.stdout + done.stderr


def documented():
    """Everything public with its name and docstring."""
    yield "ringfence", rf.__doc__
    for name in rf.__all__:
        value = getattr(rf, name)
        if inspect.isclass(value) and value.__module__.startswith("ringfence"):
            yield name, value.__doc__
            for member, method in vars(value).items():
                if not member.startswith("_") and (callable(method) or inspect.isdatadescriptor(method)):
                    yield f"{name}.{member}", method.__doc__
        elif callable(value):
            yield name, value.__doc__


def test_everything_public_is_documented():
    missing = [name for name, doc in documented() if not doc or not doc.strip()]
    assert not missing


@pytest.fixture
def example(bank, graph, tmp_path, monkeypatch):
    """The names that examples use, in a folder where the files that they name are."""
    monkeypatch.chdir(tmp_path)
    for file in bank.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "bank.graph").symlink_to(graph.path)
    return {"rf": rf, "ringfence": rf, "graph": graph, "table": graph.components().table()}


@pytest.mark.parametrize("name", [name for name, doc in documented() if ">>>" in (doc or "")])
def test_examples_in_docstrings_run(name, example):
    doc = dict(documented())[name]
    case = doctest.DocTestParser().get_doctest(doc, example, name, None, None)
    output = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    result = runner.run(case, out=output.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(output)
