"""Roles, the schemas ``private`` and ``auth``, and the trigger function of ``updated_at``.

On Supabase the roles and the schema ``auth`` exist already; elsewhere they are created. The comment
of a schema that this revision created marks it, and a downgrade drops only schemas marked so.

A downgrade destroys every account, except on Supabase; it is refused while other objects depend on
the schemas. The roles remain: they belong to the whole cluster, and other databases may use them.

Revision: townhall_0001
Revises:
Created: 2026-11-21
"""

from __future__ import annotations

from alembic import op

from townhall import pg
from townhall.migrate.safety import protect_version_table

revision = "townhall_0001"
down_revision = None
branch_labels = ("townhall",)
depends_on = None

# Roles belong to the whole cluster, so two databases may create them concurrently. The slower
# statement gets duplicate_object, unique_violation, or internal_error ("tuple concurrently
# updated"), and is retried.
CREATE_ROLES = """
do $$
declare
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated', 'service_role'] loop
        for attempt in 1..10 loop
            begin
                if to_regrole(api_role) is null then
                    begin
                        execute format(
                            'create role %I nologin noinherit %s',
                            api_role,
                            case api_role when 'service_role' then 'bypassrls' end
                        );
                    exception
                        when insufficient_privilege then
                            execute format('create role %I nologin noinherit', api_role);
                    end;
                end if;
                if not exists (
                    select
                    from pg_catalog.pg_auth_members as m
                    where m.roleid = to_regrole(api_role)
                        and m.member = to_regrole(quote_ident(current_user))
                        and coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
                ) then
                    execute format('grant %I to %I', api_role, current_user);
                end if;
                exit;
            exception
                when duplicate_object or unique_violation or internal_error then
                    if attempt = 10 then
                        raise;
                    end if;
                    perform pg_sleep(0.05);
            end;
        end loop;
    end loop;
end
$$
"""

# What is granted on a schema of others is remembered where a run has a memory, and taken back.
CREATE_SCHEMAS = """
do $$
declare
    api_role text;
    granted text;
begin
    if to_regnamespace('private') is null then
        create schema private;
        comment on schema private is 'townhall: helper functions, not exposed to API clients.';
        revoke all on schema private from public;
    end if;
    foreach api_role in array array['anon', 'authenticated', 'service_role'] loop
        foreach granted in array array['public', 'private'] loop
            if not has_schema_privilege(api_role, granted, 'usage') then
                execute format('grant usage on schema %I to %I', granted, api_role);
                if to_regprocedure('pg_temp.townhall_granted(text, text)') is not null then
                    perform pg_temp.townhall_granted(granted, api_role);
                end if;
            end if;
        end loop;
    end loop;
    if to_regnamespace('auth') is null then
        create schema auth;
        comment on schema auth is
            'townhall: accounts and the caller''s claims, as Supabase has them.';
    elsif
        coalesce(obj_description(to_regnamespace('auth'), 'pg_namespace'), '') not like 'townhall:%'
        and (to_regclass('auth.users') is null or to_regprocedure('auth.uid()') is null)
    then
        raise exception 'schema auth exists without auth.users or auth.uid()'
            using hint =
                'Create auth.users (id uuid primary key) and auth.uid(), or rename the schema.';
    end if;
end
$$
"""

# Only a schema auth that this revision created is changed, never Supabase's.
AUTH_IS_OURS = """
obj_description(to_regnamespace('auth'), 'pg_namespace') like 'townhall:%'
"""

CREATE_AUTH = (
    """
    create table if not exists auth.users (
        id uuid constraint pk_users primary key default gen_random_uuid(),
        email text constraint uq_users_email unique,
        raw_app_meta_data jsonb,
        raw_user_meta_data jsonb,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        last_sign_in_at timestamptz
    )
    """,
    "comment on table auth.users is 'Accounts; the shape of Supabase''s table of that name.'",
    "alter table auth.users enable row level security",
    """
    create or replace trigger update_users_updated_at
    before update on auth.users
    for each row execute function private.update_updated_at_column()
    """,
    """
    create or replace function auth.jwt()
    returns jsonb
    language sql
    stable parallel safe
    return nullif(current_setting('request.jwt.claims', true), '')::jsonb
    """,
    "comment on function auth.jwt() is 'The caller''s claims; null where there are none.'",
    """
    create or replace function auth.uid()
    returns uuid
    language sql
    stable parallel safe
    return coalesce(
        nullif(auth.jwt() ->> 'sub', ''),
        nullif(current_setting('request.jwt.claim.sub', true), '')
    )::uuid
    """,
    "comment on function auth.uid() is 'The calling user; null where there is none.'",
    """
    create or replace function auth.role()
    returns text
    language sql
    stable parallel safe
    return coalesce(
        nullif(auth.jwt() ->> 'role', ''),
        nullif(current_setting('request.jwt.claim.role', true), '')
    )
    """,
    "comment on function auth.role() is 'The role in the caller''s claims.'",
    """
    create or replace function auth.email()
    returns text
    language sql
    stable parallel safe
    return coalesce(
        nullif(auth.jwt() ->> 'email', ''),
        nullif(current_setting('request.jwt.claim.email', true), '')
    )
    """,
    "comment on function auth.email() is 'The e-mail address in the caller''s claims.'",
    "grant usage on schema auth to anon, authenticated, service_role",
)

DROP_AUTH = """
do $$
begin
    if obj_description(to_regnamespace('auth'), 'pg_namespace') like 'townhall:%' then
        drop table if exists auth.users;
        drop function if exists auth.uid(), auth.role(), auth.email(), auth.jwt();
        drop schema auth;
    end if;
end
$$
"""

DROP_PRIVATE = """
do $$
begin
    -- Where it holds the memory of what was there before, that goes last, and the schema with it.
    if obj_description(to_regnamespace('private'), 'pg_namespace') like 'townhall:%'
        and to_regclass('private.townhall_origins') is null
    then
        drop schema private;
    end if;
end
$$
"""


def if_auth_is_ours(statements: tuple[str, ...]) -> str:
    """Return the statement that runs others where the schema ``auth`` was created by us."""
    body = "\n".join(f"execute $sql${statement}$sql$;" for statement in statements)
    return f"do $$\nbegin\nif {AUTH_IS_OURS} then\n{body}\nend if;\nend\n$$"


def upgrade() -> None:
    pg.execute(CREATE_ROLES)
    protect_version_table(op.get_context())
    pg.execute(CREATE_SCHEMAS)
    pg.create_entity(
        pg.Function(
            schema="private",
            name="update_updated_at_column",
            language="plpgsql",
            body="""
                begin
                    new.updated_at := now();
                    return new;
                end
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment="Sets updated_at to now(); shared by all tables with timestamps.",
        )
    )
    pg.execute(if_auth_is_ours(CREATE_AUTH))


def downgrade() -> None:
    pg.execute(DROP_AUTH)
    pg.drop_entity(pg.Function.named(schema="private", name="update_updated_at_column"))
    pg.execute(DROP_PRIVATE)
