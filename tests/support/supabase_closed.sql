-- What the dashboard and the CLI run where new tables are not exposed to the Data API, the default
-- since 2026-05-30 for new projects and since 2026-10-30 for all. `truncate`, `references`,
-- `trigger` and, since 17, `maintain` stay granted.

alter default privileges for role supabase_postgres in schema public
    revoke select, insert, update, delete on tables from anon, authenticated, service_role;
alter default privileges for role supabase_postgres in schema public
    revoke usage, select on sequences from anon, authenticated, service_role;
alter default privileges for role supabase_postgres in schema public
    revoke execute on functions from anon, authenticated, service_role;
