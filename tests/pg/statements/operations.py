"""The SQL of the operations that Alembic does not have."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa
from alembic.operations.ops import CreateTableCommentOp, DropColumnOp, DropIndexOp, DropTableOp

from tests.pg.statements.case import OperationCase
from townhall import pg
from townhall.migrate.operations.alterations import AddValuesOp, AlterEntityOp
from townhall.migrate.operations.columns import (
    AddSerialOp,
    AlterSerialOp,
    ChangeColumnOp,
    ColumnState,
)
from townhall.migrate.operations.comments import CommentOp, TableCommentOp
from townhall.migrate.operations.constraints import (
    AddCheckOp,
    AddDefinedOp,
    DropDefinedOp,
    RenameConstraintOp,
)
from townhall.migrate.operations.decisions import LaterOp
from townhall.migrate.operations.definitions import (
    DropDefinedColumnOp,
    DropDefinedIndexOp,
    DropDefinedTableOp,
)
from townhall.migrate.operations.expressions import DropExpressionOp, GenerateOnceOp
from townhall.migrate.operations.identities import (
    AlterIdentityOp,
    DropFormerSequenceOp,
    SerialForIdentityOp,
)
from townhall.migrate.operations.parts import CreatePartOp, DropPartOp, SetUpPartOp
from townhall.migrate.operations.schemas import CreateSchemaOp, DropSchemaOp
from townhall.pg.catalog import Part

TABLE = sa.Table("Orders", sa.MetaData(), sa.Column("id", sa.Integer), schema="shop")
PRIMARY_KEY = AddDefinedOp(TABLE, "pk_orders", "PRIMARY KEY (id) INCLUDE (total)")
ENUM = pg.EnumType(schema="shop", name="Mood", values=("good", "bad"))
LONGER = replace(ENUM, values=("best", "good", "so-so", "bad", "it's"))
SHARE = pg.Domain(
    schema="shop",
    name="Percent",
    base="integer",
    checks={"in_range": "value <= 1", "small": "value > 0"},
)
PERCENT = replace(SHARE, default="1", checks={"in_range": "value <= 100"})
POLICY = pg.Policy(table="posts", name="p", command="select", roles=("anon",), using="a = ':b'")

SERIAL = SerialForIdentityOp(
    TABLE,
    "id",
    ["generated always", "start with 10"],
    sequence='shop."Orders_id_seq"',
    type_="integer",
    owner="keeper",
)
MAKE_SERIAL = """
    do $do$
    declare
        former regclass;
        later regclass;
        next_number numeric;
        step bigint;
        counted record;
    begin
        if not exists (
            select
            from pg_catalog.pg_attribute as a
            where a.attrelid = 'shop."Orders"'::regclass
                and a.attname = 'id'
                and a.attidentity <> ''
        ) then
            return;
        end if;
        lock table shop."Orders" in access exclusive mode;
        former := pg_catalog.pg_get_serial_sequence('shop."Orders"', 'id');
        execute
            'select last_value + case when is_called then s.seqincrement else 0::numeric end,'
            || ' s.seqincrement from ' || former::text
            || ', pg_catalog.pg_sequence as s where s.seqrelid = $1'
        into strict next_number, step
        using former;
        alter table shop."Orders" alter column id drop identity;
        create sequence shop."Orders_id_seq" as integer;
        alter sequence shop."Orders_id_seq" owner to keeper;
        alter sequence shop."Orders_id_seq" owned by shop."Orders".id;
        alter table shop."Orders" alter column id
        set default nextval('shop."Orders_id_seq"'::regclass);
        later := 'shop."Orders_id_seq"';
        select s.* into strict counted
        from pg_catalog.pg_sequence as s
        where s.seqrelid = later;
        if step < 0 and counted.seqincrement > 0 then
            select coalesce(max(id) + 1::numeric, next_number) into next_number from shop."Orders";
        elsif step > 0 and counted.seqincrement < 0 then
            select coalesce(min(id) - 1::numeric, next_number) into next_number from shop."Orders";
        end if;
        if next_number between counted.seqmin and counted.seqmax then
            execute 'alter sequence ' || later::text || ' restart with ' || next_number;
        elsif next_number > counted.seqmax and counted.seqincrement > 0 then
            perform pg_catalog.setval(later, counted.seqmax);
        elsif next_number < counted.seqmin and counted.seqincrement < 0 then
            perform pg_catalog.setval(later, counted.seqmin);
        end if;
    end
    $do$;
"""
DROP_FORMER = DropFormerSequenceOp(pg.Sequence(schema="shop", name="Numbers"), "Orders", "id")
DROP_FORMER_SEQUENCE = """
    do $do$
    declare
        numbers regclass := (
            select s.seqrelid
            from pg_catalog.pg_depend as d
            join pg_catalog.pg_sequence as s on s.seqrelid = d.objid
            join pg_catalog.pg_attribute as a
                on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            where d.classid = 'pg_catalog.pg_class'::regclass
                and d.refclassid = 'pg_catalog.pg_class'::regclass
                and d.refobjid = 'shop."Orders"'::regclass
                and d.deptype = 'i'
                and a.attname = 'id'
        );
    begin
        if numbers is null then
            return;
        end if;
        if numbers = pg_catalog.to_regclass('shop."Numbers"') then
            return;
        end if;
        drop sequence if exists shop."Numbers";
        if pg_catalog.to_regclass('shop."Orders_id_seq"') is null then
            execute 'alter sequence ' || numbers || ' rename to "Orders_id_seq"';
        end if;
    end
    $do$;
"""
CREATE_FORMER_SEQUENCE = """
    do $do$
    declare
        numbers regclass := (
            select s.seqrelid
            from pg_catalog.pg_depend as d
            join pg_catalog.pg_sequence as s on s.seqrelid = d.objid
            join pg_catalog.pg_attribute as a
                on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            where d.classid = 'pg_catalog.pg_class'::regclass
                and d.refclassid = 'pg_catalog.pg_class'::regclass
                and d.refobjid = 'shop."Orders"'::regclass
                and d.deptype = 'i'
                and a.attname = 'id'
        );
    begin
        if numbers is null then
            return;
        end if;
        if numbers = pg_catalog.to_regclass('shop."Numbers"') then
            execute 'alter sequence ' || numbers || ' rename to "former_Numbers"';
        end if;
    end
    $do$;
    create sequence if not exists shop."Numbers"
    as bigint increment by 1 no minvalue no maxvalue start with 1 cache 1 no cycle;
    comment on sequence shop."Numbers" is null;
"""
MAKE_IDENTITY = """
    do $do$
    declare
        former regclass;
        later regclass;
        next_number numeric;
        step bigint;
        counted record;
    begin
        if exists (
            select
            from pg_catalog.pg_attribute as a
            where a.attrelid = 'shop."Orders"'::regclass
                and a.attname = 'id'
                and a.attidentity <> ''
        ) then
            return;
        end if;
        lock table shop."Orders" in access exclusive mode;
        former := pg_catalog.pg_get_serial_sequence('shop."Orders"', 'id');
        execute
            'select last_value + case when is_called then s.seqincrement else 0::numeric end,'
            || ' s.seqincrement from ' || former::text
            || ', pg_catalog.pg_sequence as s where s.seqrelid = $1'
        into strict next_number, step
        using former;
        alter table shop."Orders" alter column id drop default;
        execute 'drop sequence ' || former::text;
        alter table shop."Orders" alter column id add generated always as identity (start with 10);
        later := pg_catalog.pg_get_serial_sequence('shop."Orders"', 'id');
        select s.* into strict counted
        from pg_catalog.pg_sequence as s
        where s.seqrelid = later;
        if step < 0 and counted.seqincrement > 0 then
            select coalesce(max(id) + 1::numeric, next_number) into next_number from shop."Orders";
        elsif step > 0 and counted.seqincrement < 0 then
            select coalesce(min(id) - 1::numeric, next_number) into next_number from shop."Orders";
        end if;
        if next_number between counted.seqmin and counted.seqmax then
            execute 'alter sequence ' || later::text || ' restart with ' || next_number;
        elsif next_number > counted.seqmax and counted.seqincrement > 0 then
            perform pg_catalog.setval(later, counted.seqmax);
        elsif next_number < counted.seqmin and counted.seqincrement < 0 then
            perform pg_catalog.setval(later, counted.seqmin);
        end if;
    end
    $do$;
"""

CREATE_POLICY = """
    drop policy if exists p on public.posts;
    create policy p on public.posts
    as permissive for select
    to anon
    using (
        a = ':b'
    );
    comment on policy p on public.posts is null;
"""
DROP_POLICY = "drop policy if exists p on public.posts;"
ADD_KEY = """
    alter table shop."Orders" add constraint pk_orders
    PRIMARY KEY (id) INCLUDE (total);
"""
DROP_KEY = """
    ALTER TABLE shop."Orders" DROP CONSTRAINT pk_orders;
"""
ADD_VALUES = """
    alter type shop."Mood" add value if not exists 'best' before 'good';
    alter type shop."Mood" add value if not exists 'so-so' after 'good';
    alter type shop."Mood" add value if not exists 'it''s' after 'bad';
"""
CHANGE = ChangeColumnOp(
    TABLE,
    "state",
    ColumnState('shop."Mood"', None, "'good'", 'state::shop."Mood"'),
    ColumnState("text", None, "'good'"),
    is_other_type=True,
)
CHANGE_COLUMN = """
    alter table shop."Orders"
        alter column state drop default,
        alter column state type text,
        alter column state set default 'good';
"""
CHANGE_COLUMN_BACK = """
    alter table shop."Orders"
        alter column state drop default,
        alter column state type shop."Mood" using state::shop."Mood",
        alter column state set default 'good';
"""
ADD_SERIAL = AddSerialOp(TABLE, "id", "shop.orders_id_seq", None, role="keeper", type_="integer")
ADD_SEQUENCE = """
    create sequence if not exists shop.orders_id_seq as integer;
    alter sequence shop.orders_id_seq owner to keeper;
    alter sequence shop.orders_id_seq owned by shop."Orders".id;
    alter table shop."Orders" alter column id set default nextval('shop.orders_id_seq'::regclass);
"""
DROP_SEQUENCE = """
    alter table shop."Orders" alter column id drop default;
    drop sequence if exists shop.orders_id_seq;
"""
DROPPED_TABLE = DropDefinedTableOp(
    DropTableOp("Orders", schema="shop"), ['create table shop."Orders" ()']
)
CREATE_INDEX = 'create index ix_orders on shop."Orders" using btree (state)'
PART = Part("index", "index ix_orders on shop.Orders", "drop index shop.ix_orders", (CREATE_INDEX,))
TWICE = Part(
    "generated column",
    'column twice on shop."Orders"',
    'alter table shop."Orders" drop column if exists twice',
    ('alter table shop."Orders" add column twice integer',),
)
COMMENT_ON_INDEX = "comment on index shop.ix_orders is 'Orders'"
CREATE_SCHEMA = 'create schema if not exists "My shop";'
DROP_SCHEMA = 'drop schema if exists "My shop";'

CASES = {
    "create an entity": OperationCase(
        pg.CreateEntityOp(POLICY),
        forward=CREATE_POLICY,
        backward=DROP_POLICY,
        difference=("create_policy", "public", "posts", "p"),
    ),
    "drop an entity": OperationCase(
        pg.DropEntityOp(POLICY),
        forward=DROP_POLICY,
        backward=CREATE_POLICY,
        difference=("drop_policy", "public", "posts", "p"),
    ),
    "replace an entity": OperationCase(
        pg.ReplaceEntityOp(
            pg.ReplicaIdentity(table="posts"), pg.ReplicaIdentity(table="posts", mode="default")
        ),
        forward="alter table public.posts replica identity full;",
        backward="alter table public.posts replica identity default;",
        difference=("replace_replica_identity", "public", "posts"),
    ),
    "create a schema": OperationCase(
        CreateSchemaOp("My shop"),
        forward=CREATE_SCHEMA,
        backward=DROP_SCHEMA,
        difference=("create_schema", "My shop"),
    ),
    "drop a schema": OperationCase(
        DropSchemaOp("My shop"),
        forward=DROP_SCHEMA,
        backward=CREATE_SCHEMA,
        difference=("drop_schema", "My shop"),
    ),
    "alter a type": OperationCase(
        AlterEntityOp(PERCENT, SHARE),
        forward="""
            alter domain shop."Percent" set default 1;
            alter domain shop."Percent" drop constraint if exists small;
            alter domain shop."Percent" drop constraint if exists in_range;
            alter domain shop."Percent" add constraint in_range
            check (value <= 100);
        """,
        backward="""
            alter domain shop."Percent" drop default;
            alter domain shop."Percent" drop constraint if exists in_range;
            alter domain shop."Percent" add constraint in_range
            check (value <= 1);
            alter domain shop."Percent" drop constraint if exists small;
            alter domain shop."Percent" add constraint small
            check (value > 0);
        """,
        difference=("alter_domain", "shop", "Percent", "default, checks"),
    ),
    "add values to an enum": OperationCase(
        AddValuesOp(LONGER, ENUM),
        forward=ADD_VALUES,
        backward="",
        difference=("alter_enum", "shop", "Mood", "values"),
    ),
    "comment on a constraint": OperationCase(
        CommentOp(TABLE, "constraint", "Odd key", None, "It's odd."),
        forward="""
            comment on constraint "Odd key" on shop."Orders" is 'It''s odd.';
        """,
        backward="""
            comment on constraint "Odd key" on shop."Orders" is null;
        """,
        difference=("comment_constraint", "shop", "Orders", "Odd key"),
    ),
    "comment on a table": OperationCase(
        TableCommentOp(CreateTableCommentOp("Orders", "It's new.", schema="shop")),
        forward="""
            comment on table shop."Orders" is 'It''s new.';
        """,
        backward="""
            comment on table shop."Orders" is null;
        """,
        difference=("add_table_comment", "shop", "Orders"),
    ),
    "comment on an index": OperationCase(
        CommentOp(TABLE, "index", "ix_orders", "Old.", "New."),
        forward="""
            comment on index shop.ix_orders is 'New.';
        """,
        backward="""
            comment on index shop.ix_orders is 'Old.';
        """,
        difference=("comment_index", "shop", "Orders", "ix_orders"),
    ),
    "add a check": OperationCase(
        AddCheckOp("ck_orders_total", "Orders", "total > 0", schema="shop"),
        forward="""
            ALTER TABLE shop."Orders" ADD CONSTRAINT ck_orders_total CHECK (total > 0);
        """,
        backward="""
            ALTER TABLE shop."Orders" DROP CONSTRAINT ck_orders_total;
        """,
        difference=("add_check", "shop", "Orders", "ck_orders_total"),
    ),
    "add a constraint as PostgreSQL defines it": OperationCase(
        PRIMARY_KEY,
        forward=ADD_KEY,
        backward=DROP_KEY,
        difference=("add_primary_key", "shop", "Orders", "pk_orders"),
    ),
    "drop a constraint that PostgreSQL defined": OperationCase(
        DropDefinedOp(PRIMARY_KEY),
        forward=DROP_KEY,
        backward=ADD_KEY,
        difference=("remove_primary_key", "shop", "Orders", "pk_orders"),
    ),
    "rename a constraint": OperationCase(
        RenameConstraintOp(TABLE, "orders_pkey", "pk_orders"),
        forward="""
            alter table shop."Orders" rename constraint orders_pkey to pk_orders;
        """,
        backward="""
            alter table shop."Orders" rename constraint pk_orders to orders_pkey;
        """,
        difference=("rename_constraint", "shop", "Orders", "orders_pkey", "pk_orders"),
    ),
    "drop the expression of a generated column": OperationCase(
        DropExpressionOp(TABLE, "twice", [DropPartOp(TWICE), CreatePartOp(TWICE)]),
        forward="""
            alter table shop."Orders" alter column twice drop expression if exists;
        """,
        backward="""
            alter table shop."Orders" drop column if exists twice;
            alter table shop."Orders" add column twice integer;
        """,
        difference=("drop_expression", "shop", "Orders", "twice"),
    ),
    "drop the expression of a column that dropped tables inherit": OperationCase(
        DropExpressionOp(
            TABLE,
            "twice",
            [GenerateOnceOp(TABLE, "twice", ['alter table shop."Orders" drop column twice'])],
        ),
        forward="""
            alter table shop."Orders" alter column twice drop expression if exists;
        """,
        backward="""
            do $function$
            begin
            if exists (
                select
                from pg_catalog.pg_attribute as a
                where a.attrelid = 'shop."Orders"'::regclass
                    and a.attname = 'twice'
                    and a.attgenerated = ''
            ) then
            alter table shop."Orders" drop column twice;
            end if;
            end
            $function$;
        """,
        difference=("drop_expression", "shop", "Orders", "twice"),
    ),
    "add an identity": OperationCase(
        AlterIdentityOp(TABLE, "id", [], ["generated always", "start with 10"]),
        forward="""
            do $function$
            begin
            if not exists (
                select
                from pg_catalog.pg_attribute as a
                where a.attrelid = 'shop."Orders"'::regclass
                    and a.attname = 'id'
                    and a.attidentity <> ''
            ) then
            alter table shop."Orders" alter column id
            add generated always as identity (start with 10);
            end if;
            end
            $function$;
        """,
        backward="""
            alter table shop."Orders" alter column id drop identity if exists;
        """,
        difference=("alter_identity", "shop", "Orders", "id"),
    ),
    "alter an identity": OperationCase(
        AlterIdentityOp(TABLE, "id", ["generated always"], ["generated by default", "cache 5"]),
        forward="""
            alter table shop."Orders" alter column id
            set generated by default set cache 5;
        """,
        backward="""
            alter table shop."Orders" alter column id
            set generated always;
        """,
        difference=("alter_identity", "shop", "Orders", "id"),
    ),
    "make an identity column serial": OperationCase(
        SERIAL,
        forward=MAKE_SERIAL,
        backward=MAKE_IDENTITY,
        difference=("alter_identity", "shop", "Orders", "id"),
    ),
    "make a serial column an identity column again": OperationCase(
        SERIAL.reverse(),
        forward=MAKE_IDENTITY,
        backward=MAKE_SERIAL,
        difference=("alter_identity", "shop", "Orders", "id"),
    ),
    "drop the sequence of a column that was serial": OperationCase(
        DROP_FORMER,
        forward=DROP_FORMER_SEQUENCE,
        backward=CREATE_FORMER_SEQUENCE,
        difference=("drop_sequence", "shop", "Numbers"),
    ),
    "create the sequence of a column that was serial": OperationCase(
        DROP_FORMER.reverse(),
        forward=CREATE_FORMER_SEQUENCE,
        backward=DROP_FORMER_SEQUENCE,
        difference=("create_sequence", "shop", "Numbers"),
    ),
    "change a column's type with its default": OperationCase(
        CHANGE,
        forward=CHANGE_COLUMN,
        backward=CHANGE_COLUMN_BACK,
        difference=("modify_type", "shop", "Orders", "state", 'shop."Mood"', "text"),
    ),
    "add a serial": OperationCase(
        ADD_SERIAL,
        forward=ADD_SEQUENCE,
        backward=DROP_SEQUENCE,
        difference=("add_serial", "shop", "Orders", "id"),
    ),
    "drop a serial": OperationCase(
        ADD_SERIAL.reverse(),
        forward=DROP_SEQUENCE,
        backward=ADD_SEQUENCE,
        difference=("remove_serial", "shop", "Orders", "id"),
    ),
    "alter a serial": OperationCase(
        AlterSerialOp(
            TABLE,
            "id",
            "shop.orders_id_seq",
            ["as bigint", "increment by 5"],
            ["as integer", "increment by 1"],
        ),
        forward="alter sequence shop.orders_id_seq\nas integer increment by 1;",
        backward="alter sequence shop.orders_id_seq\nas bigint increment by 5;",
        difference=("alter_serial", "shop", "Orders", "id"),
    ),
    "leave a difference to the next revision": OperationCase(
        LaterOp("add_check shop.Orders", "the value is used in the next revision"),
        forward="",
        backward="",
        difference=(
            "in_the_next_revision",
            "add_check shop.Orders: the value is used in the next revision",
        ),
    ),
    "drop a table": OperationCase(
        DROPPED_TABLE,
        forward='DROP TABLE shop."Orders";',
        backward='create table shop."Orders" ();',
        difference=("remove_table", "shop", "Orders"),
    ),
    "bring a table back": OperationCase(
        DROPPED_TABLE.reverse(),
        forward='create table shop."Orders" ();',
        backward='DROP TABLE shop."Orders";',
        difference=("add_table", "shop", "Orders"),
    ),
    "drop a column": OperationCase(
        DropDefinedColumnOp(
            DropColumnOp("Orders", "state", schema="shop"),
            ['alter table shop."Orders" add column state shop."Mood"'],
        ),
        forward='ALTER TABLE shop."Orders" DROP COLUMN state;',
        backward='alter table shop."Orders" add column state shop."Mood";',
        difference=("remove_column", "shop", "Orders", "state"),
    ),
    "drop an index": OperationCase(
        DropDefinedIndexOp(
            DropIndexOp("ix_orders", "Orders", schema="shop"),
            [CREATE_INDEX],
        ),
        forward="DROP INDEX shop.ix_orders;",
        backward=f"{CREATE_INDEX};",
        difference=("remove_index", "shop", "Orders", "ix_orders"),
    ),
    "drop a part": OperationCase(
        DropPartOp(PART),
        forward=f"{PART.drop};",
        backward=f"{PART.create[0]};",
        difference=("drop", PART.identity),
    ),
    "create a part again": OperationCase(
        CreatePartOp(PART),
        forward=f"{PART.create[0]};",
        backward=f"{PART.drop};",
        difference=("create", PART.identity),
    ),
    "set up a part that is added": OperationCase(
        SetUpPartOp(replace(PART, create=(CREATE_INDEX, COMMENT_ON_INDEX))),
        forward=f"{COMMENT_ON_INDEX};",
        backward=f"{COMMENT_ON_INDEX};",
        difference=("set_up", PART.identity),
    ),
}
