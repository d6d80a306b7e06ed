"""Random schemas over the kinds that can be declared, which depend on each other.

All names of a schema are written in one style. Two schemas of one style share names, so that one is
a change of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy import Connection

from tests.autogenerate.lab import SCHEMA, Schema
from tests.autogenerate.random_names import STYLES
from tests.autogenerate.random_parts import MOST, Choice, Parts, full_parts, parts
from tests.autogenerate.random_tables import CLIENTS, PARTITIONED, Tables, reads_table
from townhall import pg
from townhall.pg import Entity, sql

PUBLICATION = "lab's 100% odd"
EXTENSION = "vector"


def prepare(connection: Connection) -> None:
    """Create what the schemas need and do not declare."""
    for statement in (
        f"create schema {SCHEMA}",
        f"create publication {sql.quote(PUBLICATION)}",
        "create schema auth",
        "create table auth.users (id integer primary key, email text)",
    ):
        connection.execute(sql.statement(statement))


def without_missing(connection: Connection, schema: Schema) -> Schema:
    """Return a declaration without the extension, where the server does not have it."""
    query = sa.text("select from pg_available_extensions where name = :name")
    if connection.execute(query, {"name": EXTENSION}).first() is not None:
        return schema
    present = [each for each in schema.entities if not isinstance(each, pg.Extension)]
    return replace(schema, entities=present)


@dataclass(frozen=True)
class Change:
    """A random change of a schema.

    Attributes:
        style: The style of its names.
        old: The objects before it.
        new: The objects after it.
    """

    style: str
    old: Parts
    new: Parts

    def schemas(self) -> tuple[Schema, Schema]:
        """Return what is declared before and after it."""
        return _Builder(self.style, self.old).schema(), _Builder(self.style, self.new).schema()


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Draw a schema, and the same schema with objects of some kinds changed."""
    style = draw(st.sampled_from(STYLES))
    old, new = draw(parts()), draw(parts())
    changed = draw(st.sets(st.sampled_from(sorted(MOST)), min_size=1))
    kept = {letter: new[letter] if letter in changed else old[letter] for letter in MOST}
    return Change(style, old, kept)


def full_schemas() -> Iterator[Schema]:
    """Yield schemas with all objects that there can be, in some of their forms."""
    for each in full_parts():
        yield _Builder(STYLES[0], each).schema()


@dataclass
class _Builder(Tables):
    def schema(self) -> Schema:
        """Return the declaration."""
        self.add_types()
        for choice in self.parts["s"]:
            self.entities.append(self.sequence(choice))
        for choice in self.parts["t"]:
            self.add_table(choice)
        sources = {f"t{each.number}": self.columns_of(each) for each in self.parts["t"]}
        self.add_views(sources)
        self.add_routines([*sources])
        self.add_rules()
        self.add_of_database()
        return Schema(self.metadata, self.entities)

    def add_routines(self, sources: Sequence[str]) -> None:
        self.entities += [self.function(choice) for choice in self.parts["f"]]
        self.entities += [self.procedure(choice) for choice in self.parts["h"]]
        if sources:
            self.entities += [self.reader(choice, sources) for choice in self.parts["w"]]

    def procedure(self, choice: Choice) -> pg.Procedure:
        is_granted, is_commented, _ = choice.flags
        types = [self.literal(f"{of}{self.parts[of][0].number}") for of in "edt" if self.has(of)]
        types += [self.literal(f"{of}0") for of in "kr" if self.has(of)]
        types.append("integer")
        return pg.Procedure(
            schema=SCHEMA,
            name=self.name(f"h{choice.number}"),
            arguments={self.name("x"): types[choice.value % len(types)]},
            body=f"select {choice.value}",
            execute=CLIENTS if is_granted else (),
            comment="It's odd." if is_commented else None,
        )

    def function(self, choice: Choice) -> pg.Function:
        has_default, is_big, is_granted = choice.flags
        argument = "x" if choice.value % 5 else "y"
        type_ = "bigint" if choice.value % 7 == 2 else "integer"
        arguments = {self.name(argument): f"{type_} default 7" if has_default else type_}
        if choice.value % 4 == 1:
            arguments[self.name("a")] = "text default 'it''s 100% :x'"
        return pg.Function(
            schema=SCHEMA,
            name=self.name(f"f{choice.number}"),
            arguments=arguments,
            returns="bigint" if is_big else "integer",
            volatility="immutable",
            execute=CLIENTS if is_granted else (),
            comment="It's 100% :x." if has_default else None,
            **self.body(choice, self.quoted(argument)),
        )

    def body(self, choice: Choice, argument: str) -> dict[str, Any]:
        tables = [each.number for each in self.parts["t"]]
        if tables and reads_table(choice):
            table = self.literal(f"t{tables[choice.value % len(tables)]}")
            query = f"select count(*)::integer from {table} where {self.quoted('id')} > {argument}"
            return {"body": query}
        result = f"({argument} + {choice.value})::integer"
        bodies: dict[int, dict[str, Any]] = {
            4: {"language": "plpgsql", "body": f"begin return {result}; end"},
            5: {"body": f"return {result}"},
            7: {"security": "definer", "settings": {"search_path": pg.SAFE_SEARCH_PATH}},
            8: {"security": "definer", "search_path": "as found"},
        }
        return {"body": f"select {result}", **bodies.get(choice.value, {})}

    def reader(self, choice: Choice, sources: Sequence[str]) -> pg.Function:
        is_set, takes_row, is_granted = choice.flags
        source = self.literal(sources[choice.value % len(sources)])
        values: dict[str, Any] = {
            "returns": "bigint",
            "body": f"return (select count({self.quoted('id')}) from {source})",
        }
        if is_set:
            values = {"returns": f"setof {source}", "body": f"select * from {source}"}
        elif takes_row:
            arguments = {self.name("x"): source}
            values = {"arguments": arguments, "returns": "integer", "body": "select 1"}
        return pg.Function(
            schema=SCHEMA,
            name=self.name(f"w{choice.number}"),
            volatility="stable",
            execute=CLIENTS if is_granted else (),
            **values,
        )

    def add_views(self, sources: dict[str, Sequence[str]]) -> None:
        for letter in ("v", "m"):
            for choice in self.parts[letter]:
                if sources:
                    source = [*sources][choice.value % len(sources)]
                    columns = sources[source][: 1 + choice.value % 4]
                    self.entities.append(self.view(letter, choice, source, columns))
                    sources[f"{letter}{choice.number}"] = columns

    def view(self, letter: str, choice: Choice, source: str, columns: Sequence[str]) -> Entity:
        is_granted, is_commented, third = choice.flags
        condition = self.call(choice)
        where = f" where {condition}" if condition else ""
        more = f", {choice.value} as {self.quoted('z')}" if third else ""
        chosen = ", ".join(map(self.quoted, columns))
        shared: dict[str, Any] = {
            "schema": SCHEMA,
            "name": self.name(f"{letter}{choice.number}"),
            "definition": f"select {chosen}{more} from {self.literal(source)}{where}",
            "grants": {"authenticated": ("select",)} if is_granted else {},
            "comment": "It's 100% :x." if is_commented else None,
            "column_comments": {self.name("id"): "The key."} if is_granted else {},
        }
        if letter == "v":
            default = self.call(choice, "1") or "false"
            defaults = {self.name("id"): f"({default})::integer"} if is_commented else {}
            return pg.View(**shared, security_barrier=third, column_defaults=defaults)
        key = self.quoted("id")
        call = self.call(choice, reads=False)
        index = f"using btree (({call}))" if call else f"unique using btree ({key})"
        return pg.MaterializedView(
            **shared,
            indexes={self.name(f"mi{choice.number}"): index} if third else {},
            parameters={"fillfactor": str(50 + choice.value)} if is_commented else {},
        )

    def add_rules(self) -> None:
        tables = [choice.number for choice in self.parts["t"]]
        if not tables:
            return
        for choice in self.parts["t"]:
            self.entities += self.states(choice)
        for choice in self.parts["p"]:
            self.entities.append(self.policy(choice, tables[choice.value % len(tables)]))
        for choice in self.parts["g"]:
            self.entities.append(self.trigger(choice, tables[choice.value % len(tables)]))

    def states(self, choice: Choice) -> list[Entity]:
        first, second, third = choice.flags
        table = self.name(f"t{choice.number}")
        is_whole = choice.number != PARTITIONED
        found: list[Entity] = []
        if first or self.has("p"):
            grants = {"authenticated": ("select", f"update ({self.quoted('id')})")}
            found.append(
                pg.TableAccess(
                    schema=SCHEMA, table=table, forced=second, grants=grants if third else {}
                )
            )
        if second:
            found.append(pg.ReplicaIdentity(schema=SCHEMA, table=table))
            if is_whole:
                parameters = {"fillfactor": str(50 + choice.value)}
                found.append(
                    pg.StorageParameters(schema=SCHEMA, table=table, parameters=parameters)
                )
        if third:
            where = f"{self.quoted('id')} > {choice.value}" if first and is_whole else None
            found.append(
                pg.PublicationTable(
                    schema=SCHEMA, table=table, publication=PUBLICATION, where=where
                )
            )
        return found

    def policy(self, choice: Choice, table: int) -> pg.Policy:
        is_commented, is_permissive, is_public = choice.flags
        condition = self.call(choice) or f"{self.quoted('id')} <> {choice.value}"
        other = self.parts["t"][0].number
        if choice.value % 4 == 3:
            source = self.literal(f"t{other}")
            condition = f"(select count(*) from {source}) > {choice.value}"
        return pg.Policy(
            schema=SCHEMA,
            table=self.name(f"t{table}"),
            name=self.name(f"p{choice.number}"),
            command="update" if choice.value > 4 else "select",
            roles=("public",) if is_public else CLIENTS,
            using=condition,
            permissive=is_permissive,
            comment="It's 100% :x." if is_commented else None,
        )

    def trigger(self, choice: Choice, table: int) -> pg.Trigger:
        is_after, has_columns, is_commented = choice.flags
        shared: dict[str, Any] = {
            "schema": SCHEMA,
            "table": self.name(f"t{table}"),
            "name": self.name(f"g{choice.number}"),
            "function": self.literal("stamp"),
            "comment": "It's 100% :x." if is_commented else None,
        }
        if choice.value % 6 == 5:
            return pg.Trigger(
                **shared, timing="after", events=("insert",), constraint=True, deferrable=is_after
            )
        if choice.value % 6 == 4:
            return pg.Trigger(
                **shared,
                timing="after",
                events=("update",),
                level="statement",
                new_table=self.name("x"),
            )
        return pg.Trigger(
            **shared,
            timing="after" if is_after else "before",
            events=("update",) if has_columns else ("insert", "delete"),
            columns=(self.name("id"),) if has_columns else (),
            condition=self.condition(choice) if has_columns else None,
            firing="always" if choice.value % 6 == 3 else "origin",
        )

    def condition(self, choice: Choice) -> str:
        condition = self.call(choice)
        column = self.quoted("id")
        if condition is None:
            return f"old.{column} <> new.{column}"
        return condition.replace(f"({column})", f"(new.{column})")

    def add_of_database(self) -> None:
        if self.has("g") or self.has("u"):
            self.entities.append(
                pg.Function(
                    schema=SCHEMA,
                    name=self.name("stamp"),
                    language="plpgsql",
                    body="begin return new; end",
                )
            )
        self.entities += [self.access(choice) for choice in self.parts["n"]]
        self.entities += [self.default_privileges(choice) for choice in self.parts["i"]]
        if self.has("x"):
            self.entities.append(pg.Extension(schema=SCHEMA, name=EXTENSION))
        for choice in self.parts["u"]:
            self.entities += self.on_platform(choice)

    def access(self, choice: Choice) -> pg.SchemaAccess:
        may_use, may_create, is_commented = choice.flags
        return pg.SchemaAccess(
            schema=SCHEMA,
            usage=CLIENTS if may_use else (),
            create=("service_role",) if may_create else (),
            comment="It's 100% :x." if is_commented else "",
        )

    def default_privileges(self, choice: Choice) -> pg.DefaultPrivileges:
        is_granted, is_everywhere, _ = choice.flags
        grants: Sequence[tuple[Any, str]] = (
            ("tables", "select"),
            ("sequences", "usage"),
            ("functions", "execute"),
            ("types", "usage"),
        )
        objects, privilege = grants[choice.value % len(grants)]
        return pg.DefaultPrivileges(
            schema=SCHEMA,
            objects=objects,
            everywhere=is_everywhere,
            grants={"authenticated": (privilege,)} if is_granted else {},
        )

    def on_platform(self, choice: Choice) -> Sequence[Entity]:
        has_trigger, has_policy, _ = choice.flags
        on_users: dict[str, Any] = {"schema": "auth", "table": "users"}
        found: list[Entity] = [
            pg.TableGrant(
                **on_users,
                role="authenticated",
                privileges=("select",) if choice.value % 2 else ("select (id)", "update (email)"),
            )
        ]
        if has_trigger:
            found.append(
                pg.Trigger(
                    **on_users,
                    name=self.name("g0"),
                    timing="after" if choice.value % 3 else "before",
                    events=("insert",),
                    function=self.literal("stamp"),
                )
            )
        if has_policy:
            found.append(
                pg.Policy(
                    **on_users,
                    name=self.name("p0"),
                    command="select",
                    roles=("authenticated",),
                    using=self.call(choice, "id") or "id > 0",
                )
            )
        return found
