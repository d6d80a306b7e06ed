"""A schema whose names need quoting, and entities in it with every value that they can have."""

from __future__ import annotations

from townhall import pg
from townhall.pg import Entity

SCHEMA = "100% odd schema"
TABLE = f'"{SCHEMA}"."odd table"'

SETUP = (
    """
    do $$
    declare
        name text;
    begin
        foreach name in array array['anon', 'authenticated', 'service_role', 'other role'] loop
            begin
                execute format('create role %I', name);
            exception
                when duplicate_object or unique_violation then null;
            end;
        end loop;
    end
    $$
    """,
    f'create schema "{SCHEMA}"',
    f"""
    create table "{SCHEMA}"."odd table" (
        id integer primary key, "odd column" text, size bigint, owner uuid
    )
    """,
    f'create table "{SCHEMA}"."odd FOR EACH ROW WHEN (x) table" ()',
    'create publication "odd publication"',
    "create schema auth",
    'create table auth.users (id integer, "odd column" text)',
    f"""
    create view "{SCHEMA}"."odd FOR EACH ROW WHEN (x) view" as
    select 1 as id
    """,
    f"""
    create function "{SCHEMA}".stamp() returns trigger language plpgsql
    as 'begin return new; end'
    """,
)
"""The statements that create the roles, tables and functions which the entities need."""

ENTITIES: dict[str, Entity] = {
    "a plain enum": pg.EnumType(schema=SCHEMA, name="mood", values=("good", "bad")),
    "an enum without values": pg.EnumType(schema=SCHEMA, name="empty", values=()),
    "an enum with everything": pg.EnumType(
        schema=SCHEMA,
        name='Odd "mood"',
        values=("it's", "100% :x", 'say "so"', "", "ä"),
        comment="How it's going: 100%.",
        usage=("authenticated", "other role with grant option"),
    ),
    "a domain": pg.Domain(schema=SCHEMA, name="plain", base="int"),
    "a domain with everything": pg.Domain(
        schema=SCHEMA,
        name="Odd domain",
        base="varchar(20)",
        collation='"C"',
        default="'it''s :x'",
        is_nullable=False,
        checks={
            "Odd check": "value <> 'x' -- not x",
            "later": "value <> ':x' not valid",
        },
        comment="Odd.",
        usage=("authenticated",),
    ),
    "a composite type": pg.CompositeType(
        schema=SCHEMA,
        name="Odd address",
        attributes={
            "odd attribute": 'text collate "C"',
            "number": "numeric(5, 2)",
            "select": "int[]",
            "whole": f"{TABLE}",
        },
        attribute_comments={"odd attribute": "It's odd."},
        comment="An address.",
        usage=(),
    ),
    "an empty composite type": pg.CompositeType(schema=SCHEMA, name="nothing", attributes={}),
    "a range type": pg.RangeType(schema=SCHEMA, name="Odd range", subtype="time"),
    "a range type with everything": pg.RangeType(
        schema=SCHEMA,
        name="texts",
        subtype="text",
        operator_class="text_pattern_ops",
        collation='"C"',
        multirange="Odd texts",
        comment="Texts.",
    ),
    "a range type with a distance": pg.RangeType(
        schema=SCHEMA, name="reals", subtype="float8", subtype_diff="float8mi"
    ),
    "a procedure": pg.Procedure(schema=SCHEMA, name="plain", body="select 1"),
    "a procedure with everything": pg.Procedure(
        schema=SCHEMA,
        name="Every thing",
        arguments={
            "first": "integer",
            "odd name": "inout text",
            "position": "out int",
            "many": "variadic text[] default '{}'",
        },
        language="plpgsql",
        body="""
            begin
                position := first; -- 100% :x
            end
        """,
        security="definer",
        settings={"search_path": pg.SAFE_SEARCH_PATH, "work_mem": "64MB"},
        execute=("authenticated", "other role with grant option"),
        comment="It's odd.",
    ),
    "a procedure with a standard body": pg.Procedure(
        schema=SCHEMA,
        name="standard",
        arguments={"number": "integer"},
        body="begin atomic select number; end",
    ),
    "a plain sequence": pg.Sequence(schema=SCHEMA, name="plain"),
    "a sequence with everything": pg.Sequence(
        schema=SCHEMA,
        name="Odd numbers",
        type="integer",
        start=100,
        increment=-5,
        minimum=-500,
        maximum=100,
        cache=10,
        cycle=True,
        owned_by=("odd table", "odd column"),
        grants={"authenticated": ("usage",), "other role": ("all",)},
        comment="Odd numbers: it's 100%.",
    ),
    "a closed sequence": pg.Sequence(schema=SCHEMA, name="closed", grants={}, minimum=0),
    "a plain function": pg.Function(
        schema=SCHEMA, name="plain", returns="integer", body="select 1"
    ),
    "a function with everything": pg.Function(
        schema=SCHEMA,
        name="Every thing",
        arguments={
            "first": "integer",
            "odd name": "text default 'a, b'",
            "many": "variadic text[] default '{}'",
        },
        returns="setof uuid",
        language="plpgsql",
        body="""
            begin
                -- a colon :here, a percent % and 'quotes'
                return query select gen_random_uuid() where '$$' <> '$function$';
            end
        """,
        volatility="stable",
        security="definer",
        settings={"search_path": "", "work_mem": "64MB"},
        is_strict=True,
        is_leakproof=True,
        parallel="safe",
        cost=7,
        rows=3,
        execute=("authenticated", "other role", "service_role with grant option"),
        comment='It\'s "odd".',
    ),
    "a function without names": pg.Function(
        schema=SCHEMA,
        name="nameless",
        arguments={"$1": "integer", "$2": "double precision"},
        returns="double precision",
        body="select $1 + $2",
        volatility="immutable",
    ),
    "a function with results as arguments": pg.Function(
        schema=SCHEMA,
        name="results",
        arguments={"x": "integer", "y": "out integer", "z": "inout text"},
        returns="record",
        body="select 1, 'x'::text",
    ),
    "a function that returns a table": pg.Function(
        schema=SCHEMA,
        name="rows of it",
        returns="table (one integer, two text)",
        body="select 1, 'x'::text",
        settings={"search_path": "public, pg_temp"},
    ),
    "a function of the SQL standard": pg.Function(
        schema=SCHEMA,
        name="standard",
        arguments={"x": "integer"},
        returns="integer",
        body="return x + 1",
    ),
    "a trigger": pg.Trigger(
        schema=SCHEMA,
        table="odd table",
        name="odd trigger",
        timing="before",
        events=("insert", "update"),
        columns=("size", "odd column"),
        condition="""
            new.size is not null and new."odd column" <> ' FOR EACH ROW WHEN (x) EXECUTE FUNCTION '
        """,
        function=f'"{SCHEMA}".stamp',
        arguments=("one", "it's\\ (two),", "", ") EXECUTE FUNCTION f()", "שלום"),
        comment="Stamps.",
    ),
    "a trigger on statements": pg.Trigger(
        schema=SCHEMA,
        table="odd table",
        name="statements",
        timing="after",
        events=("update",),
        level="statement",
        condition="pg_trigger_depth() < 2",
        old_table="before",
        new_table="New rows",
        function=f'"{SCHEMA}".stamp',
        firing="always",
    ),
    "a constraint trigger": pg.Trigger(
        schema=SCHEMA,
        table="odd table",
        name="constraint",
        timing="after",
        events=("update", "insert"),
        function=f'"{SCHEMA}".stamp',
        constraint=True,
        referenced_table=f'"{SCHEMA}"."odd FOR EACH ROW WHEN (x) table"',
        deferrable=True,
        initially="deferred",
    ),
    "a constraint trigger that is deferrable": pg.Trigger(
        schema=SCHEMA,
        table="odd table",
        name="deferrable",
        timing="after",
        events=("delete",),
        condition="old.size > 0",
        function=f'"{SCHEMA}".stamp',
        constraint=True,
        deferrable=True,
    ),
    "a trigger on truncate": pg.Trigger(
        schema=SCHEMA,
        table="odd table",
        name="emptied",
        timing="before",
        events=("truncate", "delete", "insert", "update"),
        level="statement",
        function=f'"{SCHEMA}".stamp',
    ),
    "a trigger on a view": pg.Trigger(
        schema=SCHEMA,
        table="odd FOR EACH ROW WHEN (x) view",
        name="instead",
        timing="instead of",
        events=("insert", "update", "delete"),
        function=f'"{SCHEMA}".stamp',
    ),
    "a disabled trigger": pg.Trigger(
        schema=SCHEMA,
        table="odd table",
        name="off",
        timing="after",
        events=("delete",),
        function=f'"{SCHEMA}".stamp',
        firing="disabled",
    ),
    "a policy": pg.Policy(
        schema=SCHEMA,
        table="odd table",
        name="Owners' policy",
        command="all",
        roles=("authenticated", "other role"),
        using="owner = gen_random_uuid() or \"odd column\" = ':x %'",
        check="size > 0",
        comment="For owners.",
    ),
    "a restrictive policy": pg.Policy(
        schema=SCHEMA,
        table="odd table",
        name="floor",
        command="insert",
        roles=("public",),
        check="size > 0",
        permissive=False,
    ),
    "a view": pg.View(
        schema=SCHEMA,
        name="odd view",
        definition=f'select id, "odd column", size from {TABLE} where "odd column" like \'%:x\'',
        grants={"authenticated": ("select", "update (size)"), "other role": ("select",)},
        comment="Odd.",
        column_comments={"odd column": "Very odd."},
        column_defaults={"odd column": "'it''s; odd'::text", "size": "7"},
        security_barrier=True,
        check_option="cascaded",
    ),
    "a view of its owner's": pg.View(
        schema=SCHEMA,
        name="owners",
        definition=f"select id from {TABLE}",
        security_invoker=False,
    ),
    "a materialized view": pg.MaterializedView(
        schema=SCHEMA,
        name="odd copy",
        definition=f'select id, size, "odd column" from {TABLE}',
        indexes={
            "odd key": "unique (id)",
            "odd_expression": '(lower("odd column")) where size > 0',
            "x USING y": '("odd column" text_pattern_ops desc nulls last)',
        },
        grants={"authenticated": ("select",)},
        comment="A copy.",
        column_comments={"size": "How big."},
        parameters={"fillfactor": "70", "autovacuum_enabled": "off"},
    ),
    "the access of a table": pg.TableAccess(
        schema=SCHEMA,
        table="odd table",
        forced=True,
        grants={
            "authenticated": ("select", 'insert (id, "odd column")', "update (size)", "delete"),
            "service_role": ("all",),
            "other role": ("select with grant option",),
        },
    ),
    "the closed access of a table": pg.TableAccess(schema=SCHEMA, table="odd table"),
    "the access of a schema": pg.SchemaAccess(
        schema=SCHEMA,
        usage=("anon", "authenticated with grant option", "public"),
        create=("authenticated", "other role"),
        comment="It's odd.",
    ),
    "the closed access of a schema": pg.SchemaAccess(schema=SCHEMA),
    "a full replica identity": pg.ReplicaIdentity(schema=SCHEMA, table="odd table"),
    "a replica identity by index": pg.ReplicaIdentity(
        schema=SCHEMA, table="odd table", mode="index", index="odd table_pkey"
    ),
    "a grant on accounts": pg.TableGrant(
        schema="auth",
        table="users",
        role="other role",
        privileges=("insert with grant option", 'select (id, "odd column")'),
    ),
    "storage parameters": pg.StorageParameters(
        schema=SCHEMA,
        table="odd table",
        parameters={
            "fillfactor": "70",
            "autovacuum_enabled": "off",
            "toast.autovacuum_vacuum_scale_factor": "0.5",
        },
    ),
    "a published table": pg.PublicationTable(
        schema=SCHEMA, table="odd table", publication="odd publication"
    ),
    "a table of which a part is published": pg.PublicationTable(
        schema=SCHEMA,
        table="odd table",
        publication="odd publication",
        columns=("id", "odd column"),
        where="id > 3 and \"odd column\" in ('a', 'it''s')",
    ),
    "default privileges in a schema": pg.DefaultPrivileges(
        schema=SCHEMA,
        objects="tables",
        grants={"authenticated": ("select", "insert with grant option"), "other role": ("all",)},
    ),
    "default privileges in every schema": pg.DefaultPrivileges(
        everywhere=True, objects="functions", grants={"service_role": ("execute",)}
    ),
    "default privileges of another role": pg.DefaultPrivileges(
        schema=SCHEMA, objects="sequences", owner="other role", grants={"anon": ("usage",)}
    ),
    "an extension": pg.Extension(schema=SCHEMA, name="vector"),
}
