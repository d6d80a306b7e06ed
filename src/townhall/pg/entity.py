"""The base of every entity: it is declared, written as SQL, and read back from the catalog."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterable, Sequence
from dataclasses import MISSING, dataclass, replace
from itertools import repeat
from typing import Any, ClassVar, NoReturn, Self

from sqlalchemy import Connection, TextClause
from sqlalchemy.orm import Session

from townhall.input_error import InputError
from townhall.pg import sql
from townhall.pg.alembic_utils import ReplaceableEntity
from townhall.pg.catalog import PLATFORM_SCHEMAS
from townhall.pg.fields import (
    comparable,
    compared_fields,
    default,
    default_api_roles,
    defaults_of,
    fields_of,
    undefined,
)
from townhall.pg.layout import SECOND_STATEMENT, ZERO_BYTE, has_second_statement
from townhall.pg.requirements import Requirement, table_exists
from townhall.pg.values import described, field_type, has_type, wrong_fields
from townhall.roles import refused_role


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Entity(ReplaceableEntity):
    """An object of a database that revisions create, replace and drop.

    Two entities are the same object if their :attr:`key` is equal, and equal if their :attr:`state`
    is equal as well. The state of a declared entity is compared with the actual one as PostgreSQL
    renders both: what is declared is created, read back and compared with what was read before.

    Attributes:
        schema: The schema of the object, or of the table it belongs to.
    """

    kind: ClassVar[str]
    is_own_object: ClassVar[bool] = True
    """Whether it can be created and dropped; if not, each table or schema always has one."""
    is_for_platform: ClassVar[bool] = False
    """Whether it can be declared for a table of the platform, such as ``auth.users``."""
    precedes_tables: ClassVar[bool] = False
    """Whether tables may need it, so that it is created before them where that is possible."""
    name_fields: ClassVar[tuple[str, ...]]
    """The fields that name the object."""
    drop_fields: ClassVar[tuple[str, ...]] = ()
    """Further fields that :meth:`drop_statements` uses."""
    sql_fields: ClassVar[tuple[str, ...]] = ()
    """The fields that hold SQL: outside of its strings, indentation and a final semicolon do not
    count and are removed."""
    holds_statements: ClassVar[bool] = False
    """Whether they hold statements, as a body does, and not one query or one expression each."""

    schema: str = "public"

    def __post_init__(self) -> None:
        """Check every value, cut names as PostgreSQL does, and lay out the SQL.

        Raises:
            InputError: The class lacks a member that each kind has, a value has another type
                than its field, a name is one that PostgreSQL would refuse, or a query or an
                expression has a second statement behind it, which would run as well. The message
                names the entity and says what to do.
        """
        if missing := undefined(type(self)):
            raise InputError(
                f"the class {type(self).__name__} is not a whole kind of entities: define"
                f" {', '.join(missing)} in it"
            )
        self._check_values()
        self._lay_out()
        for name in () if self.holds_statements else self.sql_fields:
            if has_second_statement(vars(self)[name] or ""):
                self._refuse(f"{name} {SECOND_STATEMENT}")

    @classmethod
    def found(cls, **values: Any) -> Self:  # noqa: ANN401 - the fields of the class
        """Return an object with the values that the catalogs have, which need no check.

        A database has thousands of them, and their checks would take longer than reading them.

        Args:
            values: The values of the fields; one that has a default may be left out.
        """
        entity = cls.__new__(cls)
        vars(entity).update(defaults_of(cls), **values)
        if cls.sql_fields:
            entity._lay_out()  # noqa: SLF001 - its own class
        return entity

    @classmethod
    def named(cls, **name: Any) -> Self:  # noqa: ANN401 - the fields of the class
        """Return an object by its name alone, which is enough to drop it.

        Args:
            name: The class's ``name_fields`` and ``drop_fields``; one that has a default may be
                left out.

        Raises:
            TypeError: Another field is given, or one of these is missing.
            InputError: A value has another type than its field.
        """
        allowed = cls.name_fields + cls.drop_fields
        values = {
            field.name: name[field.name] if field.name in name else default(field)
            for field in fields_of(cls)
            if field.name in allowed
        }
        if MISSING in values.values() or not name.keys() <= values.keys():
            raise TypeError(f"{cls.__name__}.named() takes {', '.join(allowed)}")
        entity = cls.__new__(cls)
        for field, value in values.items():
            object.__setattr__(entity, field, value)
        entity._check_values()  # noqa: SLF001 - its own class
        return entity

    @property
    def laid_out_fields(self) -> tuple[str, ...]:
        """The fields of SQL whose layout is the author's business and not the database's."""
        return self.sql_fields

    @property
    def has_only_name(self) -> bool:
        """Whether :meth:`named` made it: nothing is known of its state."""
        return len(vars(self)) < len(fields_of(type(self)))

    @property
    @abstractmethod
    def name_parts(self) -> tuple[str, ...]:
        """The name, from the schema inwards."""

    @property
    def key(self) -> tuple[str, ...]:
        """The kind and the name: which object this is."""
        return (self.kind, *self.name_parts)

    @property
    def is_shared(self) -> bool:
        """Whether others make such objects as well, where this one is.

        An undeclared one is dropped only where a revision of the application made it, or where what
        it depends on is dropped.
        """
        return self.schema in PLATFORM_SCHEMAS

    @property
    def requirement(self) -> Requirement | None:
        """What it is created for, if that may be missing; it is then left out."""
        return None

    @property
    def state(self) -> tuple[Any, ...]:
        """The values that are compared, in hashable form."""
        plain, mappings = compared_fields(type(self))
        values = vars(self)
        return (
            *map(values.get, plain, repeat(MISSING)),
            *map(comparable, map(values.get, mappings, repeat(MISSING))),
        )

    @property
    def identity(self) -> str:
        """The object in words: ``policy public.events members can read``."""
        return (
            f"{self.kind} {'.'.join(self.name_parts[:2])} {' '.join(self.name_parts[2:])}".strip()
        )

    def __eq__(self, other: object) -> bool:
        """Tell whether it is the same object in the same state."""
        if type(other) is not type(self):
            return NotImplemented
        return self.state == other.state

    def __hash__(self) -> int:
        """Return the hash of the state."""
        return hash((type(self), self.state))

    def __repr__(self) -> str:
        """Return the expression that makes it, without the values that are defaults."""
        values = ", ".join(
            f"{field.name}={vars(self)[field.name]!r}"
            for field in fields_of(type(self))
            if field.repr and field.name in vars(self) and vars(self)[field.name] != default(field)
        )
        return f"{type(self).__name__}{'.named' if self.has_only_name else ''}({values})"

    @abstractmethod
    def create_statements(self) -> Iterable[str]:
        """Yield what creates the object, or brings an existing one to this state.

        The statements are idempotent.
        """

    def create_without_data_statements(self) -> Iterable[str]:
        """Yield what creates the object without its rows, which is enough to compare it."""
        return self.create_statements()

    def replace_statements(self) -> Iterable[str]:
        """Yield what brings the existing object to this state without dropping it."""
        return self.create_statements()

    @abstractmethod
    def drop_statements(self) -> Iterable[str]:
        """Yield what drops the object if it exists."""

    def can_replace(self, other: Entity) -> bool:
        """Tell whether :meth:`replace_statements` can bring ``other`` to this state.

        Args:
            other: The same object in another state.
        """
        del other
        return True

    def with_unmanaged_grants_of(self, actual: Entity) -> Self:
        """Return the object with the grants that replacing it by drop and create would lose.

        These are the privileges of roles that the declaration does not manage.

        Args:
            actual: The same object as the catalog has it, which is about to be dropped.
        """
        del actual
        return self

    def in_place_of(self, actual: Entity) -> Self:
        """Return the object with what replacing the actual one in place would lose.

        The owner is among that, who decides which privileges are managed.

        Args:
            actual: The same object as the catalog has it.
        """
        del actual
        return self

    def keeping(self, actual: Entity, created: Entity) -> Self:
        """Return the object with all that drop and create would lose and that is not declared.

        Args:
            actual: The same object as the catalog has it, which is about to be dropped.
            created: The declared object as the catalog has it once it was created.
        """
        del created
        return self.with_unmanaged_grants_of(actual)

    def with_api_roles(self, names: tuple[str, ...]) -> Self:
        """Return the entity with its privileges exact for other roles than the default ones.

        Nothing changes where it has no privileges, or names such roles itself.

        Args:
            names: The roles that requests act as.
        """
        default = default_api_roles(type(self))
        if default in (None, names) or vars(self)["api_roles"] != default:
            return self
        return replace(self, api_roles=names)  # type: ignore[call-arg] # a field of the subclass

    @classmethod
    @abstractmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the entities of this class that are in ``schemas``, as PostgreSQL renders them.

        Objects of extensions are left out. The ``search_path`` must be empty, so that PostgreSQL
        qualifies every name.

        Args:
            connection: A connection to the database; it is only read.
            schemas: Names of schemas.
        """

    @classmethod
    def keys_in_database(
        cls, connection: Connection, entities: Sequence[Entity]
    ) -> dict[tuple[str, ...], tuple[str, ...]]:
        """Return the actual key of each declared key.

        Args:
            connection: A connection to a database in which the entities were created.
            entities: Declared entities of this class.
        """
        del connection
        return {entity.key: entity.key for entity in entities}

    def _lay_out(self) -> None:
        values = vars(self)
        for name in self.laid_out_fields:
            if (value := values[name]) is not None:
                values[name] = sql.layout(value)

    def _check_values(self) -> None:
        if wrong := wrong_fields(self):
            # The names first: the message about another value contains them.
            raise InputError(self._wrong(min(wrong, key=lambda name: name not in self.name_fields)))
        for name in ("schema", "table", "name"):
            value = vars(self).get(name)
            if value is None:
                continue
            if not value or "\0" in value:
                self._refuse(f"{name} {value!r} must have a character, and none may be a zero byte")
            object.__setattr__(self, name, sql.shortened(value))
        for name, value in vars(self).items():
            if isinstance(value, str) and "\0" in value:
                self._refuse(f"{name} {ZERO_BYTE}")
        for role in vars(self).get("api_roles", ()):
            if why := refused_role(role):
                self._refuse(f"api_roles names {role!r}; {why}")

    def _wrong(self, name: str) -> str:
        entity = type(self).__name__ if name in self.name_fields else self.identity
        value, expected = getattr(self, name), field_type(type(self), name)
        correction = f": write {(value,)!r}" if has_type((value,), expected) else ""
        return f"{entity}: {name} is {value!r} and must be {described(expected)}{correction}"

    def _refuse(self, why: str) -> NoReturn:
        raise InputError(f"{self.identity}: {why}")

    # The interface of alembic-utils.

    @property
    def type_(self) -> str:
        """The kind, as Alembic's name and object filters see it."""
        return self.kind

    @property
    def signature(self) -> str:  # type: ignore[override] # derived, where the base class stores it
        """The name within the schema."""
        return ".".join(self.name_parts[1:])

    @property
    def literal_schema(self) -> str:
        """The schema as an identifier."""
        return sql.quote(self.schema)

    @classmethod
    def from_database(cls, sess: Session, schema: str = "%") -> Sequence[Self]:  # type: ignore[override]
        """Return the entities of this class in ``schema``."""
        return cls.read(sess.connection(), [schema])

    def to_sql_statement_create(self) -> TextClause:
        """Return :meth:`create_statements` as one text."""
        return _joined(self.create_statements())

    def to_sql_statement_create_or_replace(self) -> Generator[TextClause, None, None]:
        """Yield :meth:`replace_statements`."""
        yield from map(sql.statement, self.replace_statements())

    def to_sql_statement_drop(self, cascade: bool = False) -> TextClause:  # noqa: FBT001, FBT002 - alembic-utils calls it so
        """Return :meth:`drop_statements` as one text."""
        suffix = " cascade" if cascade else ""
        return _joined(statement + suffix for statement in self.drop_statements())


def _joined(statements: Iterable[str]) -> TextClause:
    return sql.statement(sql.script(statements))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TableEntity(Entity):
    """An entity that belongs to a table.

    Attributes:
        table: The name of the table.
    """

    name_fields: ClassVar[tuple[str, ...]] = ("schema", "table")

    table: str

    @property
    def literal_table(self) -> str:
        """The table as a qualified identifier."""
        return f"{self.literal_schema}.{sql.quote(self.table)}"

    @property
    def name_parts(self) -> tuple[str, ...]:
        """Schema and table."""
        return (self.schema, self.table)

    @property
    def requirement(self) -> Requirement | None:
        """The table, if it is one of the platform."""
        return table_exists(self.schema, self.table) if self.is_shared else None

    def loses_comment(self, former: str | None, comment: str | None) -> bool:
        """Tell whether a comment is removed that only the owner of a table of others may remove.

        Args:
            former: The comment that the object has.
            comment: The declared one.
        """
        return self.is_shared and former is not None and comment is None


def comment_statement(kind: str, target: str, comment: str | None) -> str:
    """Return the statement that sets or removes a comment.

    Args:
        kind: The kind of object as in ``comment on``: ``view``, ``policy``.
        target: The object, qualified and quoted.
        comment: The text, or None to remove it.
    """
    return f"comment on {kind} {target} is {sql.literal(comment)}"
