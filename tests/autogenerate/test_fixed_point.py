"""What is declared as PostgreSQL renders it, or as it is written, is the same both ways."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tests.autogenerate.lab import Schema
from tests.autogenerate.round_trip import round_trip
from townhall import pg
from townhall.testing.databases import Databases

pytestmark = pytest.mark.thorough  # each generates revisions and runs them

CONDITIONS = (
    "kind in ('a', 'b')",
    "kind not in ('a', 'b') or kind is null",
    "kind ~ '^[a-z]+$' and length(kind) between 3 and 60",
    "size > 1 and (size < 5 and (size <> 3 and kind <> ':x'))",
    "kind = any (array['a', 'b']::varchar[])",
)
TABLE = "create table things (id serial primary key, kind varchar(9), size integer);"


def things(*parts: sa.schema.SchemaItem) -> sa.MetaData:
    metadata = sa.MetaData()
    sa.Table(
        "things",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(9)),
        sa.Column("size", sa.Integer),
        *parts,
    )
    return metadata


def rendered(databases: Databases, script: str, query: str) -> str:
    with databases.create() as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(script, execution_options={"no_parameters": True})
            return str(connection.exec_driver_sql(query).scalar())


@pytest.mark.parametrize("condition", CONDITIONS)
def test_check_is_declared_as_postgresql_renders_it(condition: str, databases: Databases) -> None:
    script = f"{TABLE} alter table things add constraint c check ({condition})"
    query = "select pg_get_expr(conbin, conrelid) from pg_constraint where conname = 'c'"
    text = rendered(databases, script, query).replace(":", r"\:")
    for written in (text, condition.replace(":", r"\:")):
        declared = Schema(things(sa.CheckConstraint(written, name="c")))
        assert "pass" in round_trip(databases, script, declared).upgrade


EXPRESSIONS = (
    "1 between 0 and 3 and 2 > 1",
    "current_user::varchar in ('a', 'b')",
    "case when 'x' in ('a', 'b') then true else ':x' <> 'y' end",
)
_EXPRESSION = """
    select pg_get_expr(d.adbin, d.adrelid)
    from pg_attrdef as d
    join pg_attribute as a on a.attrelid = d.adrelid and a.attnum = d.adnum
    where a.attname = 'derived'
"""


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_default_is_declared_as_postgresql_renders_it(
    expression: str, databases: Databases
) -> None:
    script = f"{TABLE} alter table things add derived boolean default ({expression})"
    text = rendered(databases, script, _EXPRESSION)
    for written in (text, f"({expression})"):
        default = sa.text(written.replace(":", r"\:"))
        declared = Schema(things(sa.Column("derived", sa.Boolean, server_default=default)))
        assert "pass" in round_trip(databases, script, declared).upgrade


@pytest.mark.parametrize("condition", CONDITIONS)
def test_generated_column_is_declared_as_postgresql_renders_it(
    condition: str, databases: Databases
) -> None:
    column = f"derived boolean generated always as ({condition}) stored"
    script = f"{TABLE} alter table things add {column}"
    text = rendered(databases, script, _EXPRESSION)
    for written in (text, condition):
        generated = sa.Computed(written.replace(":", r"\:"), persisted=True)
        declared = Schema(things(sa.Column("derived", sa.Boolean, generated)))
        assert "pass" in round_trip(databases, script, declared).upgrade


@pytest.mark.parametrize(
    ("argument", "body"),
    [
        ("boolean default (1 between 0 and 3 and 2 > 1)", "select 1"),
        ("varchar", "return case when a in ('a', 'b') and a <> 'c' then 1 end"),
    ],
    ids=["default", "standard body"],
)
def test_function_is_declared_as_postgresql_renders_it(
    argument: str, body: str, databases: Databases
) -> None:
    def declared(argument: str, body: str) -> pg.Function:
        return pg.Function(name="f", arguments={"a": argument}, returns="integer", body=body)

    script = "; ".join(declared(argument, body).create_statements())
    query = """
        select 'boolean default ' || pg_get_expr(proargdefaults, 0) || '|select 1'
        from pg_proc
        where proname = 'f' and pronargdefaults > 0
        union all
        select 'varchar|' || pg_get_function_sqlbody(oid) from pg_proc where proname = 'f'
    """
    text = rendered(databases, script, query)
    for each in ((argument, body), text.split("|", 1)):
        schema = Schema(entities=[declared(*each)])
        assert "pass" in round_trip(databases, script, schema).upgrade


def test_other_default_of_an_argument_is_found(databases: Databases) -> None:
    def declared(default: str) -> pg.Function:
        arguments = {"a": f"boolean default ({default})"}
        return pg.Function(name="f", arguments=arguments, returns="integer", body="select 1")

    script = "; ".join(declared("1 between 0 and 3").create_statements())
    schema = Schema(entities=[declared("1 between 0 and 4")])
    assert "and 4" in round_trip(databases, script, schema).upgrade


def test_other_default_is_found(databases: Databases) -> None:
    script = f"{TABLE} alter table things add derived boolean default (1 between 0 and 3)"
    default = sa.text("(1 between 0 and 4)")
    declared = Schema(things(sa.Column("derived", sa.Boolean, server_default=default)))
    assert "<= 4" in round_trip(databases, script, declared).upgrade


def test_other_check_is_found(databases: Databases) -> None:
    script = f"{TABLE} alter table things add constraint c check (size > 1 and size < 3)"
    declared = Schema(things(sa.CheckConstraint("size > 1 and size < 4", name="c")))
    assert "size < 4" in round_trip(databases, script, declared).upgrade


@pytest.mark.parametrize("condition", CONDITIONS)
def test_index_is_declared_as_postgresql_renders_it(condition: str, databases: Databases) -> None:
    script = f"{TABLE} create index i on things (size, ({condition})) where {condition}"
    query = """
        select concat_ws('|', pg_get_indexdef(indexrelid, 2, false), pg_get_expr(indpred, indrelid))
        from pg_index
        where indexrelid = 'i'::regclass
    """
    expression, where = rendered(databases, script, query).replace(":", r"\:").split("|")
    index = sa.Index("i", "size", sa.text(expression), postgresql_where=sa.text(where))
    assert "pass" in round_trip(databases, script, Schema(things(index))).upgrade


@pytest.mark.parametrize("condition", CONDITIONS)
def test_policy_and_view_are_declared_as_postgresql_renders_them(
    condition: str, databases: Databases
) -> None:
    script = f"""
        {TABLE}
        alter table things enable row level security;
        create policy p on things for all to authenticated using ({condition}) with check (true);
        create view v with (security_invoker = true) as select id from things where {condition}
    """
    using = rendered(databases, script, "select pg_get_expr(polqual, polrelid) from pg_policy")
    view = rendered(databases, script, "select pg_get_viewdef('v'::regclass)")
    for policy_text, view_text in (
        (using, view),
        (condition, f"select id from public.things where {condition}"),
    ):
        entities = [
            pg.Policy(
                table="things",
                name="p",
                command="all",
                roles=("authenticated",),
                using=policy_text,
                check="true",
            ),
            pg.View(name="v", definition=view_text),
        ]
        assert "pass" in round_trip(databases, script, Schema(things(), entities)).upgrade


NOT_VALID: dict[str, tuple[str, Callable[[], sa.Constraint]]] = {
    "check": (
        "alter table things add constraint c check (size > 1) not valid",
        lambda: sa.CheckConstraint("size > 1", name="c", postgresql_not_valid=True),
    ),
    "foreign key": (
        "alter table things add constraint c foreign key (size) references things not valid",
        lambda: sa.ForeignKeyConstraint(
            ["size"], ["things.id"], name="c", postgresql_not_valid=True
        ),
    ),
    "unique": (
        "alter table things add constraint c unique (size) deferrable initially deferred",
        lambda: sa.UniqueConstraint("size", name="c", deferrable=True, initially="DEFERRED"),
    ),
    "exclusion": (
        "alter table things add constraint c exclude using btree (size with =) deferrable",
        lambda: postgresql.ExcludeConstraint(
            ("size", "="), name="c", using="btree", deferrable=True
        ),
    ),
}


@pytest.mark.parametrize(("script", "constraint"), NOT_VALID.values(), ids=NOT_VALID.keys())
def test_constraint_is_declared_as_it_is(
    script: str, constraint: Callable[[], sa.Constraint], databases: Databases
) -> None:
    declared = Schema(things(constraint()))
    assert "pass" in round_trip(databases, f"{TABLE} {script}", declared).upgrade
    assert "pass" not in round_trip(databases, TABLE, declared).upgrade
