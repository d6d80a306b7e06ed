"""Steps that keep a migration of live data safe."""

from __future__ import annotations

from alembic.runtime.migration import MigrationContext

from townhall.pg import API_ROLES, sql


def protect_version_table(context: MigrationContext) -> None:
    """Put Alembic's version table out of the reach of the API's roles.

    On a project with open default privileges a plain ``alembic_version`` in ``public`` can be read
    and written by everybody.

    Args:
        context: The migration context that the table belongs to; offline it writes the script.
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
        where r.rolname in ({", ".join(map(sql.literal, API_ROLES))})
    loop
        execute pg_catalog.format('revoke all on table {table} from %I', api_role);
    end loop;
end
$$"""
        )
    )
