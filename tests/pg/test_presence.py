"""Kinds of objects that a database lacks are not read."""

from __future__ import annotations

from sqlalchemy import Connection, text

from townhall.pg import ENTITY_CLASSES
from townhall.pg.catalog import absent_kinds
from townhall.pg.catalog.presence import SIGNS

OBJECTS = """
create schema signs;
create type signs.mood as enum ('good');
create domain signs.positive as integer check (value > 0);
create type signs.span as range (subtype = integer);
create type signs.pair as (a integer);
create sequence signs.numbers;
create materialized view signs.ones as select 1 as one;
create procedure signs.nothing() language sql as '';
create table signs.things (id integer) with (fillfactor = 90);
create publication signs_of_things for table signs.things;
alter default privileges in schema signs grant select on tables to public;
alter table signs.things replica identity full;
create schema if not exists auth;
create table auth.signs (id integer);
"""


def test_kinds_without_an_object_are_absent(connection: Connection) -> None:
    connection.execute(text("create schema signs"))
    assert {"enum", "domain", "range type", "composite type", "procedure"} <= absent_kinds(
        connection, ["signs"]
    )


def test_kinds_with_an_object_are_not_absent(connection: Connection) -> None:
    connection.execute(text(OBJECTS))
    assert absent_kinds(connection, ["signs"]) <= {"extension"}


def test_an_extension_that_not_every_database_has_is_a_sign(connection: Connection) -> None:
    connection.execute(text("create extension vector"))
    assert "extension" not in absent_kinds(connection, ["public"])


def test_objects_of_the_platform_are_no_sign_of_kinds_that_it_is_not_compared_for(
    connection: Connection,
) -> None:
    connection.execute(text("create schema if not exists auth"))
    connection.execute(text("create type auth.level as enum ('low')"))
    assert "enum" in absent_kinds(connection, ["public"])


def test_every_sign_is_that_of_a_kind_of_entity() -> None:
    assert {*SIGNS} <= {each.kind for each in ENTITY_CLASSES}
