"""Types of the compiled half of the package; checked against it by a test."""

import datetime as _dt
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol, TypeAlias, final, overload, type_check_only

import networkx
import pandas
import polars
import pyarrow

from .display import Page, Picture

__all__ = [
    "Bounds",
    "CaseFile",
    "Communities",
    "Components",
    "Contacts",
    "CycleCounts",
    "Exposure",
    "FreezePlan",
    "Graph",
    "IdentityLinks",
    "IdentityRings",
    "IncrementalDensest",
    "Origins",
    "Paths",
    "Patterns",
    "Pin",
    "Projection",
    "Ranking",
    "Rings",
    "Structure",
    "Subgraph",
    "Table",
    "Trace",
    "__version__",
    "backup",
    "backup_key",
    "collect",
    "defaults",
    "doctor",
    "drill",
    "generations",
    "ingest",
    "open",
    "restore",
    "ring_changes",
    "synth",
    "typologies",
    "verify",
    "verify_backup",
]

__version__: str

@type_check_only
class _Stream(Protocol):
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...

@type_check_only
class _Array(Protocol):
    def __arrow_c_array__(self, requested_schema: Any = None) -> Any: ...

_Path: TypeAlias = str | os.PathLike[str]
_Frame: TypeAlias = _Stream | _Array
_Source: TypeAlias = _Path | _Frame
_Time: TypeAlias = _dt.datetime | _dt.date | str | int
_Rows: TypeAlias = _Source | Iterable[Mapping[str, Any]]
_Accounts: TypeAlias = _Source | Iterable[str]
_Policy: TypeAlias = Literal["fifo", "lifo", "haircut", "clean_first", "tainted_first"]
_Opening: TypeAlias = Literal["just_in_time", "minimal", "given"]
_Ties: TypeAlias = Literal["order", "strict"]
_Progress: TypeAlias = Callable[[str, int, int], Any]

def defaults() -> dict[str, dict[str, Any]]: ...
def ingest(
    path: _Path,
    transactions: _Source | Iterable[_Source],
    *,
    mapping: Mapping[str, Any] | _Path | None = None,
    preset: str | None = None,
    accounts: _Source | Iterable[_Source] | None = None,
    links: _Source | Iterable[_Source] | None = None,
    partition: Literal["week", "month", "year", "none"] = "month",
    max_rejects: float = 1.0,
    rejects: _Path | None = None,
    memory: int | None = None,
    threads: int | None = None,
    progress: _Progress | None = None,
) -> Graph: ...
def open(path: _Path, *, io: Literal["mmap", "read"] = "mmap", generation: int | None = None) -> Graph: ...
def generations(path: _Path) -> list[dict[str, Any]]: ...
def collect(
    path: _Path,
    *,
    keep: int = 3,
    keep_hours: int = 24,
    also: Iterable[int] | None = None,
    dry_run: bool = False,
    progress: _Progress | None = None,
) -> dict[str, Any]: ...
def doctor(path: _Path) -> list[dict[str, str]]: ...
def backup(
    path: _Path,
    to: _Path,
    *,
    key_file: _Path | None = None,
    since: _Path | None = None,
    generation: int | None = None,
    threads: int | None = None,
    progress: _Progress | None = None,
) -> dict[str, Any]: ...
def backup_key(path: _Path) -> str: ...
def verify_backup(
    backup: _Path | Iterable[_Path],
    *,
    key_file: _Path | None = None,
    subset: tuple[int, int] | None = None,
    threads: int | None = None,
    progress: _Progress | None = None,
) -> dict[str, int]: ...
def ring_changes(old: _Path, new: _Path) -> Table: ...
def restore(
    path: _Path,
    backup: _Path | Iterable[_Path],
    *,
    key_file: _Path | None = None,
    threads: int | None = None,
    progress: _Progress | None = None,
) -> Graph: ...
def drill(
    path: _Path,
    backup: _Path | Iterable[_Path],
    *,
    key_file: _Path | None = None,
    samples: int = 1000,
    seed: int = 1,
    scratch: _Path | None = None,
    threads: int | None = None,
    progress: _Progress | None = None,
) -> dict[str, Any]: ...
def synth(
    path: _Path,
    *,
    transactions: int = 100_000,
    seed: int = 1,
    accounts: int | None = None,
    start: _Time | None = None,
    days: int = 31,
    rings: int | None = None,
    progress: _Progress | None = None,
) -> dict[str, Any]: ...
def typologies() -> dict[str, dict[str, Any]]: ...
def verify(
    path: _Path,
    *,
    full: bool = False,
    threads: int | None = None,
    progress: _Progress | None = None,
) -> dict[str, int]: ...
@final
class Pin:
    @property
    def generation(self) -> int: ...
    def release(self) -> None: ...
    def __enter__(self) -> Pin: ...
    def __exit__(self, *_raised: object) -> None: ...
@final
class Graph:
    @property
    def path(self) -> pathlib.Path: ...
    @property
    def num_accounts(self) -> int: ...
    @property
    def num_transactions(self) -> int: ...
    def info(self) -> dict[str, Any]: ...
    def append(
        self,
        transactions: _Source | Iterable[_Source] | None = None,
        *,
        accounts: _Source | Iterable[_Source] | None = None,
        links: _Source | Iterable[_Source] | None = None,
        max_rejects: float = 1.0,
        rejects: _Path | None = None,
        memory: int | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Graph: ...
    def pin(self) -> Pin: ...
    def compact(
        self,
        partition: Literal["week", "month", "year", "none"],
        *,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Graph: ...
    def erase(
        self,
        accounts: list[str] | None = None,
        *,
        identifiers: list[tuple[str, str]] | None = None,
        dry_run: bool = False,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> dict[str, Any]: ...
    def components(
        self,
        *,
        over: Literal["transfers", "identifiers", "both"] = "transfers",
        start: _Time | None = None,
        end: _Time | None = None,
        accounts_max: int = 50,
        strong: bool = False,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Components: ...
    def project(
        self,
        *,
        over: Literal["transfers", "identifiers", "both"] = "transfers",
        weight: Literal["count", "log", "amount"] = "count",
        currency: str | None = None,
        transfers_weight: int = 1,
        identifiers_weight: int = 1,
        accounts_max: int = 50,
        neighbors_max: int | None = None,
        hubs: Literal["cut", "damp", "significant"] = "cut",
        alpha: float = 0.01,
        allowed: _Rows | list[str] | None = None,
        accounts: _Rows | list[str] | None = None,
        start: _Time | None = None,
        end: _Time | None = None,
        reveal: bool = False,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Projection: ...
    def link_identities(
        self,
        *,
        kinds: list[str] | None = None,
        correlated: list[list[str]] | None = None,
        bits_min: float = 4.0,
        members_max: int = 100,
        accounts_max: int = 50,
        m_permille: int = 900,
        half_life_days: int | None = None,
        population: int | None = None,
        allowed: _Rows | None = None,
        placeholders: list[str] | None = None,
        start: _Time | None = None,
        end: _Time | None = None,
        reveal: bool = False,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> IdentityLinks: ...
    def rings(
        self,
        *,
        by: list[Literal["identifiers", "typologies", "communities"]] | None = None,
        kinds: list[str] | None = None,
        identifier_accounts_max: int = 50,
        typologies: list[str] | None = None,
        settings: dict[str, Any] | None = None,
        traces: list[_Path] | None = None,
        previous: _Path | None = None,
        claims_max: int = 2_000,
        shared_min: int = 2,
        overlap_permille: int = 500,
        hub_max: int = 100,
        hubs_where: list[str] | None = None,
        accounts_max: int = 200,
        accounts_min: int = 2,
        rings_max: int = 1_000,
        base: str | None = None,
        rates: _Rows | None = None,
        reveal: bool = False,
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Rings: ...
    def case_file(
        self,
        *,
        ring: _Path | None = None,
        trace: _Path | None = None,
        language: Literal["en", "zh"] = "en",
        key_file: _Path | None = None,
        case: str | None = None,
        reveal: bool = False,
        attributes: list[str] | None = None,
        counterfactual: bool = True,
        accounts_max: int = 2_000,
        transfers_max: int = 8_000,
    ) -> CaseFile: ...
    def identity_rings(
        self,
        *,
        kinds: list[str] | None = None,
        accounts_max: int = 50,
        accounts_min: int = 2,
        start: _Time | None = None,
        end: _Time | None = None,
        reveal: bool = False,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> IdentityRings: ...
    @overload
    def trace(
        self,
        seeds: _Rows,
        *,
        policy: _Policy = "fifo",
        opening: _Opening = "just_in_time",
        balances: _Rows | None = None,
        pooling: Literal["currency", "value"] = "currency",
        base: str | None = None,
        rates: _Rows | None = None,
        ties: _Ties = "order",
        until: _Time | None = None,
        sinks: _Accounts | None = None,
        sinks_where: Mapping[str, Any] | None = None,
        sinks_degree_above: int | None = None,
        dust: int = 0,
        max_hops: int | None = None,
        flows_max: int = 200_000_000,
        joint: bool = True,
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Trace: ...
    @overload
    def trace(
        self,
        seeds: _Rows,
        *,
        policy: Literal["poison"],
        opening: _Opening = "just_in_time",
        balances: _Rows | None = None,
        pooling: Literal["currency", "value"] = "currency",
        base: str | None = None,
        rates: _Rows | None = None,
        ties: _Ties = "order",
        until: _Time | None = None,
        sinks: _Accounts | None = None,
        sinks_where: Mapping[str, Any] | None = None,
        sinks_degree_above: int | None = None,
        dust: int = 0,
        max_hops: int | None = None,
        flows_max: int = 200_000_000,
        joint: bool = True,
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Contacts: ...
    def origins(
        self,
        targets: _Rows,
        *,
        policy: Literal["fifo", "lifo", "haircut"] = "fifo",
        opening: _Opening = "just_in_time",
        balances: _Rows | None = None,
        pooling: Literal["currency", "value"] = "currency",
        base: str | None = None,
        rates: _Rows | None = None,
        ties: _Ties = "order",
        origins: _Accounts | None = None,
        max_hops: int | None = None,
        paths_max: int | None = None,
        lots_max: int = 100_000_000,
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Origins: ...
    def freeze_plan(
        self,
        seeds: _Rows,
        *,
        at: _Time,
        delays_h: int | list[int] = 72,
        policy: _Policy = "fifo",
        opening: _Opening = "just_in_time",
        balances: _Rows | None = None,
        pooling: Literal["currency", "value"] = "currency",
        base: str | None = None,
        rates: _Rows | None = None,
        ties: _Ties = "order",
        sinks: _Accounts | None = None,
        sinks_where: Mapping[str, Any] | None = None,
        sinks_degree_above: int | None = None,
        dust: int = 0,
        max_hops: int | None = None,
        flows_max: int = 200_000_000,
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> FreezePlan: ...
    def patterns(
        self,
        *typologies: str,
        settings: dict[str, Any] | None = None,
        base: str | None = None,
        rates: _Rows | None = None,
        replicates: int = 0,
        null: Literal["times", "targets"] = "times",
        within: list[str] | None = None,
        seed: int = 0,
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Patterns: ...
    def cycles(
        self,
        *,
        span_s: int = 259_200,
        length_min: int = 2,
        length_max: int = 10,
        ties: _Ties = "order",
        amount_min: int = 0,
        passed_on: tuple[float, float] | None = None,
        returned: tuple[float, float] | None = None,
        base: str | None = None,
        rates: _Rows | None = None,
        results_max: int = 1_000_000,
        anchor_work_max: int = 1_048_576,
        work_max: int = 68_719_476_736,
        hub_max: int = 1_000,
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Patterns: ...
    def count_cycles(
        self,
        *,
        span_s: int = 259_200,
        length_min: int = 2,
        length_max: int = 10,
        ties: _Ties = "order",
        amount_min: int = 0,
        anchor_work_max: int = 1_048_576,
        work_max: int = 68_719_476_736,
        hub_max: int = 1_000,
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> CycleCounts: ...
    def match(
        self,
        query: str,
        *,
        base: str | None = None,
        rates: _Rows | None = None,
        results_max: int = 100_000,
        anchor_work_max: int = 1_048_576,
        work_max: int = 68_719_476_736,
        hub_max: int = 1_000,
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Patterns: ...
    def bound(
        self,
        seeds: _Rows,
        targets: _Accounts,
        *,
        balances: _Rows | None = None,
        until: _Time | None = None,
        span_s: int | None = None,
        ties: _Ties = "order",
        widest: int | None = None,
        events_max: int | None = None,
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Bounds: ...
    def exposure(
        self,
        sources: _Accounts | Iterable[Mapping[str, Any]],
        *,
        opening: _Opening = "just_in_time",
        balances: _Rows | None = None,
        ties: _Ties = "order",
        until: _Time | None = None,
        sinks: _Accounts | None = None,
        sinks_where: Mapping[str, Any] | None = None,
        sinks_degree_above: int | None = None,
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Exposure: ...
    def rank(
        self,
        accounts: _Accounts,
        *,
        method: Literal["ttr", "pagerank"] = "ttr",
        direction: Literal["downstream", "upstream"] = "downstream",
        weight: Literal["number", "amount"] = "number",
        start: _Time | None = None,
        end: _Time | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Ranking: ...
    def subgraph(
        self,
        accounts: list[str],
        *,
        hops: int = 1,
        start: _Time | None = None,
        end: _Time | None = None,
        accounts_max: int = 10_000,
        transactions_max: int = 100_000,
        transfers_only: bool = False,
        attributes: list[str] | None = None,
        reveal: bool = False,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Subgraph: ...
    def _repr_html_(self) -> str: ...

@final
class Table:
    @property
    def column_names(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...
    def __arrow_c_schema__(self) -> Any: ...
    def to_dicts(self, limit: int | None = None) -> list[dict[str, Any]]: ...
    def to_arrow(self) -> pyarrow.Table: ...
    def to_pandas(self) -> pandas.DataFrame: ...
    def to_polars(self) -> polars.DataFrame: ...
    def _repr_html_(self) -> str: ...

@final
class Projection:
    @property
    def num_pairs(self) -> int: ...
    @property
    def hubs(self) -> Table: ...
    def communities(
        self,
        *,
        method: Literal["leiden", "louvain", "labels"] = "leiden",
        objective: Literal["modularity", "cpm"] = "modularity",
        resolution: float = 1.0,
        directed: bool = False,
        weighted: bool = True,
        iterations: int = 1,
        size_min: int = 1,
        size_max: int | None = None,
        start: _Rows | None = None,
        seed: int = 0,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Communities: ...
    def overlapping_communities(
        self,
        *,
        communities_max: int = 4,
        weighted: bool = True,
        seed: int = 0,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Structure: ...
    def cores(
        self,
        *,
        kind: Literal["neighbors", "strength", "directed", "bipartite"] = "neighbors",
        in_min: int = 1,
        identifiers_min: int = 2,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Structure: ...
    def trusses(
        self,
        *,
        truss_min: int = 2,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Structure: ...
    def dense(
        self,
        *,
        method: Literal["densest", "fraudar", "flowscope"] = "densest",
        rounds_max: int = 16,
        blocks_max: int = 1,
        weighted: bool = False,
        dwell_max_s: int | None = 259200,
        middle_layers: int = 1,
        alpha_permille: int = 4000,
        sources: _Rows | list[str] | None = None,
        sinks: _Rows | list[str] | None = None,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Structure: ...
    def incremental_densest(
        self,
        *,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> IncrementalDensest: ...
    def centrality(
        self,
        method: Literal["degree", "pagerank", "hits", "betweenness"],
        *,
        damping: float = 0.85,
        weighted: bool = True,
        sources: int = 256,
        directed: bool = True,
        seed: int = 0,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Structure: ...
    def suspicion(
        self,
        seeds: _Rows | list[str],
        *,
        strength: float = 0.5,
        iterations_max: int = 1000,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Structure: ...
    def __len__(self) -> int: ...

@final
class Communities:
    @property
    def communities(self) -> Table: ...
    @property
    def levels(self) -> Table: ...
    def table(self) -> Table: ...
    def members(self, community: int) -> list[str]: ...
    def hierarchy(self) -> Table: ...
    def quality(self) -> dict[str, Any]: ...
    def compare(self, other: Communities) -> dict[str, float]: ...
    def picture(
        self,
        picture: Literal["ring", "sankey", "timeline"] = "ring",
        *,
        community: int | None = None,
        language: Literal["en", "zh"] = "en",
        key_file: _Path | None = None,
        case: str | None = None,
        reveal: bool = False,
        accounts_max: int = 60,
        flows_max: int = 120,
    ) -> Picture: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def __len__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class Structure:
    @property
    def table(self) -> Table: ...
    @property
    def scores(self) -> Table | None: ...
    @property
    def tables(self) -> dict[str, Table]: ...
    @property
    def summary(self) -> dict[str, Any]: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class IncrementalDensest:
    @property
    def density(self) -> float: ...
    @property
    def members(self) -> list[str]: ...
    def insert(self, pairs: _Rows) -> dict[str, Any]: ...

@final
class Components:
    @property
    def sizes(self) -> Table: ...
    @property
    def num_hubs(self) -> int: ...
    def __len__(self) -> int: ...
    def table(
        self,
        *,
        size_min: int = 1,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Table: ...

@final
class Patterns:
    @property
    def instances(self) -> Table: ...
    @property
    def members(self) -> Table: ...
    @property
    def evidence(self) -> Table: ...
    @property
    def amounts(self) -> Table: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def summary(self) -> dict[str, Any]: ...
    def picture(
        self,
        picture: Literal["ring", "sankey", "timeline"] = "ring",
        *,
        instance: str | int | None = None,
        language: Literal["en", "zh"] = "en",
        key_file: _Path | None = None,
        case: str | None = None,
        reveal: bool = False,
        accounts_max: int = 60,
        flows_max: int = 120,
    ) -> Picture: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def __len__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class CycleCounts:
    @property
    def counts(self) -> Table: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def summary(self) -> dict[str, Any]: ...
    def _repr_html_(self) -> str: ...

@final
class IdentityLinks:
    @property
    def rings(self) -> Table: ...
    @property
    def members(self) -> Table: ...
    @property
    def links(self) -> Table: ...
    @property
    def evidence(self) -> Table: ...
    @property
    def cuts(self) -> Table: ...
    @property
    def outgrown(self) -> Table: ...
    @property
    def passed_over(self) -> Table: ...
    @property
    def curve(self) -> Table: ...
    @property
    def summary(self) -> dict[str, Any]: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def __len__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class IdentityRings:
    @property
    def rings(self) -> Table: ...
    @property
    def members(self) -> Table: ...
    @property
    def evidence(self) -> Table: ...
    @property
    def hubs(self) -> Table: ...
    def __len__(self) -> int: ...
    def picture(
        self,
        picture: Literal["ring", "sankey", "timeline"] = "ring",
        *,
        ring: int = 0,
        language: Literal["en", "zh"] = "en",
        key_file: _Path | None = None,
        case: str | None = None,
        reveal: bool = False,
        accounts_max: int = 60,
        flows_max: int = 120,
    ) -> Picture: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class Rings:
    @property
    def rings(self) -> Table: ...
    @property
    def members(self) -> Table: ...
    @property
    def claims(self) -> Table: ...
    @property
    def parties(self) -> Table: ...
    @property
    def evidence(self) -> Table: ...
    @property
    def identifiers(self) -> Table: ...
    @property
    def parts(self) -> Table: ...
    @property
    def money(self) -> Table: ...
    @property
    def hubs(self) -> Table: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def summary(self) -> dict[str, Any]: ...
    def case_file(
        self,
        ring: str | int | None = None,
        *,
        language: Literal["en", "zh"] = "en",
        key_file: _Path | None = None,
        case: str | None = None,
        reveal: bool = False,
        attributes: list[str] | None = None,
        counterfactual: bool = True,
        accounts_max: int = 2_000,
        transfers_max: int = 8_000,
    ) -> CaseFile: ...
    def picture(
        self,
        picture: Literal["ring", "sankey", "timeline"] = "ring",
        *,
        ring: str | int | None = None,
        language: Literal["en", "zh"] = "en",
        key_file: _Path | None = None,
        case: str | None = None,
        reveal: bool = False,
        accounts_max: int = 60,
        flows_max: int = 120,
    ) -> Picture: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def __len__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class CaseFile:
    @staticmethod
    def from_json(text: str) -> CaseFile: ...
    @property
    def title(self) -> str: ...
    @property
    def language(self) -> Literal["en", "zh"]: ...
    @property
    def content(self) -> dict[str, Any]: ...
    def html(self) -> str: ...
    def markdown(self) -> str: ...
    def json(self) -> str: ...
    def svg(self, picture: Literal["ring", "sankey", "timeline"] = "ring") -> str: ...
    def picture(self, picture: Literal["ring", "sankey", "timeline"] = "ring") -> Picture: ...
    def show(self) -> Page: ...
    def write(self, path: _Path) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class Trace:
    @property
    def flows(self) -> Table: ...
    @property
    def holdings(self) -> Table: ...
    @property
    def sinks(self) -> Table: ...
    @property
    def entries(self) -> Table: ...
    @property
    def exits(self) -> Table: ...
    @property
    def balance_breaks(self) -> Table | None: ...
    @property
    def rates(self) -> Table | None: ...
    @property
    def ledger(self) -> dict[str, Any]: ...
    def paths(
        self,
        *,
        case: str | None = None,
        holder: str | None = None,
        paths_max: int = 100,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Paths: ...
    def compare(
        self,
        policies: list[_Policy] | None = None,
        *,
        threads: int | None = None,
        progress: _Progress | None = None,
    ) -> Table: ...
    def picture(
        self,
        picture: Literal["ring", "sankey", "timeline"] = "sankey",
        *,
        language: Literal["en", "zh"] = "en",
        key_file: _Path | None = None,
        case: str | None = None,
        reveal: bool = False,
        accounts_max: int = 60,
        flows_max: int = 120,
    ) -> Picture: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class Contacts:
    @property
    def flows(self) -> Table: ...
    @property
    def contacts(self) -> Table: ...
    @property
    def ledger(self) -> dict[str, Any]: ...
    def __len__(self) -> int: ...
    def picture(
        self,
        picture: Literal["ring", "sankey", "timeline"] = "ring",
        *,
        language: Literal["en", "zh"] = "en",
        key_file: _Path | None = None,
        case: str | None = None,
        reveal: bool = False,
        accounts_max: int = 60,
        flows_max: int = 120,
    ) -> Picture: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class Paths:
    @property
    def steps(self) -> Table: ...
    @property
    def num_found(self) -> int: ...
    def __len__(self) -> int: ...
    def picture(
        self,
        picture: Literal["ring", "sankey", "timeline"] = "sankey",
        *,
        language: Literal["en", "zh"] = "en",
        key_file: _Path | None = None,
        case: str | None = None,
        reveal: bool = False,
        accounts_max: int = 60,
        flows_max: int = 120,
    ) -> Picture: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class Origins:
    @property
    def origins(self) -> Table: ...
    @property
    def flows(self) -> Table: ...
    @property
    def paths(self) -> Table | None: ...
    @property
    def balance_breaks(self) -> Table | None: ...
    @property
    def rates(self) -> Table | None: ...
    @property
    def summary(self) -> dict[str, Any]: ...
    def picture(
        self,
        picture: Literal["ring", "sankey", "timeline"] = "sankey",
        *,
        language: Literal["en", "zh"] = "en",
        key_file: _Path | None = None,
        case: str | None = None,
        reveal: bool = False,
        accounts_max: int = 60,
        flows_max: int = 120,
    ) -> Picture: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class FreezePlan:
    @property
    def holders(self) -> Table: ...
    @property
    def matrix(self) -> Table: ...
    @property
    def delays(self) -> Table: ...
    @property
    def later(self) -> Table: ...
    @property
    def balance_breaks(self) -> Table | None: ...
    @property
    def rates(self) -> Table | None: ...
    @property
    def ledger(self) -> dict[str, Any]: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class Bounds:
    @property
    def bounds(self) -> Table: ...
    @property
    def cut(self) -> Table: ...
    @property
    def paths(self) -> Table: ...
    @property
    def widest(self) -> Table | None: ...
    @property
    def balance_breaks(self) -> Table | None: ...
    @property
    def summary(self) -> dict[str, Any]: ...
    def __len__(self) -> int: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class Exposure:
    @property
    def amounts(self) -> Table: ...
    @property
    def contacts(self) -> Table: ...
    @property
    def balance_breaks(self) -> Table | None: ...
    @property
    def ledger(self) -> dict[str, Any]: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class Ranking:
    @property
    def ranking(self) -> Table: ...
    @property
    def summary(self) -> dict[str, Any]: ...
    def __len__(self) -> int: ...
    def write(self, path: _Path, *, guard_formulas: bool = False) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class Subgraph:
    @property
    def accounts(self) -> Table: ...
    @property
    def transactions(self) -> Table: ...
    @property
    def num_accounts(self) -> int: ...
    @property
    def num_transactions(self) -> int: ...
    @property
    def truncated(self) -> bool: ...
    def to_networkx(self) -> networkx.MultiDiGraph: ...
    def picture(
        self,
        picture: Literal["ring", "sankey", "timeline"] = "ring",
        *,
        language: Literal["en", "zh"] = "en",
        key_file: _Path | None = None,
        case: str | None = None,
        reveal: bool = False,
        accounts_max: int = 60,
        flows_max: int = 120,
    ) -> Picture: ...
    def write(
        self,
        path: _Path,
        *,
        format: str | None = None,
        key_file: _Path | None = None,
        case: str = "default",
        reveal: bool = False,
        key_table: _Path | None = None,
        columns: list[str] | None = None,
        without: list[str] | None = None,
        guard_formulas: bool = True,
    ) -> dict[str, Any]: ...
    def _repr_html_(self) -> str: ...
