"""The search paths of a comparison, whatever that of the role is."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from townhall.pg.catalog import PLATFORM_SCHEMAS, rows


@dataclass(frozen=True)
class SearchPaths:
    """The search path of a run, and that of the trial of what is declared.

    Attributes:
        run: The search path under which revisions run.
        trial: That path without the platform's schemas, whose tables would be found by the names
            of declared ones. Schemas of extensions stay: declarations use what is in them. The
            temporary copies of what is declared come last, since they have its names.
    """

    run: str
    trial: str


def read_search_paths(connection: Connection) -> SearchPaths:
    """Return the search paths that follow from that of the role, and set it to ``public``.

    SQLAlchemy takes each table on the search path for one without a schema.

    Args:
        connection: A connection within a transaction.
    """
    (row,) = rows(connection, _READ, sorted(PLATFORM_SCHEMAS))
    return SearchPaths(row["run"], row["trial"])


_READ = """
    select
        current_setting('search_path') as run,
        concat_ws(', ', 'public', (
            select string_agg(quote_ident(s.name), ', ' order by s.position)
            from unnest(current_schemas(false)) with ordinality as s (name, position)
            where s.name <> 'public'
                and (
                    s.name <> all (%(schemas)s)
                    or exists (
                        select
                        from pg_catalog.pg_extension as e
                        where e.extnamespace = s.name::regnamespace
                    )
                )
        ), 'pg_temp') as trial,
        set_config('search_path', 'public', true)
"""
