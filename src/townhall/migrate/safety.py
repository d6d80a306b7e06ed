"""Steps that keep a migration of live data safe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

from alembic import op
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.base import PGDialect

from townhall.pg import sql
from townhall.roles import SUPABASE, Roles


def create_roles(roles: Roles) -> None:
    """Create the roles of an application that do not exist, for its first revision.

    The role that migrates is granted membership in each of them, so that it can act as them.
    The service role bypasses row level security where the migrating role may decide that. Roles
    belong to the whole cluster: two databases of it can be migrated at the same time, and a
    downgrade leaves the roles.

    Args:
        roles: The names of the roles.
    """
    if roles.names:
        op.execute(sql.statement(_CREATE_ROLES.format(**_role_literals(roles))))


def _role_literals(roles: Roles) -> dict[str, str]:
    names = ", ".join(map(sql.literal, roles.names))
    return {"names": f"array[{names}]::text[]", "service": sql.literal(roles.service)}


# Where another session creates or grants the same role, this one finds it, fails on the unique
# index, or is told that the row was just changed, and tries again.
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


@contextmanager
def only_where(condition: str) -> Iterator[None]:
    """Run the operations of a block only where a condition holds, in a script as well.

    They become one statement that asks for the condition when it runs, so that a step which a
    database has behind it in another form can be left out there.

    Args:
        condition: An SQL condition: ``to_regclass('public.seats') is not null``.
    """
    impl = op.get_context().impl
    script = StringIO()
    writing = {
        "as_sql": True,
        "literal_binds": True,
        "output_buffer": script,
        "dialect": PGDialect(paramstyle="named"),  # type: ignore[no-untyped-call] # SQLAlchemy's
    }
    before = {name: getattr(impl, name) for name in writing}
    vars(impl).update(writing)
    try:
        yield
    finally:
        vars(impl).update(before)
    body = f"begin\nif {sql.layout(condition)} then\n{script.getvalue()}\nend if;\nend"
    op.execute(sql.statement(f"do {sql.dollar_quoted(body)}"))


def rename_table(old: str, new: str, *, schema: str = "public") -> None:
    """Rename a table with its constraints, indexes and triggers that bear its name.

    Rows, policies, privileges and comments stay as they are. Nothing happens where there is no
    table of the old name, or something of the new name.

    Args:
        old: The name of the table; a view of that name is not touched.
        new: The name it gets.
        schema: The schema of the table.
    """
    table, target = (f"{sql.quote(schema)}.{sql.quote(name)}" for name in (old, new))
    op.execute(
        sql.statement(
            f"""do $do$
declare
    old_name constant text := {sql.literal(old)};
    new_name constant text := {sql.literal(new)};
    found text;
begin
    if to_regclass({sql.literal(target)}) is not null or not exists (
        select
        from pg_catalog.pg_class as c
        where c.oid = to_regclass({sql.literal(table)}) and c.relkind in ('r', 'p')
    ) then
        return;
    end if;
    alter table {table} rename to {sql.quote(new)};
    for found in
        select c.conname
        from pg_catalog.pg_constraint as c
        where c.conrelid = {sql.literal(target)}::regclass and strpos(c.conname, old_name) > 0
    loop
        execute format(
            'alter table %s rename constraint %I to %I',
            {sql.literal(target)}, found, replace(found, old_name, new_name)
        );
    end loop;
    for found in
        select c.relname
        from pg_catalog.pg_index as i
        join pg_catalog.pg_class as c on c.oid = i.indexrelid
        where i.indrelid = {sql.literal(target)}::regclass and strpos(c.relname, old_name) > 0
    loop
        execute format(
            'alter index %I.%I rename to %I',
            {sql.literal(schema)}, found, replace(found, old_name, new_name)
        );
    end loop;
    for found in
        select t.tgname
        from pg_catalog.pg_trigger as t
        where t.tgrelid = {sql.literal(target)}::regclass
            and not t.tgisinternal
            and strpos(t.tgname, old_name) > 0
    loop
        execute format(
            'alter trigger %I on %s rename to %I',
            found, {sql.literal(target)}, replace(found, old_name, new_name)
        );
    end loop;
end
$do$"""
        )
    )


def add_constraint(table: str, name: str, definition: str, *, schema: str = "public") -> None:
    """Add a constraint to a table that may hold rows, which go on being read and written.

    The constraint is added without a look at the rows, which takes a moment, and then validated
    under a lock that holds nobody up. In between the revision's transaction ends: what was done
    before stays if the rows turn out to break the constraint, and the revision can run again.

    Args:
        table: The name of the table.
        name: The name of the constraint; one that is there is only validated.
        definition: What follows the name: ``check (price >= 0)``,
            ``foreign key (event_id) references public.events (id)``.
        schema: The schema of the table.
    """
    target = f"{sql.quote(schema)}.{sql.quote(table)}"
    constraint = sql.quote(name)
    add = f"alter table {target} add constraint {constraint} {sql.layout(definition)} not valid"
    context = op.get_context()
    with context.autocommit_block():
        context.execute(
            sql.statement(
                f"""do $do$
begin
    if not exists (
        select
        from pg_catalog.pg_constraint as c
        where c.conrelid = {sql.literal(target)}::regclass and c.conname = {sql.literal(name)}
    ) then
        {add};
    end if;
end
$do$"""
            )
        )
        context.execute(sql.statement(f"alter table {target} validate constraint {constraint}"))


def set_not_null(table: str, column: str, *, schema: str = "public") -> None:
    """Refuse nulls in a column of a table that may hold rows, which go on being read and written.

    A constraint that was validated before spares the look at the rows under an exclusive lock.

    Args:
        table: The name of the table.
        column: The name of the column.
        schema: The schema of the table.
    """
    target = f"{sql.quote(schema)}.{sql.quote(table)}"
    proof = f"{column}_is_known"
    add_constraint(table, proof, f"check ({sql.quote(column)} is not null)", schema=schema)
    # In one statement PostgreSQL would drop the constraint first, and then look at the rows.
    op.execute(sql.statement(f"alter table {target} alter column {sql.quote(column)} set not null"))
    op.execute(sql.statement(f"alter table {target} drop constraint {sql.quote(proof)}"))


def update_in_batches(
    table: str, assignments: str, *, where: str, size: int = 5_000, schema: str = "public"
) -> None:
    """Update the rows of a table that may hold many, which go on being read and written.

    Each batch is a transaction of its own, for which the revision's ends; it locks no other rows
    than its own. A script (``--sql``) updates all rows at once.

    Args:
        table: The name of the table, whose key is ``id``; in what follows it is called ``t``.
        assignments: What follows ``set``.
        where: Which rows are still to be updated; those that were no longer fulfil it.
        size: How many rows a batch looks at.
        schema: The schema of the table.
    """
    target = f"{sql.quote(schema)}.{sql.quote(table)} as t"
    update = f"update {target}\nset {sql.layout(assignments)}"
    context = op.get_context()
    if context.as_sql:
        context.execute(sql.statement(f"{update}\nwhere {where}"))
        return
    connection = context.connection
    assert connection is not None  # noqa: S101 - there is one unless a script is written
    # The rows are locked in a statement of their own: what the update reads from other tables is
    # then what was committed by the time that it had its locks.
    lock = f"select t.id from {target} %s order by t.id limit {size} for no key update"
    changes = text(f"{sql.statement(update).text} where t.id = any (:batch) and ({where})")
    batch = connection.scalars(text(lock.replace("%s", ""))).all()
    while batch:
        connection.execute(changes, {"batch": batch})
        _commit(context)
        after = text(lock.replace("%s", "where t.id > :last"))
        batch = connection.scalars(after, {"last": batch[-1]}).all()


def refuse_if(count: str, message: str, *, hint: str) -> None:
    """Give the revision up where a query counts rows that have to be put right by hand first.

    Args:
        count: An SQL expression or a query in parentheses, of type ``bigint``.
        message: What is wrong; ``%`` in it stands for the count.
        hint: What to do about it.

    Raises:
        DBAPIError: The count is not 0.
    """
    op.execute(
        sql.statement(
            f"""do $do$
declare
    refused constant bigint := {sql.layout(count)};
begin
    if refused > 0 then
        raise exception {sql.literal(message)}, refused
            using hint = {sql.literal(hint)};
    end if;
end
$do$"""
        )
    )


def create_index(
    name: str, table: str, definition: str, *, unique: bool = False, schema: str = "public"
) -> None:
    """Create an index on a table that may hold rows, which go on being read and written.

    The index is built concurrently, for which the revision's transaction ends; one that a killed
    build left behind is built again. A script (``--sql``) builds it the plain way, which holds up
    writes: an editor that sends the whole script at once could not run it otherwise.

    Args:
        name: The name of the index; a valid one that is there stays.
        table: The name of the table.
        definition: What follows the table: ``(event_id) where is_vip``.
        unique: Whether no two rows may have the same key.
        schema: The schema of the table.
    """
    kind = "unique index" if unique else "index"
    what = f"{sql.quote(name)} on {sql.quote(schema)}.{sql.quote(table)} {sql.layout(definition)}"
    context = op.get_context()
    if context.as_sql:
        context.execute(sql.statement(f"create {kind} if not exists {what}"))
        return
    with context.autocommit_block():
        if _is_invalid(context, f"{sql.quote(schema)}.{sql.quote(name)}"):
            _drop_concurrently(context, name, schema)
        context.execute(sql.statement(f"create {kind} concurrently if not exists {what}"))


def add_unique(table: str, name: str, columns: str, *, schema: str = "public") -> None:
    """Let no two rows have the same key, in a table that goes on being read and written.

    Args:
        table: The name of the table.
        name: The name of the constraint and of its index, which is built concurrently.
        columns: The key, in parentheses: ``(event_id, email)``.
        schema: The schema of the table.
    """
    create_index(name, table, columns, unique=True, schema=schema)
    target = f"{sql.quote(schema)}.{sql.quote(table)}"
    op.execute(
        sql.statement(
            f"""do $do$
begin
    if not exists (
        select
        from pg_catalog.pg_constraint as c
        where c.conrelid = {sql.literal(target)}::regclass and c.conname = {sql.literal(name)}
    ) then
        alter table {target} add constraint {sql.quote(name)} unique using index {sql.quote(name)};
    end if;
end
$do$"""
        )
    )


def drop_index(name: str, *, schema: str = "public") -> None:
    """Drop an index, if it is there, of a table that goes on being read and written.

    Args:
        name: The name of the index.
        schema: The schema of its table.
    """
    context = op.get_context()
    if context.as_sql:
        context.execute(
            sql.statement(f"drop index if exists {sql.quote(schema)}.{sql.quote(name)}")
        )
        return
    with context.autocommit_block():
        _drop_concurrently(context, name, schema)


def _commit(context: MigrationContext) -> None:
    with context.autocommit_block():
        pass


def _drop_concurrently(context: MigrationContext, name: str, schema: str) -> None:
    index = f"{sql.quote(schema)}.{sql.quote(name)}"
    context.execute(sql.statement(f"drop index concurrently if exists {index}"))


def _is_invalid(context: MigrationContext, index: str) -> bool:
    connection = context.connection
    assert connection is not None  # noqa: S101 - there is one unless a script is written
    query = text(
        """
        select not i.indisvalid
        from pg_catalog.pg_index as i
        where i.indexrelid = pg_catalog.to_regclass(:index)
        """
    )
    return bool(connection.scalar(query, {"index": index}))
