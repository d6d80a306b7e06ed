"""The figures in the documentation: a block for each group, between two comments."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine, text

from tests.benchmarks.frame import Figure, Outcome

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"

_COSTS = ("| | figure | ratio | goal |", "|---|---|--:|--:|")


def conditions(server: URL, rows: int) -> str:
    """Return under which conditions a run was taken.

    Args:
        server: The server that it runs on.
        rows: How many rows the largest tables have.
    """
    with create_engine(server, poolclass=NullPool).connect() as connection:
        postgresql = connection.scalar(text("select current_setting('server_version')"))
    libraries = ", ".join(f"{each} {version(each.lower())}" for each in ("Alembic", "SQLAlchemy"))
    return (
        f"Commit {_commit()}, PostgreSQL {postgresql}, Python {platform.python_version()},"
        f" {libraries}, {os.cpu_count()} processors; tables of up to {rows:,} rows."
    )


def _commit() -> str:
    described = subprocess.run(
        ("git", "describe", "--always", "--dirty=, with changes"),  # noqa: S607 - git of the path
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    return described.stdout.strip() or f"of townhall {version('townhall')}"


def text_of(name: str, outcome: Outcome, taken: str) -> str:
    """Return the block of a group in Markdown.

    Args:
        name: The group's name.
        outcome: What came of it.
        taken: The conditions of the run.
    """
    parts = [taken]
    if outcome.text:
        parts.append(outcome.text)
    if outcome.figures:
        parts.append(table(outcome.figures))
    parts.append(f"![{_caption(outcome)}](images/{name}.svg)")
    return "\n\n".join(parts)


def table(figures: Sequence[Figure]) -> str:
    """Return figures as a table in Markdown."""
    lines = ["| | ours | the comparison | | ratio | goal |", "|---|--:|--:|---|--:|--:|"]
    lines += [f"| {' | '.join(_cells(each))} |" for each in figures]
    return "\n".join(lines)


def _cells(figure: Figure) -> Iterable[str]:
    yield figure.name
    yield duration(figure.ours)
    yield duration(figure.comparison)
    yield figure.beside
    yield ratio(figure.ratio)
    if figure.goal is None:
        yield ""
    else:
        short = f", **falls short**{_reason(figure)}" if figure.is_short else ""
        yield f"≤ {ratio(figure.goal)}{short}"


def _reason(figure: Figure) -> str:
    return f": {figure.why}" if figure.why else ""


def _caption(outcome: Outcome) -> str:
    if outcome.curves:
        return "Seconds by number, with a scale of powers of ten on both sides"
    return "Each ratio beside its goal, with a scale of powers of ten"


def duration(seconds: float) -> str:
    """Return seconds as text, in the unit that reads best."""
    if seconds >= 1:
        return f"{seconds:.{1 if seconds < 10 else 0}f} s"
    milliseconds = seconds * 1000
    if milliseconds >= 1:
        return f"{milliseconds:.{1 if milliseconds < 10 else 0}f} ms"
    return f"{milliseconds * 1000:.0f} µs"


def ratio(value: float) -> str:
    """Return a ratio as text, with as many digits as say something."""
    return f"{value:.2g}" if value < 0.1 else f"{value:.{2 if value < 10 else 0}f}"


def replaced(page: str, name: str, block: str) -> str:
    """Return a page with another block of a group in place of the last one.

    Args:
        page: The page.
        name: The group's name.
        block: The block.

    Raises:
        ValueError: The page has no place for the group.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"the page has no lines {begin.strip()} and {end.strip()}; write them")
    return f"{before}{begin}\n{block}\n\n{end}{after}"


def worst(name: str, outcome: Outcome) -> str:
    """Return the line of the README's table of costs for a group."""
    figure = outcome.worst
    if figure is None or figure.goal is None:
        return f"| {name} | | | |"
    short = ", falls short" if figure.is_short else ""
    why = _reason(figure) if figure.is_short else ""
    return (
        f"| {name} | {figure.name}, beside {figure.beside}{why} | {ratio(figure.ratio)}"
        f" | ≤ {ratio(figure.goal)}{short} |"
    )


def with_costs(readme: str, lines: Iterable[str]) -> str:
    """Return the README with other lines of some groups in its table of costs.

    Args:
        readme: The README.
        lines: What :func:`worst` returned for these groups.
    """
    _, _, rest = readme.partition("<!-- costs: begin -->")
    last, _, _ = rest.partition("<!-- costs: end -->")
    new = list(lines)
    groups = {_group(each) for each in new}
    kept = (
        each
        for each in last.splitlines()
        if each.startswith("|") and each not in _COSTS and _group(each) not in groups
    )
    return replaced(readme, "costs", "\n".join((*_COSTS, *kept, *new)))


def _group(line: str) -> str:
    return line.split("|")[1].strip()
