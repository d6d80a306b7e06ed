"""The privileges of managed roles are exact, and other roles keep theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic.autogenerate import render_python_code
from alembic.operations.ops import UpgradeOps
from sqlalchemy import Connection

from tests.pg.samples import SCHEMA, TABLE
from tests.pg.test_round_trip import actual, as_written
from townhall import pg
from townhall.migrate.savepoints import run_script
from townhall.migrate.write.python_source import render_entity
from townhall.migrate.write.rendering import render_item
from townhall.pg import Entity


def test_roles_that_are_not_managed_keep_their_privileges(connection: Connection) -> None:
    connection.execute(sa.text(f'grant select on {TABLE} to "other role"'))
    connection.execute(sa.text(f"grant all on {TABLE} to anon, authenticated, public"))
    access = pg.TableAccess(schema=SCHEMA, table="odd table", grants={"service_role": ("all",)})
    run_script(connection, access.create_statements())
    assert actual(connection, access) == replace(
        access, grants={"other role": ("select",), "service_role": ("all",)}
    )


MANAGED = ("other role",)
ENTITIES: dict[str, tuple[Entity, str]] = {
    "schema": (pg.SchemaAccess(schema=SCHEMA, api_roles=MANAGED), f'schema "{SCHEMA}"'),
    "table": (pg.TableAccess(schema=SCHEMA, table="odd table", api_roles=MANAGED), TABLE),
    "function": (
        pg.Function(schema=SCHEMA, name="f", returns="integer", body="select 1", api_roles=MANAGED),
        f'function "{SCHEMA}".f()',
    ),
    "view": (
        pg.View(schema=SCHEMA, name="v", definition="select 1 as one", api_roles=MANAGED),
        f'"{SCHEMA}".v',
    ),
    "materialized view": (
        pg.MaterializedView(
            schema=SCHEMA, name="m", definition="select 1 as one", api_roles=MANAGED
        ),
        f'"{SCHEMA}".m',
    ),
}


@pytest.mark.parametrize(("entity", "target"), ENTITIES.values(), ids=ENTITIES)
def test_privileges_of_api_roles_and_public_are_revoked(
    connection: Connection, entity: Entity, target: str
) -> None:
    run_script(connection, entity.create_statements())
    run_script(connection, [f'grant all on {target} to anon, public, "other role"'])
    run_script(connection, entity.replace_statements())
    found = actual(connection, entity)
    assert found is not None
    assert _roles(found) == {"anon"}


def _roles(entity: Entity) -> set[str]:
    if isinstance(entity, pg.Function):
        return {*entity.execute}
    assert isinstance(entity, pg.SchemaAccess | pg.TableAccess | pg.View | pg.MaterializedView)
    return {*entity.grants}


def test_api_roles_are_written_into_a_revision_unless_they_are_the_default() -> None:
    default = pg.TableAccess(table="posts")
    other = replace(default, api_roles=("web",))
    assert "api_roles" not in render_entity(default)
    assert 'api_roles=("web",),' in render_entity(other)
    written = as_written(other)
    assert isinstance(written, pg.TableAccess)
    assert written.api_roles == ("web",)


def test_api_roles_are_written_where_a_drop_revokes_from_them() -> None:
    access = pg.TableAccess(table="posts", api_roles=("web",))
    code = render_python_code(UpgradeOps([pg.DropEntityOp(access)]), render_item=render_item)
    assert 'pg.drop_entity(pg.TableAccess.named(table="posts", api_roles=("web",)))' in code


def test_api_roles_are_not_compared() -> None:
    access = pg.TableAccess(table="posts")
    assert replace(access, api_roles=()) == access


def test_dropped_table_access_leaves_the_table_closed(connection: Connection) -> None:
    access = pg.TableAccess(
        schema=SCHEMA, table="odd table", grants={"authenticated": ("select", "update (size)")}
    )
    run_script(connection, [*access.create_statements(), *access.drop_statements()])
    assert actual(connection, access) == replace(access, grants={})


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
def test_definer_function_with_unsafe_search_path_is_hijackable(settings: dict[str, str]) -> None:
    function = pg.Function(
        name="f", returns="integer", body="select 1", security="definer", settings=settings
    )
    assert function.is_hijackable
    assert not replace(function, security="invoker").is_hijackable


@pytest.mark.parametrize(
    "path",
    [
        pg.SAFE_SEARCH_PATH,
        "public, pg_temp",
        "public,pg_temp",
        "pg_catalog, pg_temp ",
        '"$user", "pg_temp"',
    ],
)
def test_definer_function_with_safe_search_path_is_not_hijackable(path: str) -> None:
    function = pg.Function(
        name="f",
        returns="integer",
        body="select 1",
        security="definer",
        settings={"search_path": path},
    )
    assert not function.is_hijackable
