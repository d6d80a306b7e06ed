"""Every entity creates, replaces and drops itself, and reads itself back as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.autogenerate import render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.ops import UpgradeOps
from sqlalchemy import Connection, create_engine

from townhall import pg
from townhall.migrate.compare.simulation import read_state
from townhall.migrate.savepoints import run_script
from townhall.migrate.write.python_source import render_entity
from townhall.pg import Entity
from townhall.testing.databases import Databases

SCHEMA = "100% odd schema"


@pytest.fixture
def connection(server: Databases) -> Iterator[Connection]:
    with server.create() as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            for statement in _PLACE:
                connection.execute(sa.text(statement))
            yield connection
            connection.rollback()
        engine.dispose()


_PLACE = (
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
    f"""
    create function "{SCHEMA}".stamp() returns trigger language plpgsql
    as 'begin return new; end'
    """,
)

TABLE = f'"{SCHEMA}"."odd table"'

ENTITIES: dict[str, Entity] = {
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
        event='before insert or update of "odd column", size',
        action=f"""
            for each row
            when (new.size is not null)
            execute function "{SCHEMA}".stamp('one', 'two')
        """,
        comment="Stamps.",
    ),
    "a trigger on statements": pg.Trigger(
        schema=SCHEMA,
        table="odd table",
        name="statements",
        event="after update",
        action=f"""
            referencing old table as before new table as after
            for each statement
            execute function "{SCHEMA}".stamp()
        """,
        firing="always",
    ),
    "a constraint trigger": pg.Trigger(
        schema=SCHEMA,
        table="odd table",
        name="constraint",
        event="after insert",
        action=f'deferrable initially deferred for each row execute function "{SCHEMA}".stamp()',
        constraint=True,
    ),
    "a disabled trigger": pg.Trigger(
        schema=SCHEMA,
        table="odd table",
        name="off",
        event="after delete",
        action=f'for each row execute function "{SCHEMA}".stamp()',
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
    ),
    "the closed access of a schema": pg.SchemaAccess(schema=SCHEMA),
    "a full replica identity": pg.ReplicaIdentity(schema=SCHEMA, table="odd table"),
    "a replica identity by index": pg.ReplicaIdentity(
        schema=SCHEMA, table="odd table", mode="odd table_pkey"
    ),
}


def found(connection: Connection, entity: Entity) -> Entity | None:
    (key,) = type(entity).keys_in_database(connection, [entity]).values() or [None]
    return read_state(connection, [SCHEMA]).get(key or ())


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_an_entity_reads_itself_back(connection: Connection, entity: Entity) -> None:
    run_script(connection, entity.create_statements())
    first = found(connection, entity)
    assert first is not None

    run_script(connection, entity.create_statements())  # again, over its own result
    assert _state(found(connection, entity)) == first.state
    run_script(connection, entity.replace_statements())
    assert _state(found(connection, entity)) == first.state

    if entity.is_own_object:
        run_script(connection, entity.drop_statements())
        assert found(connection, entity) is None
        run_script(connection, entity.drop_statements())

    # As PostgreSQL renders it, and as a revision writes that down, it is the same again.
    written = eval(render_entity(first), {"pg": pg})  # noqa: S307 - what revisions are
    assert written == replace(first, **_without_columns(first))  # type: ignore[arg-type] # views have them
    run_script(connection, written.create_statements())
    assert _state(found(connection, entity)) == first.state


def _state(entity: Entity | None) -> object:
    return entity and entity.state


def _without_columns(entity: Entity) -> dict[str, object]:
    return {"columns": ()} if hasattr(entity, "columns") else {}


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_an_entity_runs_in_a_revision_and_in_a_script(
    connection: Connection, entity: Entity
) -> None:
    script: list[str] = []

    class Output:
        def write(self, text: str) -> None:
            script.append(text)

        def flush(self) -> None: ...

    with Operations.context(MigrationContext.configure(connection)):
        pg.create_entity(entity)
        online = _state(found(connection, entity))
        pg.replace_entity(entity)
        assert _state(found(connection, entity)) == online
        pg.drop_entity(type(entity).named(**_name(entity)))
        if entity.is_own_object:
            assert found(connection, entity) is None

    offline = MigrationContext.configure(
        dialect_name="postgresql",
        opts={"as_sql": True, "output_buffer": Output(), "literal_binds": True},
        dialect_opts={"paramstyle": "named"},
    )
    with Operations.context(offline):
        op.create_entity(entity)  # type: ignore[attr-defined] # alembic-utils' own spelling
    connection.exec_driver_sql("".join(script), execution_options={"no_parameters": True})
    assert _state(found(connection, entity)) == online


def _name(entity: Entity) -> dict[str, object]:
    return {field: getattr(entity, field) for field in entity.name_fields}


@pytest.mark.parametrize(
    "traits",
    [
        "cost 0.4 rows 1000.4",
        "cost 100.3 rows 0.5",
        "cost 1000000000",
        "set search_path = '$user', public",
        """set search_path = '"$user"', public""",
        "set search_path = ''",
        "set search_path = 'Odd schema', 'odd\"one', pg_temp",
        "set datestyle = 'iso, dmy'",
    ],
)
def test_a_function_comes_back_as_it_was(connection: Connection, traits: str) -> None:
    function = pg.Function(schema=SCHEMA, name="traits", returns="setof integer", body="select 1")
    definition = "select pg_get_functiondef(oid) from pg_proc where proname = 'traits'"
    run_script(connection, function.create_statements())
    run_script(connection, [f"alter function {function.literal_signature} {traits}"])
    before = connection.exec_driver_sql(definition).scalar()
    read = found(connection, function)
    assert read is not None
    run_script(connection, [*read.drop_statements(), *read.create_statements()])
    assert connection.exec_driver_sql(definition).scalar() == before


@pytest.mark.parametrize("on", ["t", "TRUE", "on", "1", "yes"])
def test_an_option_of_a_view_is_read_however_it_is_spelled(connection: Connection, on: str) -> None:
    view = pg.View(
        schema=SCHEMA,
        name="spelled",
        definition=f"select id from {TABLE}",
        security_barrier=True,
        check_option="local",
    )
    run_script(connection, view.create_statements())
    before = _state(found(connection, view))
    run_script(
        connection,
        [
            f'alter view "{SCHEMA}".spelled set ({option})'
            for option in (
                f"security_invoker = '{on}'",
                f"security_barrier = '{on}'",
                "check_option = 'LOCAL'",
            )
        ],
    )
    assert _state(found(connection, view)) == before


def test_privileges_of_others_are_left_alone(connection: Connection) -> None:
    connection.execute(sa.text(f'grant select on {TABLE} to "other role"'))
    connection.execute(sa.text(f"grant all on {TABLE} to anon, authenticated, public"))
    access = pg.TableAccess(schema=SCHEMA, table="odd table", grants={"service_role": ("all",)})
    run_script(connection, access.create_statements())
    assert getattr(found(connection, access), "grants", None) == {
        "other role": ("select",),
        "service_role": ("all",),
    }


WITHOUT_API_ROLES: dict[str, Entity] = {
    "schema access": pg.SchemaAccess(schema=SCHEMA, api_roles=("other role",)),
    "function": pg.Function(
        schema=SCHEMA, name="f", returns="integer", body="select 1", api_roles=("other role",)
    ),
    "table access": pg.TableAccess(schema=SCHEMA, table="odd table", api_roles=("other role",)),
    "view": pg.View(
        schema=SCHEMA, name="v", definition=f"select id from {TABLE}", api_roles=("other role",)
    ),
    "materialized view": pg.MaterializedView(
        schema=SCHEMA, name="m", definition=f"select id from {TABLE}", api_roles=("other role",)
    ),
}


@pytest.mark.parametrize("entity", WITHOUT_API_ROLES.values(), ids=WITHOUT_API_ROLES)
def test_api_roles_decide_whose_privileges_are_revoked(
    connection: Connection, entity: Entity
) -> None:
    run_script(connection, entity.create_statements())
    kind = {"function": "function", "schema access": "schema"}.get(entity.kind, "table")
    target = getattr(entity, "literal_signature", None) or ".".join(
        pg.sql.quote(part) for part in entity.name_parts
    )
    run_script(connection, [f'grant all on {kind} {target} to anon, public, "other role"'])
    run_script(connection, entity.replace_statements())
    actual = found(connection, entity)
    assert actual is not None
    roles = getattr(actual, "execute", None) or tuple(actual.grants)  # type: ignore[attr-defined] # all but functions
    assert roles == ("anon",)


def test_api_roles_are_written_into_a_revision_unless_they_are_the_default() -> None:
    default = pg.TableAccess(table="posts")
    other = replace(default, api_roles=("web",))
    assert "api_roles" not in render_entity(default)
    assert 'api_roles=("web",),' in render_entity(other)
    assert 'api_roles=("web",)' in render_python_code(UpgradeOps([pg.DropEntityOp(other)]))
    assert eval(render_entity(other), {"pg": pg}).api_roles == ("web",)  # noqa: S307 - as above
    assert pg.TableAccess.named(table="posts", api_roles=("web",)).drop_statements()


def test_api_roles_are_no_part_of_the_state() -> None:
    access = pg.TableAccess(table="posts")
    assert replace(access, api_roles=()) == access
    assert replace(access, api_roles=()).state == access.state


def test_a_dropped_access_leaves_the_table_closed(connection: Connection) -> None:
    access = pg.TableAccess(
        schema=SCHEMA, table="odd table", grants={"authenticated": ("select", "update (size)")}
    )
    run_script(connection, [*access.create_statements(), *access.drop_statements()])
    left = found(connection, access)
    assert isinstance(left, pg.TableAccess)
    assert left.row_security
    assert left.grants == {}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"search_path": ""},
        {"search_path": "public"},
        {"search_path": "pg_temp, public"},
    ],
    ids=str,
)
def test_a_function_of_its_owner_is_hijackable_under_other_search_paths(
    settings: dict[str, str],
) -> None:
    function = pg.Function(name="f", body="select 1", security="definer", settings=settings)
    assert function.is_hijackable
    assert not replace(function, security="invoker").is_hijackable


@pytest.mark.parametrize("path", [pg.SAFE_SEARCH_PATH, "public, pg_temp"])
def test_it_is_not_where_temporary_objects_come_last(path: str) -> None:
    function = pg.Function(
        name="f", body="select 1", security="definer", settings={"search_path": path}
    )
    assert not function.is_hijackable


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"command": "select", "roles": (), "using": "true"}, "names no role"),
        ({"command": "insert", "using": "true"}, "use check instead of using"),
        ({"command": "insert"}, "says nothing of the new row"),
        ({"command": "select", "using": "true", "name": "p" * 64}, "more than 63 bytes"),
        ({"command": "select", "using": "true", "check": "true"}, "use using instead of check"),
        ({"command": "delete", "using": "true", "check": "true"}, "use using instead of check"),
        ({"command": "update", "check": "true"}, "says nothing of the row"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(values: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=f"policy 'p+' on public.events .*{why}"):
        pg.Policy(**{"table": "events", "name": "p", "roles": ("anon",), **values})  # type: ignore[arg-type] # on purpose


def test_a_name_is_the_whole_name_and_nothing_else() -> None:
    with pytest.raises(TypeError, match="schema, table, name"):
        pg.Policy.named(name="p")
    with pytest.raises(TypeError, match="schema, name"):
        pg.View.named(name="v", definition="select 1")
