"""The storage parameters of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.entity import TableEntity

_OF_VACUUM = (
    "autovacuum_analyze_scale_factor",
    "autovacuum_analyze_threshold",
    "autovacuum_enabled",
    "autovacuum_freeze_max_age",
    "autovacuum_freeze_min_age",
    "autovacuum_freeze_table_age",
    "autovacuum_multixact_freeze_max_age",
    "autovacuum_multixact_freeze_min_age",
    "autovacuum_multixact_freeze_table_age",
    "autovacuum_vacuum_cost_delay",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_vacuum_insert_scale_factor",
    "autovacuum_vacuum_insert_threshold",
    "autovacuum_vacuum_max_threshold",
    "autovacuum_vacuum_scale_factor",
    "autovacuum_vacuum_threshold",
    "log_autovacuum_min_duration",
    "vacuum_index_cleanup",
    "vacuum_max_eager_freeze_failure_rate",
    "vacuum_truncate",
)
_PARAMETERS = (
    "fillfactor",
    "parallel_workers",
    "toast_tuple_target",
    "user_catalog_table",
    *_OF_VACUUM,
    *(f"toast.{name}" for name in _OF_VACUUM),
)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StorageParameters(TableEntity):
    """The storage parameters of a table, such as those of autovacuum.

    A table without declared parameters keeps those it has. A model declares them with
    ``postgresql_with`` as well.

    Attributes:
        parameters: The values by name: ``{"fillfactor": "70", "toast.autovacuum_enabled": "off"}``.
            Any other parameter has its default.
    """

    kind: ClassVar[str] = "storage parameters"
    is_own_object: ClassVar[bool] = False

    parameters: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an unknown parameter.

        Raises:
            InputError: A value has another type than its field, or there is no such parameter.
        """
        super().__post_init__()
        if unknown := sorted(self.parameters.keys() - {*_PARAMETERS}):
            self._refuse(f"there is no parameter {unknown[0]!r}: {', '.join(_PARAMETERS[:3])}, …")
        object.__setattr__(self, "parameters", dict(sorted(self.parameters.items())))

    def create_statements(self) -> Iterable[str]:
        """Yield the change of the parameters."""
        others = [name for name in _PARAMETERS if name not in self.parameters]
        yield f"alter table {self.literal_table} reset ({', '.join(others)})"
        if self.parameters:
            values = (f"{name} = {sql.literal(value)}" for name, value in self.parameters.items())
            yield f"alter table {self.literal_table} set ({', '.join(values)})"

    def drop_statements(self) -> Iterable[str]:
        """Yield the change to PostgreSQL's defaults."""
        yield f"alter table {self.literal_table} reset ({', '.join(_PARAMETERS)})"

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the parameters of those tables in ``schemas`` that have some."""
        return [cls(**row) for row in catalog.rows(connection, _QUERY, schemas)]


_QUERY = f"""
    select
        n.nspname as schema,
        c.relname as table,
        (
            select json_object_agg(o.prefix || o.option_name, o.option_value)
            from (
                select '' as prefix, m.option_name, m.option_value
                from pg_catalog.pg_options_to_table(c.reloptions) as m
                union all
                select 'toast.', t.option_name, t.option_value
                from pg_catalog.pg_options_to_table(toast.reloptions) as t
            ) as o
        ) as parameters
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    left join pg_catalog.pg_class as toast on toast.oid = c.reltoastrelid
    where c.relkind = 'r'
        and n.nspname = any (%(schemas)s)
        and (c.reloptions is not null or toast.reloptions is not null)
        and {catalog.not_of_an_extension("pg_class", "c")}
"""
