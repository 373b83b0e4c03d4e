"""Tables for pandas, polars and pyarrow, which are imported only when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import pandas as _pandas
    import polars as _polars
    import pyarrow as _pyarrow

    from ._core import Table


def to_arrow(table: Table) -> _pyarrow.Table:
    """`table` as a :class:`pyarrow.Table` over the same memory."""
    return _module("pyarrow", "pandas").table(table)


def to_pandas(table: Table) -> _pandas.DataFrame:
    """`table` as a :class:`pandas.DataFrame`."""
    _module("pandas", "pandas")
    return to_arrow(table).to_pandas()


def to_polars(table: Table) -> _polars.DataFrame:
    """`table` as a :class:`polars.DataFrame`."""
    return cast("_polars.DataFrame", _module("polars", "polars").DataFrame(table))


def _module(name: str, extra: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = f"this needs {name}: pip install 'ringfence[{extra}]'"
        raise ImportError(message, name=name) from error
