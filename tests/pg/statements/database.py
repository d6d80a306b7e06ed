"""The SQL of what belongs to a whole database, or to the storage and replication of a table."""

from __future__ import annotations

from tests.pg.statements.case import EntityCase
from townhall import pg

_OF_VACUUM = (
    "autovacuum_analyze_scale_factor",
    "autovacuum_analyze_threshold",
    "autovacuum_enabled",
    "autovacuum_freeze_max_age",
    "autovacuum_freeze_min_age",
    "autovacuum_freeze_table_age",
    "autovacuum_multixact_freeze_max_age",
    "autovacuum_multixact_freeze_min_age",
    "autovacuum_multixact_freeze_table_age",
    "autovacuum_vacuum_cost_delay",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_vacuum_insert_scale_factor",
    "autovacuum_vacuum_insert_threshold",
    "autovacuum_vacuum_max_threshold",
    "autovacuum_vacuum_scale_factor",
    "autovacuum_vacuum_threshold",
    "log_autovacuum_min_duration",
    "vacuum_index_cleanup",
    "vacuum_max_eager_freeze_failure_rate",
    "vacuum_truncate",
)
_OTHERS = (
    "parallel_workers",
    "toast_tuple_target",
    "user_catalog_table",
    *_OF_VACUUM,
    *(f"toast.{name}" for name in _OF_VACUUM),
)

CASES: dict[str, EntityCase] = {
    "an extension": EntityCase(
        pg.Extension(name="uuid ossp", schema="odd schema", version="1.1"),
        create="""
            create extension if not exists "uuid ossp" schema "odd schema" version '1.1';
            do $function$
            begin
                if not exists (
                    select
                    from pg_catalog.pg_extension as e
                    join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
                    where e.extname = 'uuid ossp' and n.nspname = 'odd schema'
                ) then
                    alter extension "uuid ossp" set schema "odd schema";
                end if;
            end
            $function$;
        """,
        drop="""
            drop extension if exists "uuid ossp";
        """,
    ),
    "a published table": EntityCase(
        pg.PublicationTable(
            table="Posts", publication="supabase_realtime", columns=("id",), where="id > 3"
        ),
        create="""
            do $function$
            begin
                if exists (
                    select
                    from pg_catalog.pg_publication_rel as m
                    join pg_catalog.pg_publication as p on p.oid = m.prpubid
                    where p.pubname = 'supabase_realtime'
                        and m.prrelid = pg_catalog.to_regclass('public."Posts"')
                ) then
                    alter publication supabase_realtime drop table only public."Posts";
                end if;
            end
            $function$;
            alter publication supabase_realtime add table only public."Posts" (id) where (id > 3);
        """,
        drop="""
            do $function$
            begin
                if exists (
                    select
                    from pg_catalog.pg_publication_rel as m
                    join pg_catalog.pg_publication as p on p.oid = m.prpubid
                    where p.pubname = 'supabase_realtime'
                        and m.prrelid = pg_catalog.to_regclass('public."Posts"')
                ) then
                    alter publication supabase_realtime drop table only public."Posts";
                end if;
            end
            $function$;
        """,
    ),
    "storage parameters": EntityCase(
        pg.StorageParameters(table="Posts", parameters={"fillfactor": "70"}),
        create=f"""
            alter table public."Posts" reset ({", ".join(_OTHERS)});
            alter table public."Posts" set (fillfactor = '70');
        """,
        drop=f"""
            alter table public."Posts" reset ({", ".join(("fillfactor", *_OTHERS))});
        """,
    ),
    "default privileges": EntityCase(
        pg.DefaultPrivileges(
            everywhere=True,
            objects="functions",
            owner="Ops",
            grants={"reports": ("execute", "execute with grant option")},
            api_roles=("anon",),
        ),
        create="""
            alter default privileges for role "Ops"
            revoke all on functions from public, anon, reports;
            alter default privileges for role "Ops"
            grant execute on functions to reports;
            alter default privileges for role "Ops"
            grant execute on functions to reports with grant option;
        """,
        drop="""
            do $function$
            declare
                grantee text;
            begin
                for grantee in
                    select distinct
                        case
                            when a.grantee = 0 then 'public'
                            else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee))
                        end
                    from pg_catalog.pg_default_acl as d, pg_catalog.aclexplode(d.defaclacl) as a
                    where pg_catalog.pg_get_userbyid(d.defaclrole) = 'Ops'
                        and d.defaclnamespace = 0
                        and d.defaclobjtype = 'f'
                        and a.grantee <> d.defaclrole
                loop
                    execute 'alter default privileges for role "Ops" revoke all on functions from '
                        || grantee;
                end loop;
            end
            $function$;
            alter default privileges for role "Ops"
            grant execute on functions to public;
        """,
    ),
}
