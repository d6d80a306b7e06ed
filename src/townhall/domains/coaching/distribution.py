"""Usage on several machines: the revision operation that distributes it by tenant, and back.

The table gets the form that an engine such as Citus accepts: the tenant in its key, no foreign key
to a table on one machine, and no policy with a subquery. What these kept is kept by functions. The
form is the same in a database without Citus, so that an application's revisions run on a machine
of a developer and in the scratch database of ``townhall check``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from alembic import op
from sqlalchemy import ForeignKeyConstraint, MetaData, PrimaryKeyConstraint, Table

from townhall.domains.coaching.access import RULES
from townhall.domains.coaching.models import UsageEvent
from townhall.domains.coaching.usage import LOG_USAGE_EVENT
from townhall.migrate.safety import lock_tables, refuse_if
from townhall.pg import (
    SAFE_SEARCH_PATH,
    SERVICE,
    Entity,
    Function,
    Trigger,
    create_entity,
    drop_entity,
    replace_entity,
    sql,
)
from townhall.pg.access import Access, entities_of
from townhall.product import Product

_TABLE: Table = UsageEvent.__table__  # type: ignore[assignment] # declared as a FromClause
_NAME = "public.usage_events"
_COMMENT = "The tenant that pays, which may be deleted."

_ACCESS = entities_of([rule for rule in RULES if rule.model is UsageEvent])
_SERVICE_ACCESS = entities_of([Access(UsageEvent)])

CHECK_USAGE_REFERENCES = Function(
    schema="private",
    name="check_usage_references",
    arguments={"p_tenant_id": "uuid", "p_user_id": "uuid"},
    returns="void",
    language="plpgsql",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    body="""
        begin
            if p_tenant_id is null then
                raise exception 'usage needs a tenant where it is distributed by tenant'
                    using errcode = 'not_null_violation',
                        schema = 'public',
                        table = 'usage_events',
                        column = 'tenant_id';
            end if;
            perform t.id
            from public.tenant_profiles as t
            where t.id = p_tenant_id;
            if not found then
                raise exception 'there is no tenant %', p_tenant_id
                    using errcode = 'foreign_key_violation',
                        schema = 'public',
                        table = 'usage_events',
                        constraint = 'fk_usage_events_tenant_id_tenant_profiles';
            end if;
            perform a.id
            from auth.users as a
            where a.id = p_user_id
            for key share;
            if p_user_id is not null and not found then
                raise exception 'there is no account %', p_user_id
                    using errcode = 'foreign_key_violation',
                        schema = 'public',
                        table = 'usage_events',
                        constraint = 'fk_usage_events_user_id_users';
            end if;
        end
    """,
    execute=(SERVICE,),
    comment="Refuses usage of a tenant or an account that is not there, as a foreign key does.",
)

_LOG = replace(
    LOG_USAGE_EVENT,
    body=LOG_USAGE_EVENT.body.replace(
        "begin\n",
        "begin\n    perform private.check_usage_references(p_tenant_id, p_user_id);\n",
        1,
    ),
)

CLEAR_USER_OF_USAGE = Function(
    schema="private",
    name="clear_user_of_usage",
    language="plpgsql",
    security="definer",
    settings={"search_path": SAFE_SEARCH_PATH},
    # The workers don't have the transition table, so that the update takes an array of its ids.
    body="""
        declare
            gone constant uuid[] := array(select o.id from deleted as o);
        begin
            update public.usage_events as u
            set user_id = null
            where u.user_id = any (gone);
            return null;
        end
    """,
    comment="Clears the account of usage when it is deleted, as a foreign key does.",
)

_CLEAR = Trigger(
    schema="auth",
    table="users",
    name="clear_user_of_usage",
    timing="after",
    events=("delete",),
    level="statement",
    old_table="deleted",
    function=CLEAR_USER_OF_USAGE,
    comment="Usage that is distributed has no foreign key to accounts.",
)

_NEW = (CHECK_USAGE_REFERENCES, CLEAR_USER_OF_USAGE, _CLEAR)


def with_distributed_usage(product: Product) -> Product:
    """Return the product in which usage is distributed by tenant.

    An application whose revision calls :func:`distribute_usage` passes it in its ``env.py``, so
    that its databases are compared with that form: ``run(product=with_distributed_usage(…))``.

    Args:
        product: townhall's product.
    """
    left_out = {each.key for each in (*_ACCESS, LOG_USAGE_EVENT)}
    kept = tuple(each for each in product.entities if each.key not in left_out)
    return replace(
        product,
        metadata=_with_distributed_table(product.metadata),
        entities=(*kept, *_SERVICE_ACCESS, _LOG, *_NEW),
        access_rules=tuple(
            Access(UsageEvent) if rule.model is UsageEvent else rule
            for rule in product.access_rules
        ),
    )


def _with_distributed_table(metadata: MetaData) -> MetaData:
    copied = MetaData(schema=metadata.schema, naming_convention=metadata.naming_convention)
    for table in metadata.tables.values():
        table.to_metadata(copied).info.update(table.info)
    usage = copied.tables[_TABLE.key]
    for constraint in [*usage.constraints]:
        if isinstance(constraint, ForeignKeyConstraint):
            _drop_foreign_key(usage, constraint)
    usage.c.tenant_id.nullable = False
    usage.c.tenant_id.comment = _COMMENT
    usage.c.id.primary_key = False  # of the key that is replaced
    usage.append_constraint(PrimaryKeyConstraint("tenant_id", "id", name="pk_usage_events"))
    return copied


def _drop_foreign_key(table: Table, constraint: ForeignKeyConstraint) -> None:
    table.constraints.discard(constraint)
    for element in constraint.elements:
        table.foreign_keys.discard(element)
        element.parent.foreign_keys.discard(element)


def distribute_usage() -> None:
    """Distribute ``usage_events`` by its tenant, in a revision of the application.

    Where the extension ``citus`` is installed the rows go to the machines, and writes wait until
    they are there: 31 s for 2 million rows. Elsewhere the table gets the same form and stays.
    Users read it by ``usage_summary`` and ``newest_usage`` alone then; the service and the role
    that runs the revision need a login on the other machines. See ``docs/scaling.md``.

    Raises:
        DBAPIError: Events have no tenant, or the extension is installed and one of these roles has
            no ``login``.
    """
    lock_tables(_NAME, writes_only=["auth.users"])
    _refuse_without_tenant()
    _refuse_without_login()
    _drop(_ACCESS)
    _run(_TO_DISTRIBUTED_FORM)
    _create((*_SERVICE_ACCESS, CHECK_USAGE_REFERENCES, CLEAR_USER_OF_USAGE, _CLEAR))
    replace_entity(_LOG)
    _run([_DISTRIBUTE])


def gather_usage() -> None:
    """Bring ``usage_events`` back to one machine, as the downgrade of :func:`distribute_usage`.

    Events of deleted tenants lose their tenant, as they do on one machine.

    Raises:
        DBAPIError: Events of two tenants have the same id.
    """
    lock_tables(_NAME, "auth.users", writes_only=["public.tenant_profiles"])
    refuse_if(_SHARED_IDS, "% ids are those of several events", hint=_SHARED_IDS_HINT)
    _run([_GATHER])
    replace_entity(LOG_USAGE_EVENT)
    _drop((_CLEAR, CLEAR_USER_OF_USAGE, CHECK_USAGE_REFERENCES, *_SERVICE_ACCESS))
    _run(_TO_PLAIN_FORM)
    _create(_ACCESS)


def _create(entities: Iterable[Entity]) -> None:
    for entity in entities:
        create_entity(entity)


def _drop(entities: Iterable[Entity]) -> None:
    for entity in entities:
        drop_entity(entity)


def _run(statements: Iterable[str]) -> None:
    for each in statements:
        op.execute(sql.statement(sql.layout(each)))


def _refuse_without_tenant() -> None:
    refuse_if(
        "(select count(*) from public.usage_events as u where u.tenant_id is null)",
        "% usage events have no tenant, which the key of the distributed table needs",
        hint="Give them a tenant, or keep them elsewhere and delete them.",
    )


def _refuse_without_login() -> None:
    refuse_if(
        f"""
        (
            select count(*)
            from pg_catalog.pg_extension as e, pg_catalog.pg_roles as r
            where e.extname = 'citus'
                and r.rolname in ({sql.literal(SERVICE)}, current_user)
                and not r.rolcanlogin
        )
        """,  # noqa: S608 - of a constant
        f"% roles can't log in, of {SERVICE} and the owner of the functions, which read and write"
        " usage on the other machines",
        hint="alter role … login for both; without a password pg_hba.conf has to let them in.",
    )


_SHARED_IDS = """
(
    select count(*)
    from (
        select u.id
        from public.usage_events as u
        group by u.id
        having count(*) > 1
    ) as shared
)
"""
_SHARED_IDS_HINT = "Give all but one event of each id another id: on one machine the id is the key."

_TO_DISTRIBUTED_FORM = (
    """
    alter table public.usage_events
        drop constraint if exists fk_usage_events_tenant_id_tenant_profiles,
        drop constraint if exists fk_usage_events_user_id_users,
        drop constraint if exists pk_usage_events
    """,
    """
    alter table public.usage_events
        alter column tenant_id set not null,
        add constraint pk_usage_events primary key (tenant_id, id)
    """,
    f"comment on column public.usage_events.tenant_id is {sql.literal(_COMMENT)}",
)

# Without the extension there is no pg_dist_partition, so that the outer condition comes first.
_WITH_CITUS = """
do $$
begin
    if exists (select from pg_catalog.pg_extension where extname = 'citus') then
        if {condition} (
            select
            from pg_catalog.pg_dist_partition as d
            where d.logicalrelid = 'public.usage_events'::regclass
        ) then
            perform pg_catalog.{function};
        end if;
    end if;
end
$$
"""
_DISTRIBUTE = _WITH_CITUS.format(
    condition="not exists",
    function="create_distributed_table('public.usage_events', 'tenant_id')",
)
_GATHER = _WITH_CITUS.format(
    condition="exists", function="undistribute_table('public.usage_events')"
)

_TO_PLAIN_FORM = (
    """
    alter table public.usage_events
        drop constraint if exists pk_usage_events,
        alter column tenant_id drop not null
    """,
    """
    update public.usage_events as u
    set tenant_id = null
    where not exists (select from public.tenant_profiles as t where t.id = u.tenant_id)
    """,
    """
    update public.usage_events as u
    set user_id = null
    where u.user_id is not null and not exists (select from auth.users as a where a.id = u.user_id)
    """,
    """
    alter table public.usage_events
        add constraint pk_usage_events primary key (id),
        add constraint fk_usage_events_tenant_id_tenant_profiles
            foreign key (tenant_id) references public.tenant_profiles (id) on delete set null,
        add constraint fk_usage_events_user_id_users
            foreign key (user_id) references auth.users (id) on delete set null
    """,
    # undistribute_table() creates the table again, without its comments.
    f"comment on table public.usage_events is {sql.literal(str(_TABLE.comment))}",
    *(
        f"comment on column public.usage_events.{column.name} is {sql.literal(column.comment)}"
        for column in _TABLE.columns
        if column.comment is not None
    ),
)
