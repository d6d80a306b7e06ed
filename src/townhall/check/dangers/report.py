"""The dangers of a database, in the order and the words of the report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from sqlalchemy import Connection, MetaData

from townhall.check.dangers.conditions import Conditions
from townhall.check.dangers.declarations import Declarations
from townhall.check.dangers.functions import definer_functions
from townhall.check.dangers.kinds import WORDS, Danger
from townhall.check.dangers.people import columns_of_links, unclassified
from townhall.check.dangers.places import NOWHERE, Places
from townhall.check.dangers.rules import Rules
from townhall.check.dangers.tables import without_index, without_row_security
from townhall.check.dangers.views import run_as_owner
from townhall.check.findings import Finding
from townhall.check.impact import Severity
from townhall.check.report import Answer
from townhall.check.snapshot import in_words
from townhall.pg import Accepted
from townhall.printing import printable, printable_sql, python_literal

_SHOWN = 5
_KINDS = list(Danger)
_LONG_TEXT = re.compile(
    r"""\b(?P<field>body|definition)=(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
)
_SHORT = 60
"""How many characters of a body or a query are shown at most; ``--json`` has the whole."""


def dangers(
    connection: Connection,
    rules: Rules,
    places: Places = NOWHERE,
    metadata: Sequence[MetaData] = (),
) -> list[Finding]:
    """Return what is dangerous, the worst kind first, in an order in which the repairs run.

    Args:
        connection: A connection to the database within a transaction; it is only read.
        rules: The rules of the database.
        places: Where its objects are declared.
        metadata: The declared tables.
    """
    declared = Declarations(connection, rules.schemas)
    found = [
        *without_row_security(rules),
        *run_as_owner(rules, declared),
        *definer_functions(rules, declared),
        *Conditions(rules, declared).findings(),
        *without_index(rules),
        *unclassified(metadata),
    ]
    columns = columns_of_links(metadata) | {
        in_words("constraint", each.schema, each.table, each.name): each.columns
        for each in rules.foreign_keys
    }
    return [
        replace(each, declared_at=places.of(each.object, columns.get(each.object, ())))
        for each in sorted(found, key=_place)
    ]


def _place(finding: Finding) -> int:
    return _KINDS.index(Danger(finding.danger or ""))


def without_accepted(found: Iterable[Finding], accepted: Iterable[Accepted]) -> Iterator[Finding]:
    """Yield the dangers that were not accepted.

    Args:
        found: The dangers.
        accepted: Those that were looked at and do no harm.
    """
    known = {(each.danger, each.object) for each in accepted}
    return (each for each in found if (each.danger, each.object) not in known)


def stale(found: Iterable[Finding], accepted: Iterable[Accepted]) -> Iterator[Finding]:
    """Yield a note for each acceptance that fits no danger.

    Args:
        found: The dangers, with those that were accepted.
        accepted: What the application accepts.
    """
    known = {(each.danger, each.object) for each in found}
    for each in accepted:
        if (each.danger, each.object) not in known:
            danger, item = python_literal(each.danger), python_literal(each.object)
            yield Finding(
                each.object,
                f"is accepted as {each.danger!r}, and no such danger is found",
                Severity.COSMETIC,
                "if the danger comes again, it will not be told",
                f"remove pg.Accepted(danger={danger}, object={item}, …) from env.py, or correct it",
                is_drift=False,
            )


def not_told_before(found: Iterable[Finding], told: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the dangers that no difference and no note of the same severity tells already.

    Args:
        found: The dangers.
        told: The differences and the notes.
    """
    for danger in found:
        prefixes = _same(danger)
        if not any(
            each.severity.is_at_least(danger.severity) and each.object.startswith(prefixes)
            for each in told
        ):
            yield danger


def _same(danger: Finding) -> tuple[str, ...]:
    kind, _, name = danger.object.partition(" ")
    match danger.danger:
        case Danger.NO_ROW_SECURITY | Danger.UNUSED_POLICIES:
            return (f"table {name}", f"table access {name}")
        case Danger.SEVERAL_PERMISSIVE:
            return (f"policy {name} ",)
        case Danger.NO_INDEX:
            return (f"index {name.partition(' ')[0]} ", danger.object)
    return (f"{kind} {name}",)


def rules_answer(found: Sequence[Finding], exposed: Sequence[str]) -> Answer:
    """Return how many dangers there are.

    Args:
        found: The dangers.
        exposed: The schemas whose objects requests can name.
    """
    counted = Counter(each.severity for each in found)
    words = ", ".join(f"{counted[each]} {each}" for each in Severity if counted[each])
    where = f"exposed: {', '.join(exposed) or 'none'}"
    worst = next((each for each in Severity if counted[each]), Severity.COSMETIC)
    return Answer(
        "rules", f"{words or 'nothing dangerous'}; {where}", is_good=not found, severity=worst
    )


def lines(found: Iterable[Finding]) -> Iterator[str]:
    """Yield dangers as lines, each kind with its number and its first objects.

    Args:
        found: The dangers, in the order of their kinds.
    """
    for kind, group in groupby(found, key=lambda each: Danger(each.danger or "")):
        alike = list(group)
        words = WORDS[kind]
        if len(alike) == 1:
            yield f"{words.severity}: 1 {kind}. Impact: {words.impact}."
        else:
            yield f"{words.severity}: {len(alike)} {words.many}. Impact: {words.impact}."
        for each in alike[:_SHOWN]:
            yield from _shown(each)
        if len(alike) > _SHOWN:
            yield f"  and {len(alike) - _SHOWN} more, which --json has"


def _shown(finding: Finding) -> Iterator[str]:
    place = f" ({finding.declared_at})" if finding.declared_at else ""
    yield f"  {printable(finding.object)}{place}: {printable(finding.difference)}"
    if finding.decision:
        yield f"    decide first: {printable(finding.decision)}"
    yield f"    SQL:    {printable_sql(finding.repair)}"
    yield f"    Python: {printable(_LONG_TEXT.sub(_shortened, finding.python or ''))}"


def _shortened(text: re.Match[str]) -> str:
    return (
        f"{text['field']}={text['text']}" if len(text["text"]) <= _SHORT else f"{text['field']}=…"
    )
