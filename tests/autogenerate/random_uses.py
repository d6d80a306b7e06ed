"""Random changes of an object in the run in which others that use it come, go, change and stay."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, ClassVar

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from tests.autogenerate.lab import SCHEMA, Schema
from tests.autogenerate.random_names import STYLES, Names
from townhall import pg
from townhall.pg import ColumnType, Entity

Item = Entity | sa.schema.SchemaItem
"""An entity, a part of the table ``things``, or another table as a column of none."""


@dataclass
class Subject(Names, ABC):
    """An object that is used, in one of its states.

    Attributes:
        group: The same for subjects of which a schema can have only one.
        count: How many states there are.
        state: The number of the state.
    """

    group: ClassVar[str]
    count: ClassVar[int]
    state: int

    @abstractmethod
    def objects(self, metadata: sa.MetaData) -> Sequence[Entity]:
        """Return the object, or add it to the metadata."""

    @abstractmethod
    def condition(self, size: str, limit: int) -> str:
        """Return a condition that uses it.

        Args:
            size: An integer in SQL.
            limit: A number to compare.
        """

    def size(self) -> sa.types.TypeEngine[Any] | None:
        """Return the type that the column ``size`` of the table has, an integer if it is None."""
        return None

    @property
    def column(self) -> str:
        """The column ``size`` as SQL."""
        return self.quoted("size")

    def function(self, base: str, body: str, **values: Any) -> pg.Function:  # noqa: ANN401 - the fields
        """Return a function."""
        return pg.Function(schema=SCHEMA, name=self.name(base), body=body, **values)


class RateFunction(Subject):
    """A function."""

    group = "rate"
    count = 9

    def objects(self, metadata: sa.MetaData) -> Sequence[Entity]:
        del metadata
        a, b = self.name("a"), self.name("b")
        rate = pg.Function(
            schema=SCHEMA,
            name=self.name("rate"),
            arguments={a: "integer"},
            returns="integer",
            body="select 1",
            volatility="immutable",
            execute=("authenticated",),
        )
        states = (
            rate,
            replace(rate, arguments={b: "integer"}),
            replace(rate, returns="bigint"),
            replace(rate, arguments={a: "bigint"}),
            replace(rate, arguments={a: "integer", b: "integer default 0"}),
            replace(rate, language="plpgsql", body="begin return 1; end"),
            replace(rate, body="return 1", comment="It's 100% :x."),
            replace(rate, security="definer", settings={"search_path": pg.SAFE_SEARCH_PATH}),
            replace(rate, name=self.name("rated")),
        )
        return [states[self.state]]

    def condition(self, size: str, limit: int) -> str:
        name = "rated" if self.state == self.count - 1 else "rate"
        return f"{self.literal(name)}(({size})::integer) > {limit}"


class Kind(Subject):
    """A type that no column has, so that it can be created again."""

    group = "kind"

    def condition(self, size: str, limit: int) -> str:
        return f"null::{self.literal('kind')} is null and {size} > {limit}"

    @abstractmethod
    def states(self) -> Sequence[Entity]:
        """Return the states of the type."""

    def objects(self, metadata: sa.MetaData) -> Sequence[Entity]:
        del metadata
        states = self.states()
        return [states[self.state]]


class EnumKind(Kind):
    """An enum."""

    count = 3

    def states(self) -> Sequence[Entity]:
        kind = pg.EnumType(schema=SCHEMA, name=self.name("kind"), values=("it's", ":b"))
        return (
            kind,
            replace(kind, values=(":b", "it's")),
            replace(kind, values=("it's", "c"), comment="It's 100% :x."),
        )


class DomainKind(Kind):
    """A domain."""

    count = 4

    def states(self) -> Sequence[pg.Domain]:
        kind = pg.Domain(schema=SCHEMA, name=self.name("kind"), base="integer")
        return (
            kind,
            replace(kind, base="bigint"),
            replace(kind, checks={self.name("c"): "value > 1"}, default="7"),
            replace(kind, base="text", checks={self.name("c"): "value <> ':x'"}),
        )


class AlteredDomain(DomainKind):
    """A domain that is altered, since a column has it."""

    count = 3

    def states(self) -> Sequence[pg.Domain]:
        kind, _, limited, _ = super().states()
        return kind, limited, replace(kind, is_nullable=False, comment="It's 100% :x.")


class CompositeKind(Kind):
    """A composite type."""

    count = 4

    def states(self) -> Sequence[Entity]:
        a, b = self.name("a"), self.name("b")
        kind = pg.CompositeType(schema=SCHEMA, name=self.name("kind"), attributes={a: "text"})
        return (
            kind,
            replace(kind, attributes={a: "integer"}),
            replace(kind, attributes={a: "text", b: "integer"}),
            replace(kind, attributes={a: "text", self.name("c"): "date"}),
        )


class AlteredComposite(CompositeKind):
    """A composite type that is altered, since a column has it."""

    count = 3

    def states(self) -> Sequence[Entity]:
        kind, _, longer, other = super().states()
        return kind, longer, other


class RangeKind(Kind):
    """A range type."""

    count = 3

    def states(self) -> Sequence[Entity]:
        kind = pg.RangeType(schema=SCHEMA, name=self.name("kind"), subtype="time")
        return (
            kind,
            replace(kind, subtype="text"),
            replace(kind, multirange=self.name("multi"), usage=("authenticated",)),
        )


class Source(Subject):
    """What is read."""

    group = "seen"

    def condition(self, size: str, limit: int) -> str:
        source, key = self.literal("seen"), self.quoted("id")
        return f"exists (select from {source} as s where s.{key} + {limit} = {size})"


class SeenView(Source):
    """A view."""

    count = 8

    def queries(self) -> Sequence[str]:
        """Return the queries of the states."""
        key, size, more = self.quoted("id"), self.quoted("size"), self.quoted("a")
        table = self.literal("things")
        return (
            f"select {key} from {table}",
            f"select {key}, {key} + 1 as {more} from {table}",
            f"select 1 as {more}, {key} from {table} where {size} > 0",
            f"select {key}::bigint from {table}",
        )

    def objects(self, metadata: sa.MetaData) -> Sequence[Entity]:
        del metadata
        queries = self.queries()
        view = pg.View(
            schema=SCHEMA, name=self.name("seen"), definition=queries[self.state % len(queries)]
        )
        if self.state >= len(queries):
            return [
                replace(view, security_barrier=True, column_comments={self.name("id"): "It's."})
            ]
        return [view]


class Snapshot(SeenView):
    """A view that becomes a materialized one."""

    count = 6

    def objects(self, metadata: sa.MetaData) -> Sequence[Entity]:
        del metadata
        queries = self.queries()
        values: dict[str, Any] = {
            "schema": SCHEMA,
            "name": self.name("seen"),
            "definition": queries[self.state % len(queries)],
        }
        if self.state % 2:
            return [pg.View(**values)]
        index = {self.name("of seen"): f"using btree ({self.quoted('id')})"}
        return [pg.MaterializedView(**values, indexes=index)]


class SeenTable(Source):
    """Another table."""

    count = 4

    def objects(self, metadata: sa.MetaData) -> Sequence[Entity]:
        more: list[list[sa.schema.SchemaItem]] = [
            [sa.Column(self.name("id"), sa.Integer, nullable=False)],
            [sa.Column(self.name("id"), sa.BigInteger, nullable=False)],
            [
                sa.Column(self.name("id"), sa.Integer, primary_key=True, autoincrement=False),
                sa.Column(self.name("a"), sa.Text, server_default="it's 100% :x"),
            ],
            [
                sa.Column(self.name("id"), sa.Integer, server_default=sa.text("7")),
                sa.Column(self.name("b"), sa.Integer, sa.Computed(self.quoted("id"))),
            ],
        ]
        sa.Table(self.name("seen"), metadata, *more[self.state], schema=SCHEMA)
        return []


class SizeColumn(Subject):
    """The type of a column."""

    group = "size"
    count = 4

    def size(self) -> sa.types.TypeEngine[Any]:
        return (sa.Integer(), sa.BigInteger(), sa.Numeric(), sa.SmallInteger())[self.state]

    def objects(self, metadata: sa.MetaData) -> Sequence[Entity]:
        del metadata
        return []

    def condition(self, size: str, limit: int) -> str:
        return f"{size} > {limit}"


Use = Callable[[Subject, str, int], Sequence[Item]]


def _check(of: Subject, at: str, limit: int) -> Sequence[Item]:
    return [sa.CheckConstraint(of.condition(of.column, limit), name=of.name(f"ck{at}"))]


def _index(of: Subject, at: str, limit: int) -> Sequence[Item]:
    return [sa.Index(of.name(f"ix{at}"), sa.text(f"({of.condition(of.column, limit)})"))]


def _partial_index(of: Subject, at: str, limit: int) -> Sequence[Item]:
    where = sa.text(of.condition(of.column, limit))
    return [sa.Index(of.name(f"px{at}"), of.name("id"), postgresql_where=where)]


def _exclusion(of: Subject, at: str, limit: int) -> Sequence[Item]:
    expression = sa.text(f"({of.condition(of.column, limit)})")
    return [postgresql.ExcludeConstraint((expression, "="), name=of.name(f"ex{at}"), using="btree")]


def _generated(of: Subject, at: str, limit: int) -> Sequence[Item]:
    name = of.name(f"g{at}")
    generated = sa.Computed(of.condition(of.column, limit), persisted=True)
    return [
        sa.Column(name, sa.Boolean, generated),
        sa.Index(of.name(f"gx{at}"), name),
        sa.CheckConstraint(f"{of.quoted(f'g{at}')} is not null", name=of.name(f"gk{at}")),
    ]


def _default(of: Subject, at: str, limit: int) -> Sequence[Item]:
    default = sa.text(f"({of.condition('1', limit)})")
    return [sa.Column(of.name(f"o{at}"), sa.Boolean, server_default=default)]


def _check_of_domain(of: Subject, at: str, limit: int) -> Sequence[Item]:
    domain = pg.Domain(
        schema=SCHEMA,
        name=of.name(f"dk{at}"),
        base="integer",
        checks={of.name("c"): of.condition("value", limit)},
    )
    return [domain, sa.Column(of.name(f"dc{at}"), ColumnType(of.literal(f"dk{at}")))]


def _default_of_domain(of: Subject, at: str, limit: int) -> Sequence[Item]:
    default = of.condition("1", limit)
    return [
        pg.Domain(schema=SCHEMA, name=of.name(f"do{at}"), base="boolean", default=f"({default})")
    ]


def _policy(of: Subject, at: str, limit: int) -> Sequence[Item]:
    return [
        pg.Policy(
            schema=SCHEMA,
            table=of.name("things"),
            name=of.name(f"p{at}"),
            command="update" if limit else "select",
            roles=("public",),
            using=of.condition(of.column, limit),
        )
    ]


def _trigger(of: Subject, at: str, limit: int) -> Sequence[Item]:
    return [
        pg.Trigger(
            schema=SCHEMA,
            table=of.name("things"),
            name=of.name(f"g{at}"),
            timing="after",
            events=("insert",),
            condition=of.condition(f"new.{of.column}", limit),
            function=of.literal("stamp"),
        )
    ]


def _view(of: Subject, at: str, limit: int) -> Sequence[Item]:
    condition = of.condition(of.column, limit)
    query = f"select {of.quoted('id')} from {of.literal('things')} where {condition}"
    view = pg.View(schema=SCHEMA, name=of.name(f"v{at}"), definition=query)
    return [replace(view, grants={"authenticated": ("select",)}) if limit else view]


def _view_of_view(of: Subject, at: str, limit: int) -> Sequence[Item]:
    condition = of.condition(of.column, limit)
    query = f"select {condition} as {of.quoted('a')} from {of.literal('things')}"
    above = f"select {of.quoted('a')} from {of.literal(f'w{at}')}"
    return [
        pg.View(schema=SCHEMA, name=of.name(f"w{at}"), definition=query),
        pg.MaterializedView(
            schema=SCHEMA,
            name=of.name(f"m{at}"),
            definition=above,
            indexes={of.name(f"mx{at}"): f"using btree ({of.quoted('a')})"},
        ),
    ]


def _default_of_view(of: Subject, at: str, limit: int) -> Sequence[Item]:
    return [
        pg.View(
            schema=SCHEMA,
            name=of.name(f"y{at}"),
            definition=f"select true as {of.quoted('a')} from {of.literal('things')}",
            column_defaults={of.name("a"): of.condition("1", limit)},
        )
    ]


def _standard_body(of: Subject, at: str, limit: int) -> Sequence[Item]:
    body = f"return {of.condition(of.quoted('x'), limit)}"
    function = of.function(
        f"b{at}", body, arguments={of.name("x"): "integer"}, returns="boolean", volatility="stable"
    )
    caller = pg.Policy(
        schema=SCHEMA,
        table=of.name("things"),
        name=of.name(f"q{at}"),
        command="select",
        roles=("public",),
        using=f"{of.literal(f'b{at}')}({of.quoted('id')})",
    )
    return [function, caller]


def _default_of_argument(of: Subject, at: str, limit: int) -> Sequence[Item]:
    arguments = {of.name("x"): f"boolean default ({of.condition('1', limit)})"}
    return [of.function(f"z{at}", "select true", arguments=arguments, returns="boolean")]


def _argument(of: Subject, at: str, limit: int) -> Sequence[Item]:
    arguments = {of.name("a" if limit else "x"): of.literal("kind")}
    return [
        of.function(f"u{at}", "select 1", arguments=arguments, returns="integer"),
        pg.Procedure(
            schema=SCHEMA, name=of.name(f"h{at}"), arguments=arguments, body=f"select {limit}"
        ),
    ]


def _column(of: Subject, at: str, limit: int) -> Sequence[Item]:
    kind = ColumnType(of.literal("kind") + ("[]" if int(at) % 2 else ""))
    return [sa.Column(of.name(f"c{at}"), kind, nullable=limit == 0)]


def _result(of: Subject, at: str, limit: int) -> Sequence[Item]:
    kind = of.literal("kind")
    function = of.function(
        f"l{at}",
        f"select null::{kind}" + ("[]" if limit else ""),
        returns=f"{kind}[]" if limit else kind,
    )
    query = f"select {of.literal(f'l{at}')}() is null as {of.quoted('a')}"
    return [function, pg.View(schema=SCHEMA, name=of.name(f"n{at}"), definition=query)]


def _set(of: Subject, at: str, limit: int) -> Sequence[Item]:
    seen = of.literal("seen")
    body = f"select * from {seen} where {of.quoted('id')} > {limit}"
    return [of.function(f"k{at}", body, returns=f"setof {seen}", volatility="stable")]


def _row(of: Subject, at: str, limit: int) -> Sequence[Item]:
    arguments = {of.name("x"): of.literal("seen")}
    return [of.function(f"r{at}", f"select {limit}", arguments=arguments, returns="integer")]


def _instead(of: Subject, at: str, limit: int) -> Sequence[Item]:
    return [
        pg.Trigger(
            schema=SCHEMA,
            table=of.name("seen"),
            name=of.name(f"j{at}"),
            timing="instead of",
            events=("insert", "update") if limit else ("insert",),
            function=of.literal("stamp"),
        )
    ]


_OF_ROWS: Sequence[Use] = (_policy, _view, _view_of_view, _standard_body)
_WITHOUT_QUERY: Sequence[Use] = (_check, _index, _partial_index, _exclusion, _generated, _trigger)
_WITHOUT_ROW: Sequence[Use] = (
    _default,
    _check_of_domain,
    _default_of_domain,
    _default_of_view,
    _default_of_argument,
)
_OF_VALUES: Sequence[Use] = (*_OF_ROWS, *_WITHOUT_QUERY, *_WITHOUT_ROW)
_OF_TYPES: Sequence[Use] = (
    *_OF_ROWS,
    _trigger,
    _default_of_view,
    _default_of_argument,
    _argument,
    _result,
)
USES: dict[type[Subject], Sequence[Use]] = {
    RateFunction: _OF_VALUES,
    **dict.fromkeys((EnumKind, DomainKind, CompositeKind, RangeKind), _OF_TYPES),
    **dict.fromkeys((AlteredDomain, AlteredComposite), (*_OF_VALUES, _argument, _result, _column)),
    SeenView: (*_OF_ROWS, _set, _row, _instead),
    Snapshot: (*_OF_ROWS, _set, _row),
    SeenTable: (*_OF_ROWS, _set, _row),
    SizeColumn: (*_OF_ROWS, *_WITHOUT_QUERY),
}
"""The uses that each subject can have."""
COMES, GOES, CHANGES, STAYS = (None, 0), (0, None), (0, 1), (1, 1)


@dataclass(frozen=True)
class UsedBy:
    """A use of the subject, and what becomes of it.

    Attributes:
        use: The use.
        number: Which one of its kind.
        limits: Its state before and after, None for none.
    """

    use: Use
    number: int
    limits: tuple[int | None, int | None]


@dataclass(frozen=True)
class Changed:
    """A random change of an object and of what uses it.

    Attributes:
        subject: The kind of the object.
        states: Its states before and after the change.
        uses: What uses it.
    """

    subject: type[Subject]
    states: tuple[int, int]
    uses: Sequence[UsedBy]


@dataclass(frozen=True)
class ChangeOfUses:
    """A random change of one or two objects and of what uses them.

    Attributes:
        style: The style of the names.
        objects: The objects.
    """

    style: str
    objects: Sequence[Changed]

    def schemas(self) -> tuple[Schema, Schema]:
        """Return what is declared before and after it."""
        return self._schema(is_new=False), self._schema(is_new=True)

    def _schema(self, *, is_new: bool) -> Schema:
        metadata = sa.MetaData()
        subjects = [each.subject(self.style, each.states[is_new]) for each in self.objects]
        entities = [entity for each in subjects for entity in each.objects(metadata)]
        size = next(filter(None, (each.size() for each in subjects)), sa.Integer())
        of = subjects[0]
        parts: list[sa.schema.SchemaItem] = [
            sa.Column(of.name("id"), sa.Integer, primary_key=True, autoincrement=False),
            sa.Column(of.name("size"), size),
        ]
        for item in self._uses(subjects, is_new=is_new):
            if isinstance(item, Entity):
                entities.append(item)
            else:
                parts.append(item)
        # An index comes after the columns that it is on.
        parts.sort(key=lambda part: not isinstance(part, sa.Column))
        table = sa.Table(of.name("things"), metadata, *parts, schema=SCHEMA)
        stamp = of.function("stamp", "begin return new; end", language="plpgsql")
        access = pg.TableAccess(schema=SCHEMA, table=table.name)
        return Schema(metadata, [stamp, access, *entities])

    def _uses(self, subjects: Sequence[Subject], *, is_new: bool) -> Iterable[Item]:
        for subject, changed in zip(subjects, self.objects, strict=True):
            for each in changed.uses:
                limit = each.limits[is_new]
                if limit is not None:
                    yield from each.use(subject, str(each.number), limit)


def changed(subject: type[Subject], *, first: int, most: int) -> st.SearchStrategy[Changed]:
    """Return a strategy of changes of an object that others use.

    Args:
        subject: The kind of the object.
        first: The lowest number of a use.
        most: How many uses there are at most.
    """
    uses = st.builds(
        UsedBy,
        st.sampled_from(USES[subject]),
        st.integers(first, first + 1),
        st.sampled_from((COMES, GOES, CHANGES, STAYS)),
    )
    by_use = st.lists(
        uses, min_size=2, max_size=most, unique_by=lambda each: (each.use, each.number)
    )
    states = st.sampled_from([*permutations(range(subject.count), 2)])
    return st.builds(Changed, st.just(subject), states, by_use)


@st.composite
def changes_of_uses(draw: st.DrawFn) -> ChangeOfUses:
    """Draw a change of one object that others use, or of two."""
    subjects = draw(
        st.lists(
            st.sampled_from([*USES]), min_size=1, max_size=2, unique_by=lambda each: each.group
        )
    )
    most = 5 if len(subjects) == 1 else 3
    return ChangeOfUses(
        draw(st.sampled_from(STYLES)),
        [draw(changed(each, first=2 * number, most=most)) for number, each in enumerate(subjects)],
    )
