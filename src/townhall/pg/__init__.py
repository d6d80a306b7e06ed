"""Everything PostgreSQL needs beside tables, declared in Python and versioned by Alembic."""

from __future__ import annotations

from townhall.pg.accepted import Accepted
from townhall.pg.alterable import AlterableEntity
from townhall.pg.column_type import ColumnType
from townhall.pg.composite_type import CompositeType
from townhall.pg.data_type import DataType
from townhall.pg.decisions import undecided
from townhall.pg.default_privileges import DefaultPrivileges
from townhall.pg.domain import Domain
from townhall.pg.entity import Entity, TableEntity
from townhall.pg.enum_type import EnumType
from townhall.pg.extension import Extension
from townhall.pg.function import SAFE_SEARCH_PATH, Function
from townhall.pg.operations import (
    CreateEntityOp,
    DropEntityOp,
    ReplaceEntityOp,
    create_entity,
    drop_entity,
    execute,
    replace_entity,
)
from townhall.pg.policy import Policy
from townhall.pg.privileges import ANONYMOUS, API_ROLES, AUTHENTICATED, PUBLIC, SERVICE
from townhall.pg.procedure import Procedure
from townhall.pg.publication_table import PublicationTable
from townhall.pg.range_type import RangeType
from townhall.pg.replica_identity import ReplicaIdentity
from townhall.pg.routine import Routine
from townhall.pg.schema_access import SchemaAccess
from townhall.pg.second_run import find_result, unless_found
from townhall.pg.sequence import Sequence
from townhall.pg.storage_parameters import StorageParameters
from townhall.pg.table_access import TableAccess
from townhall.pg.table_grant import TableGrant
from townhall.pg.trigger import Trigger
from townhall.pg.view import MaterializedView, View

ENTITY_CLASSES: tuple[type[Entity], ...] = (
    EnumType,
    Domain,
    CompositeType,
    RangeType,
    Sequence,
    Function,
    Procedure,
    SchemaAccess,
    TableAccess,
    TableGrant,
    Policy,
    Trigger,
    View,
    MaterializedView,
    ReplicaIdentity,
    StorageParameters,
    PublicationTable,
    DefaultPrivileges,
    Extension,
)
"""Every kind of entity that is compared."""

__all__ = [
    "ANONYMOUS",
    "API_ROLES",
    "AUTHENTICATED",
    "ENTITY_CLASSES",
    "PUBLIC",
    "SAFE_SEARCH_PATH",
    "SERVICE",
    "Accepted",
    "AlterableEntity",
    "ColumnType",
    "CompositeType",
    "CreateEntityOp",
    "DataType",
    "DefaultPrivileges",
    "Domain",
    "DropEntityOp",
    "Entity",
    "EnumType",
    "Extension",
    "Function",
    "MaterializedView",
    "Policy",
    "Procedure",
    "PublicationTable",
    "RangeType",
    "ReplaceEntityOp",
    "ReplicaIdentity",
    "Routine",
    "SchemaAccess",
    "Sequence",
    "StorageParameters",
    "TableAccess",
    "TableEntity",
    "TableGrant",
    "Trigger",
    "View",
    "create_entity",
    "drop_entity",
    "execute",
    "find_result",
    "replace_entity",
    "undecided",
    "unless_found",
]
