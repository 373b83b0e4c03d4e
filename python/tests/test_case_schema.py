"""The schema of case files says what case files are: samples fit, and changed ones do not."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "tests" / "case_files").glob("*.json"))
PICTURES = sorted((ROOT / "tests" / "case_files").glob("*.svg"))
SCHEMA = json.loads((ROOT / "docs" / "case-file.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def ring():
    return json.loads((ROOT / "tests" / "case_files" / "ring.json").read_text(encoding="utf-8"))


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_fit(path):
    found = list(VALIDATOR.iter_errors(json.loads(path.read_text(encoding="utf-8"))))
    assert not found, [f"{error.json_path}: {error.message}" for error in found]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["format"], "ringfence-case/2"),
        (["language"], "fr"),
        (["subject", "first"], "2024-05-01 09:00"),
        (["subject", "kind"], "rings"),
        (["score_millibits"], 1.5),
        (["accounts", 0, "x"], 1.5),
        (["accounts", 0, "attributes", 0], ["name"]),
        (["transfers", 0, "paid", "minor"], 250000),
        (["transfers", 0, "paid", "amount"], "2,500.00"),
        (["transfers", 0, "source"], -1),
        (["transfers", 0, "extra"], True),
        (["flow_links", 0, "amount"], None),
        (["claims", 0, "transfers"], [1, 1]),
        (["summary", 0, "question"], "whom"),
    ],
)
def test_what_is_wrong_is_refused(place, value):
    case = ring()
    *way, last = place
    target = case
    for step in way:
        target = target[step]
    target[last] = value
    assert [error.absolute_path[0] for error in VALIDATOR.iter_errors(case)] == [place[0]]


def members(schema, case, path=()):
    """Every member of every object of `case`, as a path of names."""
    if isinstance(case, dict) and path[:1] != ("provenance",):
        for name, value in case.items():
            yield (*path, name)
            yield from members(schema, value, (*path, name))
    elif isinstance(case, list):
        for at, value in enumerate(case[:1]):
            yield from members(schema, value, (*path, at))


def test_nothing_may_be_missing():
    case = ring()
    paths = [path for path in members(SCHEMA, case) if path[:1] != ("provenance",)]
    assert len(paths) > 80
    for path in paths:
        less = copy.deepcopy(case)
        target = less
        for step in path[:-1]:
            target = target[step]
        del target[path[-1]]
        assert not VALIDATOR.is_valid(less), path


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_pictures_stand_alone(path):
    text = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg"
    known = {"svg", "title", "desc", "rect", "text", "g", "path", "circle"}
    assert {element.tag.removeprefix(space) for element in root.iter()} <= known
    names = {name for element in root.iter() for name in element.attrib}
    assert not [name for name in names if name.startswith("on") or "href" in name or name in ("style", "src")]
    assert "url(" not in "".join(value for element in root.iter() for value in element.attrib.values())
    # Every shape lies on the picture's own background.
    background = next(element for element in root if element.tag == f"{space}rect")
    assert (background.get("width"), background.get("height")) == (root.get("width"), root.get("height"))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]", text)


def test_there_are_samples():
    assert len(SAMPLES) >= 4
    assert len(PICTURES) == 3 * len(SAMPLES)
