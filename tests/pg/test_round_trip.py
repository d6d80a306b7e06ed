"""Every entity creates, replaces and drops itself, and is read back as it was created."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection

from tests.pg.samples import ENTITIES, SCHEMA, TABLE
from townhall import pg
from townhall.migrate.savepoints import run_script
from townhall.migrate.write.python_source import render_entity
from townhall.pg import Entity
from townhall.pg.state import read_state


def actual(connection: Connection, declared: Entity) -> Entity | None:
    """Return the entity as the catalog has it."""
    (key,) = type(declared).keys_in_database(connection, [declared]).values() or [None]
    return read_state(connection, [SCHEMA]).get(key or ())


def as_written(entity: Entity) -> Entity:
    """Return the entity that a revision would contain."""
    written = eval(render_entity(entity), {"pg": pg})  # noqa: S307 - as Alembic runs a revision
    assert isinstance(written, Entity)
    return written


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_created_entity_is_read_back_in_one_state(connection: Connection, entity: Entity) -> None:
    run_script(connection, entity.create_statements())
    created = actual(connection, entity)
    assert created is not None
    for statements in (entity.create_statements, entity.replace_statements):
        run_script(connection, statements())
        assert actual(connection, entity) == created


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_entity_read_from_the_catalog_creates_the_same_state(
    connection: Connection, entity: Entity
) -> None:
    run_script(connection, entity.create_statements())
    created = actual(connection, entity)
    assert created is not None
    assert as_written(created) == _declarable(created)
    if entity.is_own_object:
        run_script(connection, created.drop_statements())
    run_script(connection, as_written(created).create_statements())
    assert actual(connection, entity) == created


@pytest.mark.parametrize(
    "entity",
    [entity for entity in ENTITIES.values() if entity.is_own_object],
    ids=[name for name, entity in ENTITIES.items() if entity.is_own_object],
)
def test_dropped_entity_is_gone(connection: Connection, entity: Entity) -> None:
    run_script(connection, entity.create_statements())
    run_script(connection, entity.drop_statements())
    assert actual(connection, entity) is None
    run_script(connection, entity.drop_statements())


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_entity_runs_in_a_revision_and_in_a_script(connection: Connection, entity: Entity) -> None:
    script: list[str] = []

    class Output:
        def write(self, text: str) -> None:
            script.append(text)

        def flush(self) -> None: ...

    with Operations.context(MigrationContext.configure(connection)):
        pg.create_entity(entity)
        online = actual(connection, entity)
        assert online is not None
        pg.replace_entity(entity)
        assert actual(connection, entity) == online
        pg.drop_entity(type(entity).named(**_name(entity)))
        if entity.is_own_object:
            assert actual(connection, entity) is None

    offline = MigrationContext.configure(
        dialect_name="postgresql",
        opts={"as_sql": True, "output_buffer": Output(), "literal_binds": True},
        dialect_opts={"paramstyle": "named"},
    )
    with Operations.context(offline):
        op.create_entity(entity)  # type: ignore[attr-defined] # alembic-utils registers it
    connection.exec_driver_sql("".join(script), execution_options={"no_parameters": True})
    assert actual(connection, entity) == online


@pytest.mark.parametrize(
    "options",
    [
        "cost 0.4 rows 1000.4",
        "cost 100.3 rows 0.5",
        "cost 1000000000",
        "set search_path = '$user', public",
        """set search_path = '"$user"', public""",
        "set search_path = ''",
        "set search_path = 'a, b', ' c ', '', pg_temp",
        "set search_path = 'Odd schema', 'odd\"one', pg_temp",
        "set datestyle = 'iso, dmy'",
    ],
)
def test_recreated_function_has_the_same_definition(connection: Connection, options: str) -> None:
    function = pg.Function(schema=SCHEMA, name="f", returns="setof integer", body="select 1")
    definition = "select pg_get_functiondef(oid) from pg_proc where proname = 'f'"
    run_script(connection, function.create_statements())
    run_script(connection, [f"alter function {function.literal_signature} {options}"])
    before = connection.exec_driver_sql(definition).scalar()
    read = actual(connection, function)
    assert read is not None
    run_script(connection, [*read.drop_statements(), *read.create_statements()])
    assert connection.exec_driver_sql(definition).scalar() == before


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("public,pg_temp", "public, pg_temp"),
        ('"$user", public, pg_temp', '"$user", public, pg_temp'),
        ("$user,public", '"$user", public'),
        ("pg_catalog, pg_temp ", "pg_catalog, pg_temp"),
        ('"a, b" , "c""d"', '"a, b", "c""d"'),
        ("Odd schema, \tpublic", '"Odd schema", public'),
        ("", '""'),
        ('""', '""'),
    ],
)
def test_search_path_is_read_as_postgresql_reads_lists(
    connection: Connection, path: str, stored: str
) -> None:
    function = pg.Function(
        schema=SCHEMA,
        name="f",
        returns="integer",
        body="select 1",
        settings={"search_path": path},
    )
    run_script(connection, function.create_statements())
    settings = "select proconfig from pg_proc where proname = 'f'"
    assert connection.exec_driver_sql(settings).scalar() == [f"search_path={stored}"]
    read = actual(connection, function)
    assert read is not None
    run_script(connection, [*read.drop_statements(), *read.create_statements()])
    assert connection.exec_driver_sql(settings).scalar() == [f"search_path={stored}"]


@pytest.mark.parametrize("on", ["t", "TRUE", "on", "1", "yes"])
def test_option_of_a_view_is_read_in_every_spelling(connection: Connection, on: str) -> None:
    view = pg.View(
        schema=SCHEMA,
        name="spelled",
        definition=f"select id from {TABLE}",
        security_barrier=True,
        check_option="local",
    )
    run_script(connection, view.create_statements())
    created = actual(connection, view)
    options = (
        f"security_invoker = '{on}'",
        f"security_barrier = '{on}'",
        "check_option = 'LOCAL'",
    )
    run_script(connection, [f'alter view "{SCHEMA}".spelled set ({each})' for each in options])
    assert actual(connection, view) == created


def test_replica_identity_by_a_dropped_index_is_read_as_nothing(connection: Connection) -> None:
    identity = pg.ReplicaIdentity(schema=SCHEMA, table="odd table", mode="index", index="odd_key")
    run_script(
        connection,
        [
            f"alter table {TABLE} alter size set not null",
            f"create unique index odd_key on {TABLE} (size)",
            *identity.create_statements(),
            f'drop index "{SCHEMA}".odd_key',
        ],
    )
    assert actual(connection, identity) == replace(identity, mode="nothing", index=None)


def _declarable(entity: Entity) -> Entity:
    """Return the entity without what only the catalog knows."""
    if isinstance(entity, pg.View | pg.MaterializedView):
        return replace(entity, columns=())
    return entity


def _name(entity: Entity) -> dict[str, Any]:
    return {field: getattr(entity, field) for field in entity.name_fields}
