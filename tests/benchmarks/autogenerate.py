"""Measure autogenerate, write the figures into ``docs/performance.md`` and draw them.

``make bench``, or ``python -m tests.benchmarks.autogenerate`` in an environment with the extra
``bench``. It takes about half an hour, nearly all of it for the slowest tools.
"""
# ruff: noqa: T201 - printing is what --print is for

from __future__ import annotations

import argparse
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from tests.benchmarks import reporting
from tests.benchmarks.measuring import SIZES, TOOLS, measure_commands, measure_tools
from townhall import embedded


def main() -> None:
    """Measure, write and draw."""
    parser = argparse.ArgumentParser(description="Measure autogenerate beside the other tools.")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of entities")
    parser.add_argument("--tools", nargs="+", default=TOOLS, choices=TOOLS)
    parser.add_argument("--print", action="store_true", help="print the text, and write nothing")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="townhall-bench-") as folder, embedded.start(folder) as server:
        url = make_url(server.url)
        commands = measure_commands(url)
        figures = measure_tools(url, options.tools, options.sizes)
        figures_as_text = reporting.text_of(url, figures, commands)
    if options.print:
        print(figures_as_text)
    else:
        reporting.write(figures_as_text)
        reporting.draw(figures)


if __name__ == "__main__":
    main()
