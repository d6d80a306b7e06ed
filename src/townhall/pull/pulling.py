"""One pull of a database."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy import URL

from townhall.check.connection import reading
from townhall.init.files import refuse_name
from townhall.pull.first_revision import write_first_revision
from townhall.pull.left_out import LeftOut
from townhall.pull.package import Package
from townhall.pull.renderings import renderings
from townhall.pull.scratch import scratch_of
from townhall.pull.source import read_source
from townhall.pull.staging import put_in_place, staged


@dataclass(frozen=True)
class Pulled:
    """What a pull has written.

    Attributes:
        files: The files, relative to the folder.
        tables: How many tables there are.
        rules: For how many of them an access rule says who may do what.
        entities: How many entities there are.
        left_out: What was not pulled.
        not_compared: What only the first revision has.
        others: Modules of the package that this pull did not write, relative to the folder.
        untried: Steps of the first revision that only a superuser may run, in words.
    """

    files: Sequence[str]
    tables: int
    rules: int
    entities: int
    left_out: Sequence[LeftOut]
    not_compared: Sequence[LeftOut]
    others: Sequence[str]
    untried: Sequence[str]


def pull(  # noqa: PLR0913 - each is a choice of its own
    database: URL,
    folder: Path,
    package: str,
    *,
    schemas: Sequence[str] = (),
    scratch: str | None = None,
    force: bool = False,
) -> Pulled:
    """Write the schema of a database as an application, with a first revision that makes it.

    The database is only read, in one transaction.

    Args:
        database: The database.
        folder: The folder of the application; it is created where it does not exist.
        package: The name of its Python package.
        schemas: The schemas; none for all but the platform's.
        scratch: The URL of a server of the same major version, as a role that may create databases,
            to write the first revision; None for the embedded server.
        force: Whether files of the same names are overwritten.

    Raises:
        CommandError: The name can't be that of a package, files exist already, revisions follow the
            first one, there is no such schema, or autogenerate refuses what was found; the message
            says what to do.
        CheckError: There is no server for the scratch database.
        DBAPIError: The database can't be connected to, or not be read.
    """
    refuse_name(folder, package, "--into")
    _refuse_existing(folder, package, force=force)
    first, later = _revisions(folder, package)
    _refuse_later(package, later)
    with reading(database) as connection:
        source = read_source(connection, schemas)
    with scratch_of(source, scratch) as other:
        with renderings(other.database) as rendered:
            written = Package(source, package, rendered)
        files = written.files()
        with staged(folder) as new:
            _write(new, files)
            revision = write_first_revision(new, package, source, written.declared, other)
            _format(new, package)
            put_in_place(folder, new, first)
    if revision.refused:
        (file,), _ = _revisions(folder, package)
        raise CommandError(
            f"{file} has steps that PostgreSQL refused, each marked as undecided: write there"
            " what is to be done before the revision makes another database. The database that was"
            f" read needs it only for the stamp. Refused: {'; '.join(revision.refused)}."
        )
    return Pulled(
        sorted(files),
        len(source.definitions),
        len(written.rules),
        len(written.declared.entities),
        written.left_out,
        written.not_compared,
        _others(folder, package, files),
        revision.untried,
    )


def _refuse_existing(folder: Path, package: str, *, force: bool) -> None:
    places = [folder / package, folder / "migrations", folder / "alembic.ini"]
    existing = [each.relative_to(folder).as_posix() for each in places if _has_content(each)]
    if existing and not force:
        raise CommandError(
            f"{', '.join(existing)}: exists already in {folder.resolve()}, and is not overwritten."
            " Pull into another folder, or say --force to write them anew: what was changed there"
            " is lost."
        )


def _has_content(place: Path) -> bool:
    return place.is_file() or (place.is_dir() and any(place.iterdir()))


def _revisions(folder: Path, package: str) -> tuple[Sequence[Path], Sequence[Path]]:
    """Return the files of the first revision of an earlier pull, and those of others."""
    every = sorted((folder / "migrations" / "versions").glob("*.py"))
    first = [each for each in every if each.name.startswith(f"{package}_0001_")]
    return first, [each for each in every if each not in first]


def _refuse_later(package: str, revisions: Sequence[Path]) -> None:
    if revisions:
        names = ", ".join(each.name for each in revisions)
        raise CommandError(
            f"migrations/versions has {names}, which a new first revision {package}_0001 would"
            " contradict. Write what has changed as a further revision, by alembic revision"
            " --autogenerate, or pull into another folder."
        )


def _write(folder: Path, files: Mapping[str, str]) -> None:
    (folder / "migrations" / "versions").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _others(folder: Path, package: str, files: Collection[str]) -> Sequence[str]:
    modules = (each.relative_to(folder).as_posix() for each in (folder / package).rglob("*.py"))
    return sorted(each for each in modules if each not in files)


def _format(folder: Path, package: str) -> None:
    if importlib.util.find_spec("ruff") is None:
        return
    modules = [each.relative_to(folder).as_posix() for each in sorted(folder.rglob("*.py"))]
    own = f'lint.isort.known-first-party=["{package}"]'
    for words in (
        ("check", "--fix-only", "--quiet", "--no-cache", "--select", _FIXED, "--config", own),
        ("format", "--quiet", "--no-cache"),
    ):
        command = (sys.executable, "-m", "ruff", *words, *modules)
        subprocess.run(command, check=False, cwd=folder)  # noqa: S603 - a program of ours


_FIXED = "F401,I,PIE790,RUF022,UP034"
"""The rules of ruff that make of generated modules what one would write."""
