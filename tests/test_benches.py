"""The frame of the benchmarks, on a few rows: that it runs, compares and writes."""

from __future__ import annotations

import gc
import re
from dataclasses import dataclass, replace
from functools import partial

import pytest

from tests.benchmarks import __main__ as bench_command
from tests.benchmarks import page
from tests.benchmarks.frame import (
    Bench,
    Figure,
    Group,
    Measurement,
    Outcome,
    Taken,
    measured,
    timed,
)
from tests.benchmarks.groups import GROUPS, LONG_GROUPS, autogenerate
from townhall.testing.databases import Databases


@pytest.mark.exhaustive
@pytest.mark.parametrize("group", [*GROUPS, *LONG_GROUPS], ids=lambda each: each.name)
def test_each_group_of_the_benchmarks_runs_on_few_rows_and_has_its_place_in_the_page(
    group: Group, townhall_databases: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    if isinstance(group, autogenerate.Autogenerate):
        group = replace(group, tools=("floor", "with_townhall"), sizes=(10, 20))
    bench = Bench(townhall_databases, rows=200, seconds=0)
    bench_command.run(bench, [group], writes=False)
    name = group.name
    block = capsys.readouterr().out
    assert "| ratio | goal |" in block
    assert block in page.replaced(page.PAGE.read_text("utf-8"), name, block)


def test_each_line_of_the_page_says_what_it_compares() -> None:
    lines = re.findall(
        r"^\| ([^|]+) \| [^|]+ \| [^|]+ \| ([^|]+) \| ", page.PAGE.read_text("utf-8"), re.MULTILINE
    )
    assert len(lines) > len(GROUPS)
    assert [line for line in lines if lines.count(line) > 1] == []


def test_sides_with_different_results_are_refused_and_named() -> None:
    measurement = Measurement("read rows", lambda: Taken(1, 5), lambda: Taken(1, 6), "by hand")
    with pytest.raises(RuntimeError, match="read rows: 5, and beside it 6"):
        measured(measurement, 0)


def test_sides_take_turns() -> None:
    turns: list[str] = []
    ours, comparison = (timed(partial(turns.append, each)) for each in "oc")
    measured(Measurement("read rows", ours, comparison, "by hand"), 0)
    assert turns == ["c", "o", *("oc" * 3)]


def test_garbage_of_one_side_is_not_collected_in_the_turn_of_the_other() -> None:
    collected: list[str] = []
    running = ""

    def side(name: str, cycles: int) -> Taken:
        nonlocal running
        running = name
        for _ in range(cycles):
            cycle: list[object] = []
            cycle.append(cycle)
        running = ""
        return Taken(1)

    def note(phase: str, _: dict[str, int]) -> None:
        if phase == "start" and running:
            collected.append(running)

    few, many = partial(side, "few", 400), partial(side, "many", 2 * gc.get_threshold()[0])
    gc.collect()
    gc.callbacks.append(note)
    try:
        measured(Measurement("read rows", many, few, "by hand"), 0)
    finally:
        gc.callbacks.remove(note)
    assert {*collected} == {"many"}
    assert gc.get_freeze_count() == 0


def test_a_figure_above_its_goal_is_marked_and_the_worst_is_told() -> None:
    good = Figure("good", "by hand", 1.1, 1.0, 1.3)
    short = Figure("bad", "by hand", 3.0, 1.0, 1.5)
    without = Figure("long", "by hand", 90.0, 1.0)
    outcome = Outcome([good, short, without])
    assert "| good | 1.1 s | 1.0 s | by hand | 1.10 | ≤ 1.30 |" in page.table(outcome.figures)
    assert "| 3.00 | ≤ 1.50, **falls short** |" in page.table(outcome.figures)
    assert page.worst("reads", outcome) == (
        "| reads | bad, beside by hand | 3.00 | ≤ 1.50, falls short |"
    )


def test_half_a_sentence_says_why_the_worst_figure_falls_short() -> None:
    short = Figure("bad", "by hand", 3.0, 1.0, 1.5, "each row is looked up")
    assert page.worst("reads", Outcome([short])) == (
        "| reads | bad, beside by hand: each row is looked up | 3.00 | ≤ 1.50, falls short |"
    )
    assert "| ≤ 1.50, **falls short**: each row is looked up |" in page.table([short])
    good = short._replace(ours=1.0)
    assert "looked up" not in page.table([good])
    assert "looked up" not in page.worst("reads", Outcome([good]))


def test_group_that_fails_is_named_and_the_others_are_measured(
    townhall_databases: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    @dataclass(frozen=True)
    class Of:
        name: str
        figure: Figure | None

        def run(self, bench: Bench) -> Outcome:
            assert self.figure, f"nothing at {bench.rows} rows"
            return Outcome([self.figure])

    groups = [Of("bad", None), Of("good", Figure("read", "by hand", 1.0, 1.0, 1.5))]
    with pytest.raises(ExceptionGroup) as raised:
        bench_command.run(Bench(townhall_databases, rows=7), groups, writes=False)
    (error,) = raised.value.exceptions
    assert error.__notes__ == ["It was the group bad."]
    assert "| good | read, beside by hand | 1.00 | ≤ 1.50 |" in capsys.readouterr().out


def test_a_page_without_a_place_for_a_group_is_refused() -> None:
    with pytest.raises(ValueError, match="reads: begin"):
        page.replaced("# Performance\n", "reads", "block")


def test_costs_of_other_groups_stay_in_the_readme() -> None:
    readme = page.README.read_text("utf-8")
    first = page.with_costs(readme, ["| usage | a | 1 | ≤ 1 |", "| reads | b | 1 | ≤ 1 |"])
    second = page.with_costs(first, ["| reads | c | 2 | ≤ 1 |"])
    assert "| usage | a | 1 | ≤ 1 |\n" in second
    assert "| reads | c | 2 | ≤ 1 |\n" in second
    assert "| reads | b |" not in second
    assert page.with_costs(second, []) == second
