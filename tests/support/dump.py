"""The schema of a database as text, to compare two of them."""

from __future__ import annotations

import re
import subprocess

from sqlalchemy import make_url

from townhall import embedded

_NEWEST = 18
_NOISE = (
    # The headings of pg_dump, and nothing of the body of a function.
    re.compile(r"^--\n(?:-- .*\n)+--\n", re.MULTILINE),
    re.compile(r"^-- Dumped .*\n", re.MULTILINE),
    re.compile(r"^\\(?:un)?restrict .*\n", re.MULTILINE),
    re.compile(r"^SET \w+ = .*;\n", re.MULTILINE),
    # An internal option of columns in PostgreSQL 15.20, with another number in each database.
    re.compile(r"^ALTER TABLE ONLY .+ ALTER COLUMN .+ SET \(pg_attver=\d+\);\n", re.MULTILINE),
    re.compile(r"(?<= SET \()pg_attver=\d+, |, pg_attver=\d+(?=[,)])"),
    re.compile(r"^SELECT pg_catalog\.set_config\('search_path', '', false\);\n", re.MULTILINE),
)


def dump(url: str) -> str:
    """Return the schema of a database with owners, privileges and comments, as SQL.

    Args:
        url: The database, as a role that may read all of it, on any server up to version 18.

    Raises:
        CalledProcessError: ``pg_dump`` failed; it has said why on the standard error.
    """
    libpq_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run(  # noqa: S603  a program of PostgreSQL, found by ourselves
        (embedded.bin_directory(_NEWEST) / "pg_dump", "--schema-only", "--dbname", libpq_url),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    schema = done.stdout
    for noise in _NOISE:
        schema = noise.sub("", schema)
    return re.sub(r"\n{3,}", "\n\n", schema).strip() + "\n"
