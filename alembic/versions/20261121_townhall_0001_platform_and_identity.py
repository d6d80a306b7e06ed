"""Platform and identity: roles, a place for accounts, people and organizations.

On Supabase the roles and the schema ``auth`` are there; elsewhere they are created, and what is
created in ``auth`` is marked by the schema's comment, so that only that is ever dropped.

A downgrade destroys every profile, organization and membership, and outside Supabase every account;
it is refused while something else refers to accounts or claims. The roles stay: they belong to the
whole cluster, and other databases may use them.

Revision: townhall_0001
Revises:
Created: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from townhall import pg
from townhall.migrate.safety import protect_version_table

revision = "townhall_0001"
down_revision = None
branch_labels = ("townhall",)
depends_on = None

# Two databases of one cluster may get here at the same moment: whoever comes second finds the role
# or the membership there, or is told that the row just changed, and looks again.
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

CREATE_SCHEMAS = """
do $$
declare
    api_role text;
begin
    if to_regnamespace('private') is null then
        create schema private;
        comment on schema private is 'townhall: helper functions, not exposed to API clients.';
        revoke all on schema private from public;
    end if;
    foreach api_role in array array['anon', 'authenticated', 'service_role'] loop
        if not has_schema_privilege(api_role, 'public', 'usage') then
            execute format('grant usage on schema public to %I', api_role);
        end if;
        if not has_schema_privilege(api_role, 'private', 'usage') then
            execute format('grant usage on schema private to %I', api_role);
        end if;
    end loop;
    if to_regnamespace('auth') is null then
        create schema auth;
        comment on schema auth is
            'townhall: accounts and the caller''s claims, as Supabase has them.';
    elsif
        coalesce(obj_description(to_regnamespace('auth'), 'pg_namespace'), '') not like 'townhall:%'
        and (to_regclass('auth.users') is null or to_regprocedure('auth.uid()') is null)
    then
        raise exception 'schema auth is there, but is not like Supabase''s'
            using hint = 'Give it auth.users (id uuid primary key) and auth.uid(), or rename it.';
    end if;
end
$$
"""

# What follows is for a schema auth of our own; Supabase's is never touched.
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
    for each row execute function public.update_updated_at_column()
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

DROP_SCHEMAS = """
do $$
begin
    if obj_description(to_regnamespace('auth'), 'pg_namespace') like 'townhall:%' then
        drop table if exists auth.users;
        drop function if exists auth.uid(), auth.role(), auth.email(), auth.jwt();
        drop schema auth;
    end if;
    if obj_description(to_regnamespace('private'), 'pg_namespace') like 'townhall:%' then
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
            name="update_updated_at_column",
            language="plpgsql",
            body="""
                begin
                    new.updated_at := now();
                    return new;
                end
            """,
            settings={"search_path": "pg_catalog, pg_temp"},
            comment=(
                "Stamps updated_at; the trigger function that every table with timestamps shares."
            ),
        )
    )
    pg.execute(if_auth_is_ours(CREATE_AUTH))
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False, comment="The name in addresses."),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="The organization's preferences.",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row last changed; kept by a trigger.",
        ),
        sa.CheckConstraint(
            "jsonb_typeof(settings) = 'object'", name=op.f("ck_organizations_settings_is_object")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
        sa.UniqueConstraint("slug", name=op.f("uq_organizations_slug")),
        comment="A company or group that runs events.",
        if_not_exists=True,
    )
    op.create_table(
        "organization_members",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Text(),
            server_default="manager",
            nullable=False,
            comment="Owners govern the organization, managers its events, viewers only look.",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.CheckConstraint(
            "role in ('owner', 'manager', 'viewer')",
            name=op.f("ck_organization_members_role_known"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_organization_members_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth.users.id"],
            name=op.f("fk_organization_members_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization_members")),
        sa.UniqueConstraint(
            "organization_id",
            "user_id",
            name=op.f("uq_organization_members_organization_id_user_id"),
        ),
        comment="Who belongs to an organization, and as what.",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_organization_members_user_id"),
        "organization_members",
        ["user_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "profiles",
        sa.Column("id", sa.Uuid(), nullable=False, comment="The account, auth.users.id."),
        sa.Column("full_name", sa.Text(), nullable=True),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True, comment="The stage of the person's company."),
        sa.Column(
            "industry", sa.Text(), nullable=True, comment="The industry of the person's company."
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row was created.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row last changed; kept by a trigger.",
        ),
        sa.ForeignKeyConstraint(
            ["id"], ["auth.users.id"], name=op.f("fk_profiles_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profiles")),
        comment="What a person tells about themselves; one row per account.",
        if_not_exists=True,
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_organization_ids",
            returns="setof uuid",
            body="""
                select m.organization_id
                from public.organization_members as m
                where m.user_id = (select auth.uid())
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The organizations that the caller belongs to.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_managed_organization_ids",
            returns="setof uuid",
            body="""
                select m.organization_id
                from public.organization_members as m
                where m.user_id = (select auth.uid())
                    and m.role in ('owner', 'manager')
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The organizations whose events the caller manages.",
        )
    )
    pg.create_entity(
        pg.Function(
            schema="private",
            name="my_owned_organization_ids",
            returns="setof uuid",
            body="""
                select m.organization_id
                from public.organization_members as m
                where m.user_id = (select auth.uid())
                    and m.role in ('owner')
            """,
            volatility="stable",
            security="definer",
            settings={"search_path": "pg_catalog, pg_temp"},
            execute=("authenticated", "service_role"),
            comment="The organizations that the caller governs.",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="profiles",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, full_name, avatar_url, stage, industry)",
                    "update (full_name, avatar_url, stage, industry)",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="profiles",
            name="the owner select",
            command="select",
            roles=("authenticated",),
            using="id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="profiles",
            name="the owner insert",
            command="insert",
            roles=("authenticated",),
            check="id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="profiles",
            name="the owner update",
            command="update",
            roles=("authenticated",),
            using="id = (select auth.uid())",
            check="id = (select auth.uid())",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="profiles",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="organizations",
            grants={
                "authenticated": ("select", "update (name, slug, settings)"),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organizations",
            name="members select",
            command="select",
            roles=("authenticated",),
            using="id = any (array(select private.my_organization_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organizations",
            name="owners update",
            command="update",
            roles=("authenticated",),
            using="id = any (array(select private.my_owned_organization_ids()))",
            check="id = any (array(select private.my_owned_organization_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organizations",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.TableAccess(
            table="organization_members",
            grants={
                "authenticated": (
                    "select",
                    "insert (id, organization_id, user_id, role)",
                    "update (role)",
                    "delete",
                ),
                "service_role": ("all",),
            },
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organization_members",
            name="members select",
            command="select",
            roles=("authenticated",),
            using="organization_id = any (array(select private.my_organization_ids()))",
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organization_members",
            name="owners insert",
            command="insert",
            roles=("authenticated",),
            check="""
                organization_id = any (array(select private.my_owned_organization_ids()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organization_members",
            name="owners update",
            command="update",
            roles=("authenticated",),
            using="""
                organization_id = any (array(select private.my_owned_organization_ids()))
            """,
            check="""
                organization_id = any (array(select private.my_owned_organization_ids()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organization_members",
            name="owners delete",
            command="delete",
            roles=("authenticated",),
            using="""
                organization_id = any (array(select private.my_owned_organization_ids()))
            """,
        )
    )
    pg.create_entity(
        pg.Policy(
            table="organization_members",
            name="the service does everything",
            command="all",
            roles=("service_role",),
            using="true",
            check="true",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="profiles",
            name="update_profiles_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )
    pg.create_entity(
        pg.Trigger(
            table="organizations",
            name="update_organizations_updated_at",
            event="before update",
            action="for each row execute function public.update_updated_at_column()",
            comment="Keeps updated_at.",
        )
    )


def downgrade() -> None:
    pg.drop_entity(pg.Trigger.named(table="organizations", name="update_organizations_updated_at"))
    pg.drop_entity(pg.Trigger.named(table="profiles", name="update_profiles_updated_at"))
    pg.drop_entity(
        pg.Policy.named(table="organization_members", name="the service does everything")
    )
    pg.drop_entity(pg.Policy.named(table="organization_members", name="owners delete"))
    pg.drop_entity(pg.Policy.named(table="organization_members", name="owners update"))
    pg.drop_entity(pg.Policy.named(table="organization_members", name="owners insert"))
    pg.drop_entity(pg.Policy.named(table="organization_members", name="members select"))
    pg.drop_entity(pg.Policy.named(table="organizations", name="the service does everything"))
    pg.drop_entity(pg.Policy.named(table="organizations", name="owners update"))
    pg.drop_entity(pg.Policy.named(table="organizations", name="members select"))
    pg.drop_entity(pg.Policy.named(table="profiles", name="the service does everything"))
    pg.drop_entity(pg.Policy.named(table="profiles", name="the owner update"))
    pg.drop_entity(pg.Policy.named(table="profiles", name="the owner insert"))
    pg.drop_entity(pg.Policy.named(table="profiles", name="the owner select"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_owned_organization_ids"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_managed_organization_ids"))
    pg.drop_entity(pg.Function.named(schema="private", name="my_organization_ids"))
    op.drop_table("profiles", if_exists=True)
    op.drop_table("organization_members", if_exists=True)
    op.drop_table("organizations", if_exists=True)
    pg.execute(DROP_SCHEMAS)
    pg.drop_entity(pg.Function.named(name="update_updated_at_column"))
