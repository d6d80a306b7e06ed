"""Combinations of a trigger's values that PostgreSQL refuses.

The rules are those of https://www.postgresql.org/docs/current/sql-createtrigger.html that do not
depend on what is in the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from townhall.pg import sql

if TYPE_CHECKING:
    from townhall.pg.trigger import Trigger

Rule = tuple[bool, str]


def violated_rule(trigger: Trigger) -> str | None:
    """Return what is wrong with a trigger and what to do, or None.

    Args:
        trigger: A trigger whose values have the right types.
    """
    rules = (
        *_names(trigger),
        *_events(trigger),
        *_instead_of(trigger),
        *_transition_tables(trigger),
        *_constraint(trigger),
        *_condition(trigger),
    )
    return next((why for is_violated, why in rules if is_violated), None)


def _names(trigger: Trigger) -> Iterator[Rule]:
    yield (
        not _is_qualified(str(trigger.function)),
        f"function is {trigger.function!r}: write its schema and name, as in 'public.stamp'",
    )
    referenced = trigger.referenced_table
    yield (
        referenced is not None and not _is_qualified(referenced),
        f"referenced_table is {referenced!r}: write its schema and name, as in 'public.events'",
    )
    yield (
        any("\0" in argument for argument in trigger.arguments),
        "an argument contains a zero byte, which PostgreSQL can't store",
    )


def _events(trigger: Trigger) -> Iterator[Rule]:
    yield not trigger.events, "no event is given: add events=('insert',)"
    yield _repeats(trigger.events), "an event is given twice"
    yield (
        "truncate" in trigger.events and trigger.level == "row",
        "truncate has no rows: use level='statement'",
    )
    yield (
        bool(trigger.columns) and "update" not in trigger.events,
        "columns are for update: add the event, or leave the columns out",
    )
    yield not all(trigger.columns), "the name of a column is empty"
    yield _repeats(trigger.columns), "a column is given twice"


def _instead_of(trigger: Trigger) -> Iterator[Rule]:
    is_instead = trigger.timing == "instead of"
    yield is_instead and trigger.level == "statement", "'instead of' needs level='row'"
    yield (
        is_instead and bool(trigger.columns),
        "'instead of' takes no columns: test them in the body",
    )
    yield (
        is_instead and trigger.condition is not None,
        "'instead of' takes no condition: test it in the body",
    )
    yield (
        is_instead and trigger.firing != "origin",
        "a trigger on a view fires always: leave firing out",
    )


def _transition_tables(trigger: Trigger) -> Iterator[Rule]:
    old, new = trigger.old_table, trigger.new_table
    if old is None and new is None:
        return
    words = "old_table and new_table"
    yield trigger.timing != "after", f"{words} need timing='after'"
    yield trigger.constraint, f"{words} are not for a constraint trigger"
    yield len(trigger.events) > 1, f"{words} need a trigger for each event: declare one per event"
    yield bool(trigger.columns), f"{words} take no columns: test them in the body"
    yield "truncate" in trigger.events, f"{words} are not for truncate"
    yield (
        old is not None and "insert" in trigger.events,
        "insert has no old rows: use new_table alone",
    )
    yield (
        new is not None and "delete" in trigger.events,
        "delete has no new rows: use old_table alone",
    )
    yield old == new, "old_table and new_table need different names"


def _constraint(trigger: Trigger) -> Iterator[Rule]:
    if trigger.constraint:
        yield trigger.timing != "after", "a constraint trigger needs timing='after'"
        yield trigger.level != "row", "a constraint trigger needs level='row'"
    else:
        yield trigger.deferrable, "only a constraint trigger is deferrable: add constraint=True"
        yield (
            trigger.referenced_table is not None,
            "only a constraint trigger has a referenced_table: add constraint=True",
        )
    yield (
        trigger.initially == "deferred" and not trigger.deferrable,
        "initially='deferred' needs deferrable=True",
    )


def _condition(trigger: Trigger) -> Iterator[Rule]:
    condition = trigger.condition or ""
    rows = _rows_in(condition)
    yield (
        sql.substituted(condition, "caller", "") != condition,
        "the condition can't use :caller, which is a subquery: test it in the function's body",
    )
    yield (
        bool(rows) and trigger.level == "statement",
        "the condition of a statement's trigger can't use old or new: use level='row'",
    )
    yield (
        "old" in rows and "insert" in trigger.events,
        "insert has no old row for the condition: declare a trigger for the other events",
    )
    yield (
        "new" in rows and "delete" in trigger.events,
        "delete has no new row for the condition: declare a trigger for the other events",
    )


def _is_qualified(name: str) -> bool:
    return re.fullmatch(rf"{_IDENTIFIER}\.{_IDENTIFIER}", name) is not None


def _repeats(values: tuple[str, ...]) -> bool:
    return len(set(values)) < len(values)


def _rows_in(condition: str) -> Iterable[str]:
    if "\\" in condition or "$" in condition:
        return set()  # in strings of these forms a quote does not end the string
    names = _OLD_OR_NEW.findall(_QUOTED.sub("''", condition))
    return {name.lower() for name in names}


_IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/""", re.DOTALL)
_OLD_OR_NEW = re.compile(r"(?<![.\w])(old|new)(?!\w|\s*\()", re.IGNORECASE)
