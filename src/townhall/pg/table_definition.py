"""The statements that bring back a table of a database, or a part of one, as it was.

Every definition is PostgreSQL's own: types, defaults, constraints and indexes are written as the
catalogs give them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from sqlalchemy import Connection

from townhall.pg import catalog, ddl, sql
from townhall.pg.catalog.table_details import Acl, IndexDetails, NotNull, OwnedSequence
from townhall.pg.entity import TableEntity, comment_statement
from townhall.pg.policy import Policy
from townhall.pg.privileges import grant_to, read_grants
from townhall.pg.trigger import Trigger

_Part = TypeVar("_Part")
_PRIMARY_KINDS = ("primary key", "unique", "exclude")
_NOT_NULL_HAS_NAMES = 18
"""The first version in which it is a constraint with a name that a column is not null."""


@dataclass(frozen=True)
class TableDefinition:
    """A table as it is.

    Attributes:
        table: Its columns, constraints and indexes.
        details: What it has beside them.
        partitions: Its partitions.
        entities: The policies and triggers of a partition alone.
        server_version: The server's major version.
    """

    table: catalog.Table
    details: catalog.TableDetails
    partitions: Sequence[TableDefinition]
    entities: Sequence[TableEntity]
    server_version: int

    @cached_property
    def name(self) -> str:
        """The qualified identifier."""
        return sql.qualified(self.table.schema, self.table.name)

    @property
    def place(self) -> catalog.TableName:
        """The schema and the name."""
        return (self.table.schema, self.table.name)

    @property
    def with_partitions(self) -> Iterable[TableDefinition]:
        """The table, and each partition at any depth."""
        yield self
        for each in self.partitions:
            yield from each.with_partitions

    @property
    def references(self) -> Mapping[str, str]:
        """The tables that foreign keys refer to, as SQL names them, by the constraint's name."""
        return {
            name: each.referenced
            for name, each in self.table.constraints.items()
            if each.referenced is not None and name not in self.details.inherited
        }

    def create_statements(self, later: Iterable[str] = ()) -> Iterable[str]:
        """Yield what creates the table with everything that belongs to it.

        Policies and triggers of other tables than partitions are entities of their own.

        Args:
            later: The names of constraints that are added by others.
        """
        omitted = {*later}
        yield from self.create_bodies(omitted)
        yield from self.finish(omitted)

    def add_column(self, name: str) -> Iterable[str]:
        """Yield what adds a column, without the constraints and indexes that contain it.

        Args:
            name: The name of the column.
        """
        for sequence in self._sequences(name):
            yield _create_sequence(sequence)
        yield f"alter table {self.name} add column if not exists {self._column(name)}"
        for sequence in self._sequences(name):
            if self.details.owner is not None:
                yield ddl.set_owner("sequence", sequence.name, self.details.owner)
            yield self._own(sequence)
        yield from self._column_settings(name)
        yield from self._column_comment(name)
        for sequence in self._sequences(name, of_identity=True):
            yield from self._sequence_settings(sequence)
        entries = [each for each in self.details.column_entries if each["column"] == name]
        yield from self._grants(f"table {self.name}", entries, ())

    def identity(self, column: str) -> tuple[str, ...]:
        """Return the clauses of a column's identity; none without one.

        The name of its sequence is among them if PostgreSQL would give it another one.

        Args:
            column: The name of the column.
        """
        names = [
            f"sequence name {sequence.name}"
            for sequence in self._sequences(column, of_identity=True)
            if sequence.is_identity and sequence.name != self._generated_sequence(column)
        ]
        return (*self.table.columns[column].identity, *names)

    def identity_settings(self, column: str) -> Iterable[str]:
        """Yield what the sequence of an identity column has beside its clauses.

        Args:
            column: The name of the column.
        """
        for sequence in self._sequences(column, of_identity=True):
            yield from self._sequence_settings(sequence)

    def constraint_settings(self, name: str) -> Iterable[str]:
        """Yield what sets up a constraint that was added again: its index and comment.

        Args:
            name: The name of the constraint.
        """
        yield from self._constraint_settings(name)
        yield from self._constraint_comment(name)

    def create_index(self, name: str) -> Iterable[str]:
        """Yield what creates an index with its settings, and first those of partitions.

        Args:
            name: The name of the index.
        """
        attached = {*self.details.indexes[name].attached}
        for partition in self.partitions:
            for index in partition.table.indexes:
                if sql.qualified(partition.table.schema, index) in attached:
                    yield from partition.create_index(index)
        yield from self._index(name)
        yield from self._attachments(name, self.details.indexes[name])
        yield from self._index_settings(name, self.details.indexes[name])
        yield from self._index_comment(name)

    def has_whole_index(self, name: str) -> bool:
        """Tell whether an index is one that no partition lacks.

        Args:
            name: The name of the index.
        """
        return self.details.partition_key is None or self.details.indexes[name].is_valid

    def create_bodies(
        self, later: Collection[str], references: Collection[str] = ()
    ) -> Iterable[str]:
        """Yield what creates the table and its partitions, but nothing that refers to another one.

        Args:
            later: The names of constraints that are added by others.
            references: The names of foreign keys that are written in the table nevertheless.
        """
        for sequence in self._sequences():
            yield _create_sequence(sequence)
        yield self._create(later, references)
        for sequence in self._sequences():
            yield self._own(sequence)
        for name, each in self.table.constraints.items():
            is_missing = self._has_own(name, later) and not self._is_created(name)
            if is_missing and name not in self._alone:
                yield ddl.add_missing_constraint(self.name, name, each.definition)
        for name in self.table.indexes:
            if name not in self._alone:
                yield from self._index(name)
        for partition in self.partitions:
            yield from partition.create_bodies(())
            yield ddl.attach_partition(self.name, partition.name, str(partition.details.bound))
        yield from self._create_alone(later)

    def _create_alone(self, later: Collection[str]) -> Iterable[str]:
        for name, details in self._alone.items():
            if name in self.table.indexes:
                yield from self._index(name)
            elif self._has_own(name, later):
                definition = self.table.constraints[name].definition
                yield ddl.add_missing_constraint(self.name, name, definition, is_alone=True)
            yield from self._attachments(name, details)

    def finish(self, later: Collection[str], references: Collection[str] = ()) -> Iterable[str]:
        """Yield what gives the table and its partitions everything else.

        Args:
            later: The names of constraints that are added by others.
            references: The names of foreign keys that the table has already.
        """
        for name in self.references:
            if name not in later and name not in references:
                definition = self.table.constraints[name].definition
                yield ddl.add_missing_constraint(self.name, name, definition)
        yield from self._settings()
        yield from self._comments(later)
        yield from self._privileges()
        for entity in self.entities:
            yield from entity.create_statements()
        for partition in self.partitions:
            yield from partition.finish(())

    def create_without_entities(self, later: Iterable[str]) -> Iterable[str]:
        """Yield what creates the table with everything that no entity declares.

        Row level security, privileges, replica identity and storage parameters are left to entities
        of their own, and the type that it is of is left out. Foreign keys are written in the table
        itself, where that can be.

        Args:
            later: The names of constraints that are added by others.
        """
        table = replace(
            self,
            table=replace(self.table, row_security=False),
            details=replace(
                self.details,
                of_type=None,
                options=(),
                is_forced=False,
                replica_identity="default",
                entries=(),
                column_entries=(),
                default_grantees=(),
            ),
        )
        omitted = {*later}
        written = {
            name
            for name in table.references
            if name not in omitted and table.table.constraints[name].is_validated
        }
        yield from table.create_bodies(omitted, written)
        yield from table.finish(omitted, written)

    def without_owner(self) -> TableDefinition:
        """Return the table as one that the role has which creates it."""
        return replace(
            self,
            table=replace(self.table, owner=None),
            details=replace(self.details, owner=None),
            partitions=[each.without_owner() for each in self.partitions],
        )

    def without(self, parts: Collection[tuple[catalog.TableName, str]]) -> TableDefinition:
        """Return the table without some constraints and indexes, also of its partitions.

        Args:
            parts: Their names, each with that of its table.
        """

        def kept(found: Mapping[str, _Part]) -> Mapping[str, _Part]:
            return {name: each for name, each in found.items() if (self.place, name) not in parts}

        table, details = self.table, self.details
        return replace(
            self,
            table=replace(table, constraints=kept(table.constraints), indexes=kept(table.indexes)),
            details=replace(
                details, constraints=kept(details.constraints), indexes=kept(details.indexes)
            ),
            partitions=[each.without(parts) for each in self.partitions],
        )

    def without_rules(self) -> TableDefinition:
        """Return the table without its rules; those of partitions stay."""
        return replace(self, details=replace(self.details, rules=()))

    def _generated_sequence(self, column: str) -> str:
        return sql.qualified(self.table.schema, f"{self.table.name}_{column}_seq")

    def _create(self, later: Collection[str], references: Collection[str]) -> str:
        details, table = self.details, self.table
        columns = [self._column(name) for name in table.columns if self._has_own_column(name)]
        constraints = [
            ddl.define_constraint(name, each.definition)
            for name, each in table.constraints.items()
            if name in references or (self._has_own(name, later) and self._is_created(name))
        ]
        lines = [*columns, *self._not_null_of_inherited(), *constraints]
        parts = ",\n".join(f"    {sql.indented(each).lstrip()}" for each in lines)
        unlogged = "unlogged " if table.persistence == "unlogged" else ""
        clauses = [
            f"inherits ({', '.join(details.parents)})"
            if details.parents and not details.bound
            else "",
            f"partition by {details.partition_key}" if details.partition_key else "",
            f"with ({_options(details.options)})" if details.options else "",
        ]
        head = f"create {unlogged}table if not exists {self.name} (\n{parts}\n)"
        return "\n".join([head, *filter(None, clauses)])

    def _is_created(self, constraint: str) -> bool:
        # Of two keys of the same columns ``create table`` makes one, and a primary key makes it a
        # column's own that it is not null, which ``alter table`` does not where it is inherited.
        inherits_not_null = any(
            each.is_not_null_inherited and constraint in each.constraints
            for each in self.details.columns.values()
        )
        return (
            self.table.constraints[constraint].is_validated
            and not (inherits_not_null and self.table.constraints[constraint].kind == "primary key")
            and constraint not in self._second_keys
            and constraint not in self._alone
        )

    @cached_property
    def _alone(self) -> Mapping[str, IndexDetails]:
        # Attaching a partition would create an index for each of a partitioned table, so those
        # that not every partition has are created after it.
        every = {**self.details.constraints, **self.details.indexes}
        is_partitioned = self.details.partition_key is not None
        return {name: each for name, each in every.items() if is_partitioned and not each.is_valid}

    @cached_property
    def _second_keys(self) -> Collection[str]:
        first: dict[str, str] = {}
        keys = [
            (each.definition.removeprefix("PRIMARY KEY ").removeprefix("UNIQUE "), name)
            for name, each in self.table.constraints.items()
            if each.kind in {"primary key", "unique"}
        ]
        return {name for columns, name in keys if first.setdefault(columns, name) != name}

    def _has_own(self, constraint: str, later: Collection[str]) -> bool:
        # What a partition shares with its table must be there before it is attached.
        is_inherited = constraint in self.details.inherited and not (
            self.details.bound
            and self.table.constraints[constraint].kind in (*_PRIMARY_KINDS, "check")
        )
        is_foreign = self.table.constraints[constraint].kind == "foreign key"
        return constraint not in later and not is_inherited and not is_foreign

    def _has_own_column(self, name: str) -> bool:
        return not self.details.columns[name].is_inherited

    def _column(self, name: str) -> str:
        details = self.details.columns[name]
        column = self.table.columns[name]._replace(identity=self.identity(name))
        if details.is_not_null_inherited:
            return ddl.define_column(column._replace(is_nullable=True))
        if details.not_null is None:
            return ddl.define_column(column)
        plain = ddl.define_column(column._replace(is_nullable=True))
        if not details.not_null.is_validated:
            return plain
        return f"{plain} {_named(details.not_null)} not null{_inheritance(details.not_null)}"

    def _not_null_of_inherited(self) -> Iterable[str]:
        for name, details in self.details.columns.items():
            if not details.has_own_not_null or self.server_version < _NOT_NULL_HAS_NAMES:
                continue
            if details.not_null is None:
                yield f"not null {sql.quote(name)}"
            elif details.not_null.is_validated:
                clause = f"not null {sql.quote(name)}{_inheritance(details.not_null)}"
                yield f"{_named(details.not_null)} {clause}"

    def _sequences(
        self, column: str | None = None, *, of_identity: bool = False
    ) -> Iterable[OwnedSequence]:
        for each in self.details.sequences:
            if (column is None or each.column == column) and (of_identity or not each.is_identity):
                yield each

    def _own(self, sequence: OwnedSequence) -> str:
        return f"alter sequence {sequence.name} owned by {self.name}.{sql.quote(sequence.column)}"

    def _index(self, name: str) -> Iterable[str]:
        definition = self.table.indexes[name].definition
        yield ddl.unless_it_exists(definition)

    def _attachments(self, name: str, details: IndexDetails) -> Iterable[str]:
        index = sql.qualified(self.table.schema, name)
        for each in details.attached:
            yield f"alter index {index} attach partition {each}"

    def _settings(self) -> Iterable[str]:
        if self.details.of_type is not None:
            yield f"alter table {self.name} of {self.details.of_type}"
        for name in self.table.columns:
            yield from self._column_settings(name)
        for name in self.details.constraints:
            yield from self._constraint_settings(name)
        for name, each in self.details.indexes.items():
            yield from self._index_settings(name, each)
        if self.details.replica_identity in {"full", "nothing"}:
            yield f"alter table {self.name} replica identity {self.details.replica_identity}"
        if self.table.row_security:
            yield f"alter table {self.name} enable row level security"
        if self.details.is_forced:
            yield f"alter table {self.name} force row level security"
        yield from map(ddl.create_or_replace_rule, self.details.rules)
        yield from map(ddl.unless_it_exists, self.details.statistics)

    def _column_settings(self, name: str) -> Iterable[str]:
        details = self.details.columns[name]
        alter = f"alter table only {self.name} alter column {sql.quote(name)}"
        if details.has_own_default:
            default = self.table.columns[name].default
            yield f"{alter} {'drop default' if default is None else f'set default {default}'}"
        if details.has_own_not_null and self.server_version < _NOT_NULL_HAS_NAMES:
            yield f"{alter} set not null"
        if details.statistics is not None:
            yield f"{alter} set statistics {details.statistics}"
        if details.storage is not None:
            yield f"{alter} set storage {details.storage}"
        if details.compression is not None:
            yield f"{alter} set compression {details.compression}"
        if details.options:
            yield f"{alter} set ({_options(details.options)})"
        if details.not_null is not None and not details.is_not_null_inherited:
            yield from self._not_null_settings(name, details.not_null)

    def _not_null_settings(self, column: str, constraint: NotNull) -> Iterable[str]:
        if not constraint.is_validated:
            definition = f"not null {sql.quote(column)}{_inheritance(constraint)} not valid"
            yield ddl.add_missing_constraint(self.name, constraint.name, definition)
        if constraint.comment is not None:
            name = f"{sql.quote(constraint.name)} on {self.name}"
            yield comment_statement("constraint", name, constraint.comment)

    def _constraint_settings(self, name: str) -> Iterable[str]:
        details = self.details.constraints.get(name)
        if details is None:
            return
        if details.options:
            index = sql.qualified(self.table.schema, name)
            yield f"alter index {index} set ({_options(details.options)})"
        yield from self._index_settings(name, details)
        if details.comment is not None:
            index = sql.qualified(self.table.schema, name)
            yield comment_statement("index", index, details.comment)

    def _index_settings(self, name: str, details: IndexDetails) -> Iterable[str]:
        index = sql.qualified(self.table.schema, name)
        for number, target in details.statistics.items():
            yield f"alter index {index} alter column {number} set statistics {target}"
        if details.is_clustered:
            yield f"alter table {self.name} cluster on {sql.quote(name)}"
        if details.is_replica_identity:
            yield f"alter table {self.name} replica identity using index {sql.quote(name)}"

    def _comments(self, later: Collection[str]) -> Iterable[str]:
        if self.table.comment is not None:
            yield comment_statement("table", self.name, self.table.comment)
        for name in self.table.columns:
            yield from self._column_comment(name)
        for name in self.table.constraints:
            if name not in later:
                yield from self._constraint_comment(name)
        for name in self.table.indexes:
            yield from self._index_comment(name)

    def _column_comment(self, name: str) -> Iterable[str]:
        comment = self.table.columns[name].comment
        if comment is not None:
            yield comment_statement("column", f"{self.name}.{sql.quote(name)}", comment)

    def _constraint_comment(self, name: str) -> Iterable[str]:
        comment = self.table.constraints[name].comment
        if comment is not None:
            yield comment_statement("constraint", f"{sql.quote(name)} on {self.name}", comment)

    def _index_comment(self, name: str) -> Iterable[str]:
        comment = self.table.indexes[name].comment
        if comment is not None:
            index = sql.qualified(self.table.schema, name)
            yield comment_statement("index", index, comment)

    def _privileges(self) -> Iterable[str]:
        details = self.details
        entries = [*details.entries, *details.column_entries]
        if details.owner is not None:
            yield ddl.set_owner("table", self.name, details.owner)
        yield from self._grants(f"table {self.name}", entries, details.default_grantees)
        for sequence in self._sequences(of_identity=True):
            yield from self._sequence_settings(sequence)

    def _sequence_settings(self, sequence: OwnedSequence) -> Iterable[str]:
        is_other = sequence.is_unlogged != (self.table.persistence == "unlogged")
        if sequence.is_identity and is_other:
            yield ddl.set_persistence(sequence.name, is_unlogged=sequence.is_unlogged)
        if sequence.comment is not None:
            yield comment_statement("sequence", sequence.name, sequence.comment)
        yield from self._grants(
            f"sequence {sequence.name}", sequence.entries, sequence.default_grantees
        )

    def _grants(self, target: str, entries: Acl, default_grantees: Sequence[str]) -> Iterable[str]:
        if default_grantees:
            yield f"revoke all on {target} from {sql.roles(default_grantees)}"
        for role, privileges in read_grants([entries], self.server_version).items():
            yield from grant_to(target, role, privileges)


def read_table_definitions(
    connection: Connection, schemas: Sequence[str]
) -> dict[tuple[str, str], TableDefinition]:
    """Return the definitions of the tables in some schemas, by schema and name.

    Args:
        connection: A connection within a transaction.
        schemas: Names of schemas; partitions in other schemas are left out.
    """
    version = catalog.server_version(connection)
    with catalog.empty_search_path(connection):
        tables = {
            (each.schema, each.name): each for each in catalog.read_tables(connection, schemas)
        }
        details = catalog.read_table_details(connection, schemas)
        entities = _of_partitions(connection, schemas, details)
    partitions: dict[str, list[catalog.TableDetails]] = {}
    for each in details:
        if each.bound is not None:
            partitions.setdefault(each.parents[0], []).append(each)

    def define(each: catalog.TableDetails) -> TableDefinition:
        of_it = partitions.get(sql.qualified(each.schema, each.name), ())
        ordered = sorted(of_it, key=lambda one: (one.schema, one.name))
        table = tables[each.schema, each.name]
        of_partition = entities.get((each.schema, each.name), ())
        return TableDefinition(table, each, list(map(define, ordered)), of_partition, version)

    return {(each.schema, each.name): define(each) for each in details}


def _of_partitions(
    connection: Connection, schemas: Sequence[str], details: Iterable[catalog.TableDetails]
) -> Mapping[tuple[str, str], Sequence[TableEntity]]:
    found: dict[tuple[str, str], list[TableEntity]] = {
        (each.schema, each.name): [] for each in details if each.bound is not None
    }
    for entity_class in (Policy, Trigger) if found else ():
        for entity in entity_class.read(connection, schemas):
            found.get((entity.schema, entity.table), []).append(entity)
    return found


def _create_sequence(sequence: OwnedSequence) -> str:
    unlogged = "unlogged " if sequence.is_unlogged else ""
    return f"create {unlogged}sequence if not exists {sequence.name}\n{' '.join(sequence.clauses)}"


def _options(options: Iterable[str]) -> str:
    pairs = (option.partition("=") for option in options)
    return ", ".join(f"{name} = {sql.literal(value)}" for name, _, value in pairs)


def _named(constraint: NotNull) -> str:
    return f"constraint {sql.quote(constraint.name)}"


def _inheritance(constraint: NotNull) -> str:
    return "" if constraint.is_inheritable else " no inherit"
