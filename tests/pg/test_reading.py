"""What is set while the catalogs are read."""

from __future__ import annotations

from sqlalchemy import Connection

from townhall.pg.catalog import empty_search_path


def test_catalogs_are_read_without_a_search_path_and_without_compiling(
    connection: Connection,
) -> None:
    def settings() -> tuple[object, ...]:
        query = "select current_setting('search_path'), current_setting('jit')"
        return (*connection.exec_driver_sql(query).one(),)

    connection.exec_driver_sql("set local jit = on")
    before = settings()
    with empty_search_path(connection):
        assert settings() == ("", "off")
        with empty_search_path(connection):
            assert settings() == ("", "off")
        assert settings() == ("", "off")
    assert settings() == before
