"""What imports and commands take, which is mostly loading.

Where nothing waits for the server, the seconds are processor time of whole processes: other work of
the machine counts less in it.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.frame import Bench, Comparisons, Measurement, Side, Taken
from townhall import embedded
from townhall.migrate import upgrade

_ROOT = Path(__file__).parents[3]
_LIBRARIES = (
    "from sqlalchemy.orm import DeclarativeBase\n"
    "import sqlalchemy.dialects.postgresql.psycopg, sqlalchemy.ext.asyncio\n"
    "from pydantic import BaseModel"
)
_IMPORTS = {
    "from townhall import Participant, SessionFactory": "two domains are mapped",
    "from townhall import *": "plain classes of the tables with alembic-utils alone take 1.4",
}
"""Statements, and what makes them long."""
_COMMANDS = {
    "alembic check": "it also compares what is declared with the catalogs",
    "alembic upgrade head": "",
    "townhall status": "",
}
_OF_LIBRARIES = "SQLAlchemy's ORM, asyncio and dialect with Pydantic"
_LOADED = "loaded "
_LISTING = """
import atexit, runpy, sys

@atexit.register
def tell():
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if spec is not None and spec.name == name != "__main__":
            print("loaded", name, file=sys.stderr)

runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


@contextmanager
def _measurements(bench: Bench) -> Iterator[Iterator[Measurement]]:
    with bench.databases.create() as url, TemporaryDirectory(prefix="townhall-bench-") as folder:
        upgrade(url)
        Path(folder).chmod(
            0o755
        )  # the server of a check runs as another account, if root does this
        with embedded.start(Path(folder, ".townhall")):
            yield _each(bench, url, Path(folder))


def _each(bench: Bench, url: str, folder: Path) -> Iterator[Measurement]:
    run = Programs({"DATABASE_URL": url}, folder / "bytecode")
    for statement, why in _IMPORTS.items():
        ours, comparison = (run.processor("-c", each) for each in (statement, _LIBRARIES))
        yield Measurement(f"`{statement}`", ours, comparison, _OF_LIBRARIES, 1.25, why)
    for words in ("--help", "url"):
        yield Measurement(
            f"`townhall {words}`",
            run.processor("-m", "townhall", words),
            run.processor("-m", "alembic", "--help"),
            "`alembic --help`",
            1.2,
        )
    for words, why in _COMMANDS.items():
        yield Measurement(
            f"`{words}` with nothing to do",
            run.processor("-m", *words.split()),
            run.processor("-c", run.imports_of(*words.split())),
            "the import of the modules that it loads",
            1.2,
            why,
        )
    yield _tests(run, folder)
    yield _migration(bench, run, folder)
    yield _second_check(run.in_folder(folder), url)


def _second_check(run: Programs, url: str) -> Measurement:
    """Compare a check whose scratch database the turn that warms up has made with Alembic's."""
    return Measurement(
        "`townhall check` a second time",
        run.wall("-m", "townhall", "check", "--url", url, "--role", "authenticated"),
        run.wall("-m", "alembic", "--config", str(_ROOT / "alembic.ini"), "check"),
        "`alembic check`",
        3,
    )


def _tests(run: Programs, folder: Path) -> Measurement:
    tests = folder / "test_nothing.py"
    tests.write_text("def test_nothing():\n    pass\n", "utf-8")
    arguments = ("-m", "pytest", f"--rootdir={folder}", "-p", "no:cacheprovider", str(tests))
    alone = run.with_settings(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    return Measurement(
        "a pytest run that uses no fixture of townhall",
        alone.processor(*arguments, "-p", "townhall.testing"),
        alone.processor(*arguments),
        "the same without the plugin",
        1.1,
    )


def _migration(bench: Bench, run: Programs, folder: Path) -> Measurement:
    """Compare the revisions, run in this process, with psql running the script of them."""
    script = folder / "script.sql"
    program = shutil.which("psql") or embedded.bin_directory() / "psql"
    script.write_bytes(run.output("-m", "alembic", "upgrade", "head", "--sql"))

    def by_psql(url: str) -> None:
        name = url.replace("postgresql+psycopg:", "postgresql:")
        arguments = (program, "--quiet", "--set=ON_ERROR_STOP=1", f"--file={script}", name)
        subprocess.run(arguments, check=True, capture_output=True)  # noqa: S603 - the script is ours

    def side(upgrade_by: Callable[[str], None]) -> Side:
        def on_an_empty_database() -> Taken:
            with bench.databases.create() as url:
                begin = time.perf_counter()
                upgrade_by(url)
                return Taken(time.perf_counter() - begin)

        return on_an_empty_database

    return Measurement(
        "all revisions in an empty database",
        side(upgrade),
        side(by_psql),
        "`psql` with the script of `alembic upgrade head --sql`",
        2,
    )


@dataclass(frozen=True)
class Programs:
    """Python processes, whose modules are compiled once, as an installer does it.

    Attributes:
        settings: What is set in their environment.
        bytecode: The folder for the compiled modules.
        folder: Where they run.
    """

    settings: Mapping[str, str]
    bytecode: Path
    folder: Path = _ROOT

    def with_settings(self, **settings: str) -> Programs:
        """Return the same with more settings."""
        return replace(self, settings={**self.settings, **settings})

    def in_folder(self, folder: Path) -> Programs:
        """Return the same in another folder."""
        return replace(self, folder=folder)

    def processor(self, *arguments: str) -> Side:
        """Return a side that runs Python, whose seconds are the processor time of the process."""

        def side() -> Taken:
            begin = _of_children()
            self.output(*arguments)
            return Taken(_of_children() - begin)

        return side

    def wall(self, *arguments: str) -> Side:
        """Return a side that runs Python, whose seconds are those until it ends."""

        def side() -> Taken:
            begin = time.perf_counter()
            self.output(*arguments)
            return Taken(time.perf_counter() - begin)

        return side

    def imports_of(self, *command: str) -> str:
        """Return a program that imports the modules which a command loads.

        Args:
            command: The module to run, with its arguments.
        """
        told = self._run("-c", _LISTING, *command).stderr.decode().splitlines()
        names = [line.removeprefix(_LOADED) for line in told if line.startswith(_LOADED)]
        return f"from importlib import import_module\nfor name in {names}: import_module(name)"

    def output(self, *arguments: str) -> bytes:
        """Run Python to its end, and return what it prints."""
        return self._run(*arguments).stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        environment = os.environ | self.settings | {"PYTHONPYCACHEPREFIX": str(self.bytecode)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(  # noqa: S603 - the programs are ours
            (sys.executable, *arguments),
            cwd=self.folder,
            env=environment,
            check=False,
            capture_output=True,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments):.80}: {(done.stdout + done.stderr).decode()}")
        return done


def _of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


GROUP = Comparisons("tools", _measurements)
