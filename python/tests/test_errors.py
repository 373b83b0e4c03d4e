"""What goes wrong comes out as the exception that says what to do about it."""

from __future__ import annotations

import builtins
import errno
import pickle

import pytest

import ringfence as rf
from ringfence import errors


def test_every_exception_is_of_one_family_and_of_pythons_own_kinds():
    tree = {
        rf.OptionError: (ValueError,),
        rf.UnknownKeyError: (KeyError,),
        rf.InputError: (ValueError,),
        rf.RejectsError: (rf.InputError,),
        rf.DamagedError: (rf.FormatError,),
        rf.FormatError: (),
        rf.LockedError: (),
        rf.LimitExceededError: (),
        rf.CancelledError: (),
        rf.CommitUnknownError: (),
        rf.UnprovedError: (),
    }
    for kind, bases in tree.items():
        assert issubclass(kind, (rf.RingfenceError, *bases))
        assert all(issubclass(kind, base) for base in bases)
    classes = (value for value in vars(errors).values() if isinstance(value, type))
    named = {kind.__name__ for kind in classes if issubclass(kind, Exception)}
    assert named == {kind.__name__ for kind in tree} | {"RingfenceError"}


def test_file_trouble_is_the_matching_os_error(tmp_path, tiny, tiny_files):
    with pytest.raises(FileNotFoundError) as caught:
        rf.open(tmp_path / "nothing")
    assert caught.value.errno == errno.ENOENT
    assert caught.value.filename == str(tmp_path / "nothing")
    file = tiny_files / "cycle" / "transactions.csv"
    with pytest.raises(FileNotFoundError) as caught:
        rf.ingest(tmp_path / "g", tmp_path / "nothing.csv", preset="ledger")
    assert caught.value.filename == str(tmp_path / "nothing.csv")
    graph = tiny("cycle")
    with pytest.raises(FileExistsError) as caught:
        rf.ingest(graph.path, file, preset="ledger")
    assert caught.value.errno == errno.EEXIST
    assert str(graph.path) in caught.value.filename
    with pytest.raises(builtins.OSError):
        graph.identity_rings().write(tmp_path / "no" / "rings")


def test_what_is_no_graph_is_called_foreign(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(rf.FormatError) as caught:
        rf.open(tmp_path / "folder")
    assert not isinstance(caught.value, rf.DamagedError)
    assert str(tmp_path / "folder") in caught.value.path


def test_damage_is_named_by_file(tiny):
    graph = tiny("cycle")
    (segment,) = (graph.path / "segments").iterdir()
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 0xFF
    segment.chmod(0o600)
    segment.write_bytes(bytes(content))
    with pytest.raises(rf.DamagedError) as caught:
        rf.verify(graph.path, full=True)
    assert segment.name in caught.value.path
    segment.write_bytes(bytes(content[:-100]))
    with pytest.raises(rf.DamagedError):
        rf.open(graph.path)


def test_unknown_keys_carry_kind_and_key(tiny):
    graph = tiny("trace_fifo")
    for ask, kind, key in [
        (lambda: graph.subgraph(["nobody"]), "account", "nobody"),
        (lambda: graph.trace([{"case": "C", "transaction": "T99"}]), "transaction", "T99"),
        (lambda: graph.trace([{"case": "C", "transaction": "T2"}], sinks=["nobody"]), "account", "nobody"),
        (lambda: graph.identity_rings(kinds=["fax"]), "kind of identifier", "fax"),
        (lambda: graph.subgraph(["M"], attributes=["shoe size"]), "attribute of accounts", "shoe size"),
    ]:
        with pytest.raises(rf.UnknownKeyError) as caught:
            ask()
        assert (caught.value.kind, caught.value.key) == (kind, key)
        assert key in str(caught.value)
        assert not str(caught.value).startswith(("'", '"'))


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (lambda graph: graph.components(over="friends"), "over"),
        (lambda graph: graph.components(accounts_max=1), "accounts_max"),
        (lambda graph: graph.identity_rings(accounts_min=1), "accounts_min"),
        (lambda graph: graph.subgraph(["M"], accounts_max=0), "accounts_max"),
        (lambda graph: graph.trace([{"case": "C", "transaction": "T2"}], policy="lucky"), "policy"),
        (lambda graph: graph.trace([{"case": "C", "transaction": "T2"}], opening="door"), "opening"),
        (lambda graph: graph.trace([{"case": "C", "transaction": "T2"}], ties="loose"), "ties"),
        (lambda graph: rf.open(graph.path, io="tape"), "io"),
    ],
)
def test_options_out_of_range_are_named(tiny, ask, name):
    with pytest.raises(rf.OptionError) as caught:
        ask(tiny("trace_fifo"))
    assert caught.value.name == name
    assert caught.value.allowed in str(caught.value)


def test_mistakes_in_seeds_are_located(tiny):
    graph = tiny("trace_fifo")
    seeds = [{"case": "C", "transaction": "T2"}, {"case": "C", "transaction": "T2", "amount": "-1"}]
    with pytest.raises(rf.InputError, match="line 3"):
        graph.trace(seeds)
    with pytest.raises(rf.InputError, match="amuont"):
        graph.trace([{"case": "C", "transaction": "T2", "amuont": 1}])
    with pytest.raises(TypeError, match="dict"):
        graph.trace(["T2"])


def test_numbers_that_do_not_fit_are_pythons_own_errors(tiny):
    graph = tiny("cycle")
    with pytest.raises(OverflowError):
        graph.components(accounts_max=-1)
    with pytest.raises(TypeError):
        graph.components(accounts_max="many")


def test_exceptions_travel_between_processes():
    error = rf.OptionError("option over: no", name="over", value="x", allowed="y")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.name, type(again)) == (str(error), "over", rf.OptionError)
