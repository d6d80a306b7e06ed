"""Conditions of policies, as PostgreSQL writes them, and which of them implies which."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_FUNCTIONS = text(
    """
    select proname, prosrc
    from pg_proc
    where pronamespace = 'private'::regnamespace and proretset and pronargs = 0
    """
)

_MEMBERSHIP = re.compile(
    r"begin (?:perform set_config\( '[^;]*; )?return query"
    r" select mine\.id::[\w ]+ from \( (?P<query>.*) \) as mine \(id\); end"
)
_CALL = re.compile(
    r"(?P<column>[\w.]+) = ANY \(ARRAY\( SELECT private\.(?P<function>\w+)\(\).*\)\)"
)
_LOOKUP = re.compile(
    r"EXISTS \( SELECT FROM private\.(?P<function>\w+)_by_id mine"
    r" WHERE \(mine\.id = \w+\.(?P<column>\w+)\) OFFSET 0\)"
)
_ASKED = re.compile(
    r"ANY \(ARRAY\( SELECT asked\.id FROM unnest\(.*?\) asked\(id\)"
    r" WHERE private\.(?P<function>\w+)_include\(asked\.id\)\)\)"
)
_ASKING = re.compile(
    r"\((?:\(\([^()]*\) IS NOT TRUE\) OR )?"
    r"\( SELECT \(current_setting\('asked_at[^)]*\) = \(statement_timestamp\(\)\)::text\)\)"
    r" OR \(private\.\w+_ask_for\(\w+\) IS NOT NULL\)\) AND "
)
_HELPER = re.compile(r"private\.(\w+)\(\)")
_WITH_ACCOUNT = re.compile(
    r"select mine\.id from \((?P<all>.*)\) as mine \(id\) where \(select .*'is_anonymous'.*"
)


class Conditions:
    """Which condition implies which, as far as the text of both tells."""

    def __init__(self, connection: Connection) -> None:
        """Read the helper functions, one of which may return a part of another's ids."""
        self._sources = {name: _query_of(source) for name, source in connection.execute(_FUNCTIONS)}

    def implies(self, given: str, wanted: str) -> bool:
        """Tell whether every row that fulfils one condition fulfils the other."""
        given, wanted = _unwrapped(given), _unwrapped(wanted)
        if wanted in {given, "true"} or self._is_part(given, wanted):
            return True
        if len(alternatives := _parts(given, "OR")) > 1:
            return all(self.implies(each, wanted) for each in alternatives)
        if len(all_of := _parts(wanted, "AND")) > 1:
            return all(self.implies(given, each) for each in all_of)
        return (
            len(one_of := _parts(wanted, "OR")) > 1
            and any(self.implies(given, each) for each in one_of)
        ) or (
            len(facts := _parts(given, "AND")) > 1
            and any(self.implies(each, wanted) for each in facts)
        )

    def _is_part(self, given: str, wanted: str) -> bool:
        """Tell whether one looks a column up in a set that is a part of the other's set."""
        narrow, wide = _CALL.fullmatch(given), _CALL.fullmatch(wanted)
        return (
            narrow is not None
            and wide is not None
            and narrow["column"] == wide["column"]
            and self._is_narrower(narrow["function"], wide["function"])
        )

    def _is_narrower(self, narrow: str, wide: str) -> bool:
        """Tell whether a function adds conditions to another's query, or calls narrower ones."""
        if narrow == wide:
            return True
        source, wider_source = self._sources[narrow], self._sources[wide]
        with_account, wider = map(_WITH_ACCOUNT.fullmatch, (source, wider_source))
        source = with_account["all"] if with_account else source
        wider_source = wider["all"] if wider and with_account else wider_source
        if source.startswith(f"{wider_source} and "):
            return True
        calls, wider_calls = _HELPER.findall(source), _HELPER.findall(wider_source)
        return (
            bool(calls)
            and _HELPER.split(source)[::2] == _HELPER.split(wider_source)[::2]
            and all(map(self._is_narrower, calls, wider_calls))
        )


def _query_of(body: str) -> str:
    """Return a membership's query, or another body, however its lines are broken."""
    body = " ".join(body.split())
    membership = _MEMBERSHIP.fullmatch(body)
    query = membership["query"] if membership else body
    return query.replace("( ", "(").replace(" )", ")")


def _unwrapped(condition: str) -> str:
    condition = _ASKING.sub("", " ".join(condition.split()))  # it is always true
    while condition.startswith("(") and _end_of_group(condition) == len(condition) - 1:
        condition = condition[1:-1].strip()
    # tests/events/test_access.py compares the ids of both forms. What is asked for is a part.
    condition = _ASKED.sub(r"ANY (ARRAY( SELECT private.\g<function>()))", condition)
    return _LOOKUP.sub(r"\g<column> = ANY (ARRAY( SELECT private.\g<function>()))", condition)


def _end_of_group(condition: str) -> int:
    for position, depth in _depths(condition):
        if depth == 0:
            return position
    raise AssertionError(f"unbalanced: {condition}")


def _depths(condition: str) -> Iterator[tuple[int, int]]:
    """Yield each position outside quotes with the number of groups that it is in."""
    depth, is_quoted = 0, False
    for position, character in enumerate(condition):
        is_quoted ^= character == "'"
        if not is_quoted:
            depth += (character == "(") - (character == ")")
            yield position, depth


def _parts(condition: str, operator: str) -> list[str]:
    word = f" {operator} "
    ends = [
        position
        for position, depth in _depths(condition)
        if depth == 0 and condition.startswith(word, position)
    ]
    starts = [0, *(end + len(word) for end in ends)]
    return [condition[a:b] for a, b in zip(starts, [*ends, len(condition)], strict=True)]
