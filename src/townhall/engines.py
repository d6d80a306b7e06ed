"""The engines with which townhall connects by itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Engine, NullPool, create_engine


def engine_of(url: URL, **options: Any) -> Engine:  # noqa: ANN401 - those of SQLAlchemy
    """Return an engine that keeps no connection and calls nothing before its caller does.

    SQLAlchemy has psycopg look for the type ``hstore`` when an engine first connects, by functions
    and operators on the search path of the role, where others may have their own.

    Args:
        url: The database.
        options: Further arguments of ``create_engine``, which take precedence.
    """
    return create_engine(url, **{"poolclass": NullPool, "use_native_hstore": False, **options})
