"""A revision keeps every text of the database byte for byte."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from tests.autogenerate.round_trip import round_trip
from tests.pg.samples import SETUP
from townhall import pg
from townhall.testing.databases import Databases

LETTER = """
    begin
        return 'Dear guest,
    your seat is kept.';
    end;
"""


def sources(lab: Lab) -> list[str]:
    query = f"select prosrc from pg_proc where pronamespace = '{SCHEMA}'::regnamespace"
    return list(lab.connection.exec_driver_sql(query).scalars())


def create(lab: Lab, source: str) -> None:
    lab.connection.exec_driver_sql(
        f"create or replace function lab.letter() returns text language plpgsql as $x${source}$x$",
        execution_options={"no_parameters": True},
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    "source",
    [LETTER, LETTER.replace("\n", "\r\n"), "\tbegin return ':a %s \\ {x}'; end  "],
    ids=repr,
)
def test_dropped_function_is_recreated_byte_for_byte_by_the_downgrade(
    lab: Lab, source: str
) -> None:
    create(lab, source)
    revision = lab.migrate(Schema())
    assert sources(lab) == []
    lab.run(revision.downgrade)
    assert sources(lab) == [source]


@pytest.mark.thorough
def test_function_written_by_hand_replaces_another_layout_and_back(lab: Lab) -> None:
    create(lab, LETTER)
    declared = Schema(
        entities=[
            pg.Function(
                schema=SCHEMA, name="letter", returns="text", language="plpgsql", body=LETTER
            )
        ]
    )
    revision = lab.migrate(declared)
    (stored,) = sources(lab)
    assert stored == "\nbegin\n    return 'Dear guest,\n    your seat is kept.';\nend\n"
    lab.run(revision.downgrade)
    assert sources(lab) == [LETTER]


@pytest.mark.thorough
def test_difference_inside_of_a_text_constant_is_found(lab: Lab) -> None:
    declared = Schema(
        entities=[
            pg.Function(
                schema=SCHEMA, name="letter", returns="text", language="plpgsql", body=LETTER
            )
        ]
    )
    lab.migrate(declared)
    (stored,) = sources(lab)
    create(lab, stored.replace("\n    your", "\nyour"))
    assert len(lab.differences(declared)) == 1
    lab.migrate(declared)
    assert sources(lab) == [stored]


@pytest.mark.thorough
def test_check_with_a_multiline_string_is_recreated_by_the_downgrade(lab: Lab) -> None:
    metadata = sa.MetaData()
    sa.Table("things", metadata, sa.Column("name", sa.Text), schema=SCHEMA)
    lab.migrate(Schema(metadata))
    check = "check (name <> 'a\n    b  \n;')"
    lab.connection.execute(sa.text(f"alter table lab.things add constraint c {check}"))
    before = lab.constraints()
    revision = lab.migrate(Schema(metadata))
    assert lab.constraints() == []
    lab.run(revision.downgrade)
    assert lab.constraints() == before


def test_unique_constraint_on_a_key_word_is_no_difference(lab: Lab) -> None:
    metadata = sa.MetaData()
    columns = [sa.Column(name, sa.Text) for name in ("values", "time", "position", "row", "order")]
    unique = [sa.UniqueConstraint(column.name) for column in columns]
    sa.Table("words", metadata, *columns, *unique, schema=SCHEMA)
    lab.migrate(Schema(metadata))


@pytest.mark.thorough
@pytest.mark.parametrize("letter", ["n", "ש"])
def test_names_that_postgresql_cuts_are_no_difference(lab: Lab, letter: str) -> None:
    name = letter * 70
    metadata = sa.MetaData()
    sa.Table("things", metadata, sa.Column("id", sa.Integer, primary_key=True), schema=SCHEMA)
    function = pg.Function(schema=SCHEMA, name=name, language="plpgsql", body="begin end")
    schema = Schema(
        metadata,
        [
            function,
            pg.View(schema=SCHEMA, name=f"{name}v", definition="select 1 as one"),
            pg.Policy(
                schema=SCHEMA,
                table="things",
                name=name,
                command="select",
                roles=("public",),
                using="true",
            ),
            pg.Trigger(
                schema=SCHEMA,
                table="things",
                name=name,
                timing="before",
                events=("insert",),
                function=f'{SCHEMA}."{name}"',
            ),
        ],
    )
    lab.there_and_back(Schema(metadata), schema)


@pytest.mark.thorough
def test_index_of_a_materialized_view_whose_name_postgresql_cuts_is_no_difference(
    lab: Lab,
) -> None:
    name = "n" * 70
    counted = pg.MaterializedView(
        schema=SCHEMA, name=name, definition="select 1 as one", indexes={f"i{name}": "(one)"}
    )
    lab.there_and_back(Schema(), Schema(entities=[counted]))


CREATE_ROLES = SETUP[0]
FOREIGN = """
    create table public.guests (id integer primary key, name text default 'a
      b  ', check (name <> 'c
   ;'));
    create function public.letter("position" integer, "values" text default 'x
      y;') returns text language plpgsql as $f$
        begin
            return 'Dear guest,
    your seat is kept.'; -- don't
        end;
    $f$;
    create function public.one() returns integer language sql as 'select 1;  ';
    create function public.two(out a integer, inout b text, variadic c integer[])
    language plpgsql as E'\\r\\nbegin\\r\\n\\tb := \\'\\t\\';\\r\\nend;\\r\\n';
    create function public.three() returns integer language sql return(3);
    create function public.stamp() returns trigger language plpgsql as 'begin return new; end';
    create policy "read  it" on public.guests for select using (name <> 'd

      e  ');
    create trigger stamps before update on public.guests for each row
    when (new.name <> 'f
 g') execute function public.stamp('h
   i  ', ' ');
    create view public.names as select 'j
      k;' as text, id from public.guests;
    create materialized view public.copies with (fillfactor = 70) as select 'l
 m' as text, id from public.guests;
    create unique index on public.copies (id) where text <> 'n
  o';
    comment on view public.names is 'p
      q  ';
"""


@pytest.mark.thorough
def test_foreign_schema_with_texts_over_lines_comes_back(server: Databases) -> None:
    round_trip(server, f"{CREATE_ROLES};{FOREIGN}")
