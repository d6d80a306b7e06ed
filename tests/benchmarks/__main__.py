"""Measure everything, and write the figures, drawings and costs: ``make bench``.

The server is that of ``DATABASE_URL``, or an embedded one for the run. ``python -m tests.benchmarks
reads --print`` measures one group, and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import page
from tests.benchmarks.frame import Bench, Group, Outcome, tell
from tests.benchmarks.groups import GROUPS, LONG_GROUPS
from townhall import embedded
from townhall.testing.databases import Databases

USUAL, LONG = 1_000_000, 10_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write and draw."""
    every = (*GROUPS, *LONG_GROUPS)
    names = [each.name for each in every]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(names)}")
    parser.add_argument("--long", action="store_true", help=f"{LONG:,} rows instead of {USUAL:,}")
    parser.add_argument("--rows", type=int, help="another number of rows")
    parser.add_argument("--seconds", type=float, default=5.0, help="for all turns of one line")
    parser.add_argument("--print", action="store_true", help="print the blocks, and write nothing")
    options = parser.parse_args(arguments)
    unknown = {*options.groups} - {*names}
    if unknown:
        parser.error(f"there is no group {', '.join(sorted(unknown))}; there are {names}")
    rows = options.rows or (LONG if options.long else USUAL)
    with _server() as server:
        usual = every if options.long else GROUPS
        chosen = [each for each in every if each.name in options.groups] or usual
        run(Bench(Databases(server), rows, options.seconds), chosen, writes=not options.print)


def run(bench: Bench, groups: Iterable[Group], *, writes: bool) -> None:
    """Measure some groups.

    What was measured of the others is written where a group fails.

    Args:
        bench: Where they run.
        groups: The groups.
        writes: Whether the page and the drawings are written, instead of printed.

    Raises:
        ExceptionGroup: Groups failed; a note of each exception names its group.
    """
    taken = page.conditions(bench.databases.server, bench.rows)
    costs, errors = [], []
    for group in groups:
        tell(f"\n{group.name}")
        begin = time.perf_counter()
        try:
            outcome = group.run(bench)
        except Exception as error:  # noqa: BLE001 - raised again, behind the other groups
            error.add_note(f"It was the group {group.name}.")
            traceback.print_exception(error)
            errors.append(error)
            continue
        tell(f"{(time.perf_counter() - begin) / 60:8.1f} minutes")
        if outcome.worst:  # a group that is for a decision has no goals
            costs.append(page.worst(group.name, outcome))
        _tell_or_write(group.name, outcome, taken, writes=writes)
    if writes:
        readme = page.README.read_text("utf-8")
        page.README.write_text(page.with_costs(readme, costs), "utf-8")
    tell("\n".join(("", "The worst of each group:", *costs)))
    if errors:
        raise ExceptionGroup("groups failed", errors)


def _tell_or_write(name: str, outcome: Outcome, taken: str, *, writes: bool) -> None:
    block = page.text_of(name, outcome, taken)
    if not writes:
        tell(f"\n{block}")
        return
    # Here, since the tests run this without what draws.
    from tests.benchmarks.drawing import draw  # noqa: PLC0415

    draw(outcome, page.PAGE.parent / "images" / f"{name}.svg")
    changed = page.replaced(page.PAGE.read_text("utf-8"), name, block)
    page.PAGE.write_text(changed, "utf-8")


@contextmanager
def _server() -> Iterator[str]:
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    with TemporaryDirectory(prefix="townhall-bench-") as folder:
        Path(folder).chmod(0o755)
        with embedded.start(folder) as server:
            yield server.url


if __name__ == "__main__":
    main()
