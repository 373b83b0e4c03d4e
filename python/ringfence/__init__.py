"""Ringfence finds fraud rings and follows money in account, device and transaction graphs.

>>> import ringfence as rf
>>> graph = rf.open("bank.graph")
>>> graph.identity_rings().members.column_names
['ring', 'account']

Every result is a :class:`Table`, which pandas, polars, pyarrow and DuckDB take
without a copy. Long calls leave the interpreter: other threads go on, and Ctrl-C
ends them within a fraction of a second.

Limitations: a graph does not survive ``os.fork``, so start processes with "spawn" or
"forkserver"; a second interpreter in the process (subinterpreters) is refused at import.
"""

from __future__ import annotations

from ._core import (
    Bounds,
    CaseFile,
    Communities,
    Components,
    Contacts,
    CycleCounts,
    Exposure,
    FreezePlan,
    Graph,
    IdentityLinks,
    IdentityRings,
    IncrementalDensest,
    Origins,
    Paths,
    Patterns,
    Pin,
    Projection,
    Ranking,
    Rings,
    Structure,
    Subgraph,
    Table,
    Trace,
    __version__,
    backup,
    backup_key,
    collect,
    doctor,
    drill,
    generations,
    ingest,
    open,
    restore,
    ring_changes,
    synth,
    typologies,
    verify,
    verify_backup,
)
from .display import Picture, show
from .errors import (
    CancelledError,
    CommitUnknownError,
    DamagedError,
    FormatError,
    InputError,
    LimitExceededError,
    LockedError,
    OptionError,
    RejectsError,
    RingfenceError,
    UnknownKeyError,
    UnprovedError,
)
from .progress import ProgressBar, progress_bar

__all__ = [
    "Bounds",
    "CancelledError",
    "CaseFile",
    "CommitUnknownError",
    "Communities",
    "Components",
    "Contacts",
    "CycleCounts",
    "DamagedError",
    "Exposure",
    "FormatError",
    "FreezePlan",
    "Graph",
    "IdentityLinks",
    "IdentityRings",
    "IncrementalDensest",
    "InputError",
    "LimitExceededError",
    "LockedError",
    "OptionError",
    "Origins",
    "Paths",
    "Patterns",
    "Picture",
    "Pin",
    "ProgressBar",
    "Projection",
    "Ranking",
    "RejectsError",
    "RingfenceError",
    "Rings",
    "Structure",
    "Subgraph",
    "Table",
    "Trace",
    "UnknownKeyError",
    "UnprovedError",
    "__version__",
    "backup",
    "backup_key",
    "collect",
    "doctor",
    "drill",
    "generations",
    "ingest",
    "open",
    "progress_bar",
    "restore",
    "ring_changes",
    "show",
    "synth",
    "typologies",
    "verify",
    "verify_backup",
]
