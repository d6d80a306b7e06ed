"""The chain over a database that has part of the schema."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import Engine, NullPool, create_engine, text

from tests.support.dump import dump
from tests.support.privileges import declared_privileges, effective_privileges
from tests.support.rows import contents, fill
from townhall import metadata
from townhall.migrate import alembic_config, upgrade
from townhall.testing.databases import with_role

TABLES = [table for table in metadata.sorted_tables if table.schema is None]

AUTH = (
    "create schema auth",
    "create table auth.users (id uuid primary key, email text)",
    "create function auth.uid() returns uuid language sql stable as 'select null::uuid'",
)


@pytest.fixture
def engine(empty_database: str) -> Engine:
    return create_engine(empty_database, poolclass=NullPool)


@pytest.mark.exhaustive
@pytest.mark.parametrize("count", [len(TABLES), len(TABLES) // 2])
def test_tables_created_without_alembic_are_upgraded_to_the_declared_schema(
    count: int, engine: Engine, empty_database: str
) -> None:
    with engine.begin() as connection:
        for statement in AUTH:
            connection.execute(text(statement))
        metadata.create_all(connection, tables=TABLES[:count])
        fill(connection)
        before = contents(connection)
        for corrected in ("social_feed_posts", "community_members"):  # as tested below
            before.pop(corrected, None)
    upgrade(empty_database)
    command.check(alembic_config(empty_database))
    with engine.begin() as connection:
        after = contents(connection)
        assert all(set(after[table]) >= set(rows) for table, rows in before.items())
        assert effective_privileges(connection) == declared_privileges()


@pytest.mark.exhaustive
def test_counters_of_posts_older_than_the_triggers_are_corrected(townhall_database: str) -> None:
    engine = create_engine(townhall_database, poolclass=NullPool)
    with engine.begin() as connection:
        fill(connection)
        for counted in ("reaction", "comment"):
            connection.execute(text(f"drop function private.keep_{counted}_count() cascade"))
        connection.execute(text("update social_feed_posts set comment_count = 7"))
        connection.execute(text("delete from social_feed_reactions"))
        stamps = connection.scalars(text("select updated_at from social_feed_posts")).all()
    command.stamp(alembic_config(townhall_database), "townhall_0008")
    upgrade(townhall_database)
    with engine.begin() as connection:
        posts = connection.execute(
            text("select reaction_count, comment_count, updated_at from social_feed_posts")
        )
        assert posts.all() == [(0, 1, stamp) for stamp in stamps]


@pytest.mark.exhaustive
def test_creators_of_communities_older_than_the_owners_become_owners(
    engine: Engine, empty_database: str
) -> None:
    creator, other = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
    with engine.begin() as connection:
        for statement in AUTH:
            connection.execute(text(statement))
        metadata.create_all(connection, tables=TABLES)
        for statement in (
            f"insert into auth.users (id) values ('{creator}'), ('{other}')",
            f"""
            insert into communities (name, slug, created_by)
            values ('A', 'alone', '{creator}'), ('B', 'member', '{creator}'),
                ('C', 'owned', '{creator}'), ('D', 'service', null)
            """,
            f"""
            insert into community_members (community_id, user_id, role)
            select id, uuid '{creator}', 'member' from communities where slug = 'member'
            union all
            select id, uuid '{other}', 'owner' from communities where slug = 'owned'
            union all
            select id, uuid '{other}', 'member' from communities where slug in ('alone', 'service')
            """,
        ):
            connection.execute(text(statement))
    upgrade(empty_database)
    with engine.begin() as connection:
        owners = connection.execute(
            text(
                """
                select c.slug, m.user_id::text
                from communities as c join community_members as m on m.community_id = c.id
                where m.role = 'owner'
                order by c.slug
                """
            )
        )
        assert owners.all() == [("alone", creator), ("member", creator), ("owned", other)]


@pytest.mark.exhaustive
def test_missing_functions_triggers_and_policies_are_created_again(
    townhall_database: str, townhall_owner: str | None, townhall_template: str
) -> None:
    database = with_role(townhall_database, townhall_owner)
    with create_engine(database, poolclass=NullPool).begin() as connection:
        fill(connection)
        before = contents(connection)
        for statement in connection.scalars(text(_REMOVE_OBJECTS)).all():
            connection.execute(text(statement))
    assert dump(database).count("\n") < dump(townhall_template).count("\n") / 2
    command.stamp(alembic_config(database), "base")
    upgrade(database)
    assert dump(database) == dump(townhall_template)
    with create_engine(database, poolclass=NullPool).begin() as connection:
        assert contents(connection) == before


@pytest.mark.exhaustive
def test_function_in_public_with_the_name_of_a_common_trigger_function_is_left_alone(
    engine: Engine, empty_database: str
) -> None:
    body = text("select prosrc from pg_proc where oid = 'public.update_updated_at_column'::regproc")
    with engine.begin() as connection:
        connection.execute(
            text(
                "create function public.update_updated_at_column() returns trigger"
                " language plpgsql as 'begin return old; end'"
            )
        )
        before = connection.scalar(body)
    upgrade(empty_database)
    with engine.begin() as connection:
        assert connection.scalar(body) == before
    command.downgrade(alembic_config(empty_database), "base")
    with engine.begin() as connection:
        assert connection.scalar(body) == before


_REMOVE_OBJECTS = """
with
ours as (
    select oid, relkind, oid::regclass as name
    from pg_class
    where relnamespace = 'public'::regnamespace and relname <> 'alembic_version'
)

select format('drop view %s', name) from ours where relkind = 'v'
union all
select format('drop materialized view %s', name) from ours where relkind = 'm'
union all
select format('drop policy %I on %s', polname, polrelid::regclass) from pg_policy
union all
select format('drop trigger %I on %s', tgname, tgrelid::regclass)
from pg_trigger
where not tgisinternal
union all
select format('drop function %s cascade', oid::regprocedure)
from pg_proc
where pronamespace in ('public'::regnamespace, 'private'::regnamespace)
union all
select format('drop index %s', indexrelid::regclass)
from pg_index
where indrelid in (select oid from ours where relkind = 'r')
    and indexrelid not in (select conindid from pg_constraint)
union all
select format('alter table %s disable row level security', name) from ours where relkind = 'r'
union all
select format('grant all on %s to anon, authenticated', name) from ours where relkind = 'r'
union all
select format('comment on table %s is null', name) from ours where relkind = 'r'
"""
