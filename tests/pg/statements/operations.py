"""The SQL of the operations that Alembic does not have."""

from __future__ import annotations

import sqlalchemy as sa

from tests.pg.statements.case import OperationCase
from townhall import pg
from townhall.migrate.operations.constraints import (
    AddCheckOp,
    AddDefinedOp,
    DropDefinedOp,
    RenameConstraintOp,
)
from townhall.migrate.operations.enums import (
    AddValuesOp,
    CreateEnumOp,
    DropEnumOp,
    EnumType,
    KeepValuesOp,
)
from townhall.migrate.operations.identities import AlterIdentityOp
from townhall.migrate.operations.schemas import CreateSchemaOp, DropSchemaOp

TABLE = sa.Table("Orders", sa.MetaData(), sa.Column("id", sa.Integer), schema="shop")
PRIMARY_KEY = AddDefinedOp(TABLE, "pk_orders", "PRIMARY KEY (id) INCLUDE (total)")
ENUM = EnumType("shop", "Mood", ("good", "bad"))
LONGER = EnumType("shop", "Mood", ("best", "good", "so-so", "bad", "it's"))
POLICY = pg.Policy(table="posts", name="p", command="select", roles=("anon",), using="a = ':b'")

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
CREATE_ENUM = """
    do $function$
    begin
        if to_regtype('shop."Mood"') is null then
            create type shop."Mood" as enum ('good', 'bad');
        end if;
    end
    $function$;
"""
DROP_ENUM = """
    drop type if exists shop."Mood";
"""
ADD_VALUES = """
    alter type shop."Mood" add value if not exists 'best' before 'good';
    alter type shop."Mood" add value if not exists 'so-so' after 'good';
    alter type shop."Mood" add value if not exists 'it''s' after 'bad';
"""
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
    "create an enum": OperationCase(
        CreateEnumOp(ENUM),
        forward=CREATE_ENUM,
        backward=DROP_ENUM,
        difference=("create_enum", "shop", "Mood"),
    ),
    "drop an enum": OperationCase(
        DropEnumOp(ENUM),
        forward=DROP_ENUM,
        backward=CREATE_ENUM,
        difference=("drop_enum", "shop", "Mood"),
    ),
    "add values to an enum": OperationCase(
        AddValuesOp(ENUM, LONGER),
        forward=ADD_VALUES,
        backward="",
        difference=("add_enum_values", "shop", "Mood", "'best', 'so-so', 'it''s'"),
    ),
    "keep the values of an enum": OperationCase(
        KeepValuesOp(AddValuesOp(ENUM, LONGER)),
        forward="",
        backward=ADD_VALUES,
        difference=("keep_enum_values", "shop", "Mood"),
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
    "add an identity": OperationCase(
        AlterIdentityOp(TABLE, "id", [], ["generated always", "start with 10"]),
        forward="""
            alter table shop."Orders" alter column id
            add generated always as identity (start with 10);
        """,
        backward="""
            alter table shop."Orders" alter column id
            drop identity;
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
}
