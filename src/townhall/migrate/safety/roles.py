"""Roles of an application, and the version table that is closed to them."""

from __future__ import annotations

from alembic import op
from alembic.runtime.migration import MigrationContext

from townhall.pg import sql
from townhall.roles import SUPABASE, Roles


def create_roles(roles: Roles) -> None:
    """Create the roles of an application that do not exist, for its first revision.

    The migrating role is granted membership in each of them, so that it can set role to them. The
    service role bypasses row level security if the migrating role may grant that. Roles belong to
    the whole cluster: two databases of it can be migrated concurrently, and a downgrade keeps the
    roles.

    Args:
        roles: The names of the roles.
    """
    if roles.names:
        op.execute(sql.statement(_CREATE_ROLES.format(**_role_literals(roles))))


def _role_literals(roles: Roles) -> dict[str, str]:
    names = ", ".join(map(sql.literal, roles.names))
    return {"names": f"array[{names}]::text[]", "service": sql.literal(roles.service)}


# When another session creates or grants the same role concurrently, a statement fails because the
# role exists, on a unique index or because of a concurrent update of the catalog, and is retried.
_CREATE_ROLES = """do $$
declare
    role_name text;
begin
    foreach role_name in array {names} loop
        for attempt in 1..10 loop
            begin
                if to_regrole(quote_ident(role_name)) is null then
                    begin
                        execute format(
                            'create role %I nologin noinherit %s',
                            role_name,
                            case role_name when {service} then 'bypassrls' end
                        );
                    exception
                        when insufficient_privilege then
                            execute format('create role %I nologin noinherit', role_name);
                    end;
                end if;
                if not exists (
                    select
                    from pg_catalog.pg_auth_members as m
                    where m.roleid = to_regrole(quote_ident(role_name))
                        and m.member = to_regrole(quote_ident(current_user))
                        and coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
                ) then
                    execute format('grant %I to %I', role_name, current_user);
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
$$"""


def protect_version_table(context: MigrationContext, roles: Roles = SUPABASE) -> None:
    """Revoke every privilege on Alembic's version table from the roles that requests act as.

    Where default privileges are open, a plain ``alembic_version`` in ``public`` can be read and
    written by every client.

    Args:
        context: The migration context that the table belongs to; offline it writes the script.
        roles: The roles; those that do not exist are skipped.
    """
    schema = context.version_table_schema
    name = sql.quote(context.version_table)
    table = f"{sql.quote(schema)}.{name}" if schema else name
    context.execute(
        sql.statement(
            f"""do $$
declare
    api_role text;
begin
    alter table {table} enable row level security;
    revoke all on table {table} from public;
    for api_role in
        select r.rolname from pg_catalog.pg_roles as r
        where r.rolname = any ({_role_literals(roles)["names"]})
    loop
        execute pg_catalog.format(
            'revoke all on table %s from %I', {sql.literal(table)}, api_role
        );
    end loop;
end
$$"""
        )
    )
