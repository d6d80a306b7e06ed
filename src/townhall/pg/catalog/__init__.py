"""The one reader of PostgreSQL's catalogs, for the comparison, the entities and the check.

A module holds the query of one kind of object. Those of entities are with their class, and made of
the same fragments.
"""

from __future__ import annotations

from townhall.pg.catalog.bodies import Body, read_bodies
from townhall.pg.catalog.counts import count_objects
from townhall.pg.catalog.default_grantees import Grantees, read_default_grantees
from townhall.pg.catalog.dependants import Dependants, Part, Target, read_dependants
from townhall.pg.catalog.dependencies import (
    foreign_keys_of_partitions,
    tables_of_other_objects,
    tables_of_other_roles,
    undroppable_entities,
)
from townhall.pg.catalog.everything import Facts, read_everything
from townhall.pg.catalog.fragments import (
    NOT_A_CONSTRUCTOR,
    SIGNATURE,
    column_comments,
    column_entries,
    comment,
    empty_search_path,
    entries,
    firing,
    grant_option,
    grantee,
    is_of_column,
    name_of_grantee,
    not_of_an_extension,
    other_owner,
    rows,
    server_version,
    set_search_path,
)
from townhall.pg.catalog.operators import MEMBER_OF_FAMILY
from townhall.pg.catalog.owners import read_owners
from townhall.pg.catalog.presence import absent_kinds, tables_with_parts
from townhall.pg.catalog.readers import Reader, read_readers
from townhall.pg.catalog.roles import Role, missing_roles, read_roles
from townhall.pg.catalog.routines import Routine, read_routines
from townhall.pg.catalog.rules import Rule, read_rules
from townhall.pg.catalog.schemas import PLATFORM_SCHEMAS, Schema, read_schemas, schema_names
from townhall.pg.catalog.table_details import TableDetails, read_table_details
from townhall.pg.catalog.tables import (
    TEMPORARY,
    Column,
    Constraint,
    Index,
    Table,
    TableName,
    read_tables,
)
from townhall.pg.catalog.ties import TIES, Tie
from townhall.pg.catalog.traces import TRACES, Trace, read_traces
from townhall.pg.catalog.types import Use, read_columns_of_types, read_holders
from townhall.pg.catalog.undeclarable import read_undeclarable
from townhall.pg.catalog.unmanaged import Unmanaged, read_unmanaged
from townhall.pg.catalog.uses import read_uses
from townhall.pg.catalog.views import KEPT_OF_MATERIALIZED_VIEW, KEPT_OF_VIEW

__all__ = [
    "KEPT_OF_MATERIALIZED_VIEW",
    "KEPT_OF_VIEW",
    "MEMBER_OF_FAMILY",
    "NOT_A_CONSTRUCTOR",
    "PLATFORM_SCHEMAS",
    "SIGNATURE",
    "TEMPORARY",
    "TIES",
    "TRACES",
    "Body",
    "Column",
    "Constraint",
    "Dependants",
    "Facts",
    "Grantees",
    "Index",
    "Part",
    "Reader",
    "Role",
    "Routine",
    "Rule",
    "Schema",
    "Table",
    "TableDetails",
    "TableName",
    "Target",
    "Tie",
    "Trace",
    "Unmanaged",
    "Use",
    "absent_kinds",
    "column_comments",
    "column_entries",
    "comment",
    "count_objects",
    "empty_search_path",
    "entries",
    "firing",
    "foreign_keys_of_partitions",
    "grant_option",
    "grantee",
    "is_of_column",
    "missing_roles",
    "name_of_grantee",
    "not_of_an_extension",
    "other_owner",
    "read_bodies",
    "read_columns_of_types",
    "read_default_grantees",
    "read_dependants",
    "read_everything",
    "read_holders",
    "read_owners",
    "read_readers",
    "read_roles",
    "read_routines",
    "read_rules",
    "read_schemas",
    "read_table_details",
    "read_tables",
    "read_traces",
    "read_undeclarable",
    "read_unmanaged",
    "read_uses",
    "rows",
    "schema_names",
    "server_version",
    "set_search_path",
    "tables_of_other_objects",
    "tables_of_other_roles",
    "tables_with_parts",
    "undroppable_entities",
]
