"""The models of a schema as Python source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from townhall.migrate.write.python_source import quoted
from townhall.pg import sql
from townhall.pg.catalog import Column, Constraint, Index, Table, TableDetails, TableName
from townhall.pg.column_type import SERIAL_TYPES
from townhall.pg.table_definition import TableDefinition
from townhall.pull import definitions
from townhall.pull.column_types import TypeNames, TypeSource
from townhall.pull.definitions import ForeignKey, UnknownDefinitionError
from townhall.pull.literals import argument, literal, names, text_argument, text_of
from townhall.pull.names import attribute_name, class_name
from townhall.pull.relationships import Reference, Relationship, relationships

_NO_CLAUSES: Mapping[str, bool] = {}
_SERIALS = {base: name for name, base in SERIAL_TYPES.items()}
_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


@dataclass(frozen=True)
class Mapped:
    """A table that becomes a mapped class.

    Attributes:
        table: The table.
        details: What it has beside its definition.
        class_name: The name of the class.
        attributes: The attributes of its columns, by column.
    """

    table: Table
    details: TableDetails
    class_name: str
    attributes: Mapping[str, str]

    @property
    def name(self) -> TableName:
        """Schema and name of the table."""
        return (self.table.schema, self.table.name)

    @property
    def primary_key(self) -> Constraint | None:
        """The primary key."""
        of_kind = [each for each in self.table.constraints.values() if each.kind == "primary key"]
        return of_kind[0] if of_kind else None

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns of the primary key; none where it has a form that can't be declared."""
        key = self.primary_key
        return definitions.key(key.definition).columns if key and _is_known(key) else ()


class Models:
    """The mapped classes of a database."""

    def __init__(
        self,
        definitions: Mapping[TableName, TableDefinition],
        types: TypeNames,
        serials: Container[tuple[TableName, str]],
    ) -> None:
        """Take what was read, and find names.

        Args:
            definitions: The tables, by schema and name.
            types: The types of columns.
            serials: The sequences that are declared by themselves, by table and column.
        """
        self._types, self._serials = types, serials
        classes = _class_names(definitions, types.constants)
        # No attribute hides a name that the annotations and types of others need.
        hidden = {*classes.values(), *types.constants}
        self.tables: dict[TableName, Mapped] = {}
        for name, definition in definitions.items():
            attributes: dict[str, str] = {}
            for column in definition.table.columns:
                attributes[column] = attribute_name(column, {*attributes.values(), *hidden})
            self.tables[name] = Mapped(
                definition.table, definition.details, classes[name], attributes
            )
        self.undeclared: list[tuple[str, str]] = []
        """What a table has that can't be declared: the kind, and the name in SQL."""
        self._relationships = relationships(
            list(self._references()),
            {name: {*each.attributes.values(), *hidden} for name, each in self.tables.items()},
        )

    def imported(self, schema: str) -> list[tuple[str, str]]:
        """Return schema and name of the classes of other schemas that those of one name."""
        return sorted(
            {
                (each.target[0], self.tables[each.target].class_name)
                for name, found in self._relationships.items()
                if name[0] == schema
                for each in found
                if each.target[0] != schema
            }
        )

    @property
    def referred(self) -> dict[TableName, dict[str, str]]:
        """The columns that foreign keys refer to, of tables that are no class, with their types."""
        found: dict[TableName, dict[str, str]] = defaultdict(dict)
        for each in self.tables.values():
            for _, key in _foreign_keys(each.table):
                if (key.schema, key.table) not in self.tables:
                    types = [each.table.columns[name].type for name in key.columns]
                    found[key.schema, key.table] |= zip(key.referred, types, strict=True)
        return found

    def source(self, schema: str) -> str:
        """Return the classes of a schema as Python source."""
        return "\n\n\n".join(
            "\n".join(self._class(each)) for each in self.tables.values() if each.name[0] == schema
        )

    def _references(self) -> Iterable[Reference]:
        for mapped in self.tables.values():
            unique = {
                frozenset(definitions.key(each.definition).columns)
                for each in mapped.table.constraints.values()
                if each.kind in {"primary key", "unique"} and _is_known(each)
            }
            for name, key in _foreign_keys(mapped.table):
                referred = (key.schema, key.table)
                if referred not in self.tables or key.has_period:
                    continue
                yield Reference(
                    name=name,
                    table=mapped.name,
                    columns=key.columns,
                    referred=referred,
                    referred_columns=key.referred,
                    is_unique=any(each <= {*key.columns} for each in unique),
                    is_nullable=any(mapped.table.columns[each].is_nullable for each in key.columns),
                )

    def _class(self, mapped: Mapped) -> Iterable[str]:
        table = mapped.table
        if not table.columns:
            yield from self._plain_table(mapped)
            return
        yield f"class {mapped.class_name}(Base):"
        yield f'    """A row of {_in_words(mapped)}."""'
        yield ""
        yield f"    __tablename__ = {quoted(table.name)}"
        arguments = self._table_arguments(mapped)
        if arguments:
            yield "    __table_args__ = ("
            yield from (f"        {each}," for each in arguments)
            yield "    )"
        if mapped.primary_key is None:
            key = ", ".join(quoted(mapped.attributes[each]) for each in _row_key(table))
            yield f"    __mapper_args__ = row_key({key})"
        yield ""
        yield from (f"    {self._column(mapped, each)}" for each in table.columns.values())
        ends = self._relationships.get(mapped.name, ())
        if ends:
            yield ""
            yield from (f"    {self._relationship(each)}" for each in ends)

    def _plain_table(self, mapped: Mapped) -> Iterable[str]:
        options = self._table_arguments(mapped)
        arguments = ", ".join([quoted(mapped.table.name), "Base.metadata", *_keywords(options)])
        yield f"{mapped.class_name} = sa.Table({arguments})"

    def _column(self, mapped: Mapped, column: Column) -> str:
        attribute = mapped.attributes[column.name]
        source = self._types.source(column.type, column.collation)
        if self._is_serial(mapped, column) and not is_key_serial(mapped.table, column):
            source = TypeSource(f'pg.ColumnType("{_SERIALS[column.type]}")', source.annotation)
        annotation = f"{source.annotation} | None" if column.is_nullable else source.annotation
        is_key = column.name in _inline_key(mapped)
        arguments = [
            *([quoted(column.name)] if attribute != column.name else []),
            source.expression,
            *self._generation(column),
            *self._foreign_key(mapped, column),
            *(["primary_key=True"] if is_key else []),
        ]
        if "Any" in source.annotation and not is_key:
            arguments.append(f"nullable={column.is_nullable}")
        key = mapped.key_columns
        has_numbers = column.identity or column.default or column.computed
        if source.is_number and key == (column.name,) and not has_numbers:
            arguments.append("autoincrement=False")
        default = self._default(mapped, column)
        if default is not None:
            arguments.append(f"server_default=sa.text({text_argument(default)})")
        if column.comment is not None:
            arguments.append(f"comment={literal(column.comment)}")
        return f"{attribute}: Mapped[{annotation}] = mapped_column({', '.join(arguments)})"

    def _default(self, mapped: Mapped, column: Column) -> str | None:
        return None if self._is_serial(mapped, column) else column.default

    def _is_serial(self, mapped: Mapped, column: Column) -> bool:
        return column.sequence is not None and (mapped.name, column.name) not in self._serials

    def _generation(self, column: Column) -> Iterable[str]:
        if column.computed is not None:
            persisted = column.storage == "stored"
            yield f"sa.Computed({text_of(column.computed)}, persisted={persisted})"
        if column.identity:
            yield f"sa.Identity({', '.join(_identity(column))})"

    def _foreign_key(self, mapped: Mapped, column: Column) -> Iterable[str]:
        for name, key in _foreign_keys(mapped.table):
            if key.columns == (column.name,) and _is_inline(mapped.table, name):
                target = quoted(_target(key, key.referred[0]))
                options = _foreign_key_options(mapped.table, name, key)
                yield f"sa.ForeignKey({', '.join([target, *options])})"

    def _relationship(self, end: Relationship) -> str:
        target = self.tables[end.target].class_name
        annotation = f"list[{target}]" if end.is_list else target
        annotation += " | None" if end.is_nullable and not end.is_list else ""
        arguments = [f"back_populates={quoted(end.back)}"]
        if end.foreign_keys is not None:
            arguments.append(f"foreign_keys={quoted(self._columns(*end.foreign_keys))}")
        if end.remote_side is not None:
            arguments.append(f"remote_side={quoted(self._columns(*end.remote_side))}")
        if end.is_reverse:
            # The database decides what becomes of the rows that refer to a deleted one.
            arguments.append('passive_deletes="all"')
        if end.overlaps:
            arguments.append(f"overlaps={quoted(','.join(end.overlaps))}")
        return f"{end.name}: Mapped[{annotation}] = relationship({', '.join(arguments)})"

    def _columns(self, table: TableName, columns: Sequence[str]) -> str:
        mapped = self.tables[table]
        every = [f"{mapped.class_name}.{mapped.attributes[each]}" for each in columns]
        return every[0] if len(every) == 1 else f"[{', '.join(every)}]"

    def _table_arguments(self, mapped: Mapped) -> list[str]:
        table = mapped.table
        arguments: list[str] = []
        for name in sorted(table.constraints):
            try:
                arguments += self._constraint(mapped, table.constraints[name])
            except UnknownDefinitionError:
                where = sql.qualified(table.schema, table.name)
                self.undeclared.append(("constraint", f"{sql.quote(name)} on {where}"))
        for name in sorted(table.indexes):
            try:
                arguments.append(_index(table.indexes[name]))
            except UnknownDefinitionError:
                self.undeclared.append(("index", sql.qualified(table.schema, name)))
        options = list(_table_options(mapped))
        if options:
            arguments.append(f"{{{', '.join(options)}}}")
        return arguments

    def _constraint(self, mapped: Mapped, constraint: Constraint) -> Iterable[str]:
        if constraint.kind in {"primary key", "unique"}:
            key = definitions.key(constraint.definition)
            if constraint.kind == "primary key" and _inline_key(mapped):
                return
            kind = "PrimaryKey" if constraint.kind == "primary key" else "Unique"
            options = _key_options(mapped.table, constraint)
            yield f"sa.{kind}Constraint({', '.join([*map(quoted, key.columns), *options])})"
        elif constraint.kind == "check":
            parts = definitions.check(constraint.definition)
            clauses = {"no_inherit": parts.no_inherit, "not_enforced": parts.not_enforced}
            options = [f"name={quoted(constraint.name)}", *_info(constraint.comment, clauses)]
            if parts.not_valid:
                options.append("postgresql_not_valid=True")
            yield f"sa.CheckConstraint({', '.join([text_of(parts.condition), *options])})"
        elif constraint.kind == "foreign key":
            foreign_key = definitions.foreign_key(constraint.definition)
            if _is_inline(mapped.table, constraint.name):
                return
            targets = tuple(_target(foreign_key, each) for each in foreign_key.referred)
            options = _foreign_key_options(mapped.table, constraint.name, foreign_key)
            arguments = [names(foreign_key.columns), names(targets), *options]
            yield f"sa.ForeignKeyConstraint({', '.join(arguments)})"
        else:
            yield _exclusion(constraint)


def _class_names(tables: Iterable[TableName], constants: Collection[str]) -> dict[TableName, str]:
    found: dict[TableName, str] = {}
    taken = {*constants}
    for schema, table in tables:
        word = class_name(table)
        if word in taken:
            word = class_name(f"{schema}_{table}", taken)
        taken.add(word)
        found[schema, table] = word
    return found


def is_plain_serial(table: Table, column: Column) -> bool:
    """Tell whether a column is as ``serial`` makes it.

    Args:
        table: The table.
        column: One of its columns.
    """
    name = sql.generated_name(table.name, [column.name], "seq")
    return column.sequence == sql.qualified(table.schema, name) and column.sequence_options == (
        f"as {column.type}",
        "start with 1",
        "increment by 1",
        "minvalue 1",
        f"maxvalue {_LARGEST.get(column.type)}",
        "cache 1",
        "no cycle",
    )


def is_key_serial(table: Table, column: Column) -> bool:
    """Tell whether SQLAlchemy makes the column serial by itself.

    Args:
        table: The table.
        column: One of its columns, which is serial.
    """
    keys = [each for each in table.constraints.values() if each.kind == "primary key"]
    return (
        bool(keys)
        and definitions.key(keys[0].definition).columns == (column.name,)
        and not any(column.name in key.columns for _, key in _foreign_keys(table))
    )


def _keywords(options: Sequence[str]) -> Iterable[str]:
    # The last argument of a table's is a dictionary.
    return [f"**{options[-1]}"] if options else []


def _in_words(mapped: Mapped) -> str:
    name = f"{mapped.table.schema}.{mapped.table.name}"
    return name.replace("\\", " ").replace('"', "'").replace("\n", " ")


def _row_key(table: Table) -> tuple[str, ...]:
    # The mapper needs a key; the database has none, or only a unique constraint.
    unique = [
        definitions.key(each.definition).columns
        for each in table.constraints.values()
        if each.kind == "unique" and _is_known(each)
    ]
    not_null = [
        columns
        for columns in sorted(unique)
        if not any(table.columns[name].is_nullable for name in columns)
    ]
    return not_null[0] if not_null else tuple(table.columns)


def _is_known(constraint: Constraint) -> bool:
    try:
        definitions.key(constraint.definition)
    except UnknownDefinitionError:
        return False
    return True


def _inline_key(mapped: Mapped) -> tuple[str, ...]:
    # The columns of a primary key that needs no more than to be told at its columns.
    key = mapped.primary_key
    columns = mapped.key_columns
    in_order = [name for name in mapped.table.columns if name in columns]
    is_plain = key is not None and not _key_options(mapped.table, key) and list(columns) == in_order
    return columns if is_plain else ()


def _key_options(table: Table, constraint: Constraint) -> list[str]:
    key = definitions.key(constraint.definition)
    is_primary = constraint.kind == "primary key"
    default = sql.generated_name(
        table.name, () if is_primary else key.columns, "pkey" if is_primary else "key"
    )
    is_told_by_name = any(
        definitions.key(each.definition).columns == key.columns
        for each in table.constraints.values()
        if each is not constraint and each.kind in {"primary key", "unique"} and _is_known(each)
    )
    has_default = constraint.name == default and not is_told_by_name
    options = [] if has_default else [f"name={quoted(constraint.name)}"]
    if key.include:
        options.append(f"postgresql_include={names(key.include)}")
    if key.nulls_not_distinct:
        options.append("postgresql_nulls_not_distinct=True")
    clauses = {"without_overlaps": key.without_overlaps}
    deferring = _deferring(key.deferrable, key.deferred)
    return [*options, *deferring, *_info(constraint.comment, clauses)]


def _deferring(deferrable: bool, deferred: bool) -> Iterable[str]:  # noqa: FBT001 - a private one
    if deferrable:
        yield "deferrable=True"
    if deferred:
        yield 'initially="DEFERRED"'


def _info(comment: str | None, clauses: Mapping[str, bool] = _NO_CLAUSES) -> Iterable[str]:
    entries = [f"{quoted(name)}: True" for name, is_given in clauses.items() if is_given]
    if comment is not None:
        entries.append(f'"comment": {literal(comment)}')
    if entries:
        yield f"info={{{', '.join(entries)}}}"


def _foreign_keys(table: Table) -> list[tuple[str, ForeignKey]]:
    found = []
    for name in sorted(table.constraints):
        if table.constraints[name].kind == "foreign key":
            try:
                found.append((name, definitions.foreign_key(table.constraints[name].definition)))
            except UnknownDefinitionError:
                continue
    return found


def _is_inline(table: Table, name: str) -> bool:
    keys = dict(_foreign_keys(table))
    key = keys[name]
    same = [other for other, each in keys.items() if each.columns == key.columns]
    return len(key.columns) == 1 and same[0] == name


def _target(key: ForeignKey, column: str) -> str:
    schema = "" if key.schema == "public" else f"{key.schema}."
    return f"{schema}{key.table}.{column}"


def _foreign_key_options(table: Table, name: str, key: ForeignKey) -> list[str]:
    options = []
    if name != sql.generated_name(table.name, key.columns, "fkey"):
        options.append(f"name={quoted(name)}")
    if key.on_update is not None:
        options.append(f"onupdate={quoted(key.on_update)}")
    if key.on_delete is not None:
        options.append(f"ondelete={quoted(key.on_delete)}")
    options += _deferring(key.deferrable, key.deferred)
    if key.match_full:
        options.append('match="FULL"')
    if key.not_valid or key.not_enforced:
        options.append("postgresql_not_valid=True")
    if (comment := table.constraints[name].comment) is not None:
        options.append(f"comment={literal(comment)}")
    return options


def _exclusion(constraint: Constraint) -> str:
    parts = definitions.exclusion(constraint.definition)
    arguments = [
        f"(sa.literal_column({argument(expression)}), {quoted(operator)})"
        for expression, operator in parts.elements
    ]
    arguments += [f"name={quoted(constraint.name)}", f"using={quoted(parts.method)}"]
    if parts.where is not None:
        arguments.append(f"where=sa.text({text_argument(parts.where)})")
    arguments += [*_deferring(parts.deferrable, parts.deferred), *_info(constraint.comment)]
    return f"postgresql.ExcludeConstraint({', '.join(arguments)})"


def _index(index: Index) -> str:
    parts = definitions.index(index.method_and_columns)
    arguments = [quoted(index.name)]
    for element in parts.elements:
        column = definitions.column_of(element)
        arguments.append(quoted(column) if column else f"sa.literal_column({argument(element)})")
    if index.is_unique:
        arguments.append("unique=True")
    if parts.method != "btree":
        arguments.append(f"postgresql_using={quoted(parts.method)}")
    if parts.include:
        arguments.append(f"postgresql_include={names(parts.include)}")
    if parts.nulls_not_distinct:
        arguments.append("postgresql_nulls_not_distinct=True")
    if parts.options:
        pairs = ", ".join(
            f"{quoted(name)}: {quoted(value)}" for name, value in parts.options.items()
        )
        arguments.append(f"postgresql_with={{{pairs}}}")
    if parts.where is not None:
        arguments.append(f"postgresql_where=sa.text({text_argument(parts.where)})")
    arguments += _info(index.comment)
    return f"sa.Index({', '.join(arguments)})"


def _table_options(mapped: Mapped) -> Iterable[str]:
    table = mapped.table
    if table.schema != "public":
        yield f'"schema": {quoted(table.schema)}'
    if table.comment is not None:
        yield f'"comment": {literal(table.comment)}'
    if table.persistence == "unlogged":
        yield '"prefixes": ["UNLOGGED"]'
    if mapped.details.partition_key is not None:
        yield f'"postgresql_partition_by": {quoted(mapped.details.partition_key)}'


def _identity(column: Column) -> Iterable[str]:
    generated, *numbers = column.identity
    if generated == "generated always":
        yield "always=True"
    values = {words: value for words, _, value in (each.rpartition(" ") for each in numbers)}
    defaults = {
        "start with": "1",
        "increment by": "1",
        "minvalue": "1",
        "maxvalue": str(_LARGEST[column.type]),
        "cache": "1",
    }
    for words, parameter in _IDENTITY.items():
        if values[words] != defaults[words]:
            yield f"{parameter}={values[words]}"
    if numbers[-1] == "cycle":
        yield "cycle=True"


_IDENTITY = {
    "start with": "start",
    "increment by": "increment",
    "minvalue": "minvalue",
    "maxvalue": "maxvalue",
    "cache": "cache",
}
