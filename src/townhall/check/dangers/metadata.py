"""Where the metadata of users is read: by functions, and in columns of views.

A function or a view may read it itself, or by another one on the way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from townhall.check.dangers.catalog import ACCOUNT_METADATA, CLAIM_METADATA, SETTING_FUNCTIONS
from townhall.check.dangers.expressions import (
    ALIASES,
    fields_of_records,
    names,
    texts,
    without_lists_of_exists,
)
from townhall.check.dangers.lineage import Lineage, Sources
from townhall.check.dangers.node_trees import parsed
from townhall.check.dangers.rules import FoundFunction, FoundPolicy, Relation, Rules
from townhall.pg import MaterializedView, View, sql
from townhall.pg.layout import without_comments

Reader = FoundFunction | Relation
_TRUSTED = {CLAIM_METADATA: "app_metadata", ACCOUNT_METADATA: "raw_app_meta_data"}
_KEY = re.compile(rf"\b{CLAIM_METADATA}\b")
_STORED_KEY = re.compile(_KEY.pattern.encode())
_ACCOUNT_KEY = re.compile(rf"\b{ACCOUNT_METADATA}\b")
_STORED_ACCOUNT_KEY = re.compile(_ACCOUNT_KEY.pattern.encode())
_DEPTH = 5
"""How many functions and views may lead to each other on the way."""
_ROWS = 0
"""In the place of the number of a column: which rows a view has."""


@dataclass(frozen=True)
class _View:
    relation: Relation
    columns: tuple[str, ...]
    sources: Mapping[int, Sources]


class Metadata:
    """What of a database leads to the metadata of users."""

    def __init__(self, rules: Rules) -> None:
        """Begin with the rules of a database.

        Args:
            rules: The rules.
        """
        self._rules = rules
        self._functions: dict[int, list[Reader]] = {}
        self._columns: dict[tuple[int, int], list[Reader]] = {}
        for _ in range(_DEPTH):
            functions, columns = dict(self._leading_functions()), dict(self._leading_columns())
            if not functions and not columns:
                break
            self._functions |= functions
            self._columns |= columns

    def is_read_by(self, policy: FoundPolicy) -> bool:
        """Tell whether a policy reads the metadata of users itself.

        Args:
            policy: The policy.
        """
        read = list(self._read(policy))
        has_claims = any((each.oid, number) in self._claims for each, number, _ in read)
        columns = {name for _, _, name in read}
        return any(
            (self._is_key_in(condition, columns))
            and (has_claims or names(condition) & self._readers_of_tokens)
            for condition in (policy.using, policy.check)
            if condition
        ) or self._is_of_account(policy, read)

    def _is_key_in(self, condition: str, columns: Collection[str]) -> bool:
        # A column of that name may be one of a function that takes a token apart.
        named = names(ALIASES.sub("", condition))
        is_made = CLAIM_METADATA in named and CLAIM_METADATA not in columns
        is_field = CLAIM_METADATA in fields_of_records(condition)
        return is_made or is_field or any(map(_KEY.search, texts(condition)))

    def _is_of_account(
        self, policy: FoundPolicy, read: Iterable[tuple[Relation, int, str]]
    ) -> bool:
        stored = self._rules.metadata
        tables = [(each.oid, at) for each, at, _ in read if each.is_table and each.oid in stored]
        conditions = [
            ALIASES.sub("", without_lists_of_exists(each))
            for each in (policy.using, policy.check)
            if each
        ]
        is_column = any(stored[oid] == number for oid, number in tables) and any(
            ACCOUNT_METADATA in names(each) for each in conditions
        )
        # It may be taken out of the whole row by its name, also out of that which a function gives.
        return is_column or any(
            (tables or names(each) & self._readers_of_accounts) and _takes_account_key(each)
            for each in conditions
        )

    def readers(self, policy: FoundPolicy) -> list[Reader]:
        """Return the functions and views by which a policy reads the metadata of users.

        Args:
            policy: The policy.
        """
        keys = ((each.oid, at) for each, number, _ in self._read(policy) for at in (number, _ROWS))
        through = [
            *(self._columns.get(key, []) for key in keys),
            *(self._functions.get(oid, []) for oid in policy.functions),
        ]
        return _unique(through)

    def _read(self, policy: FoundPolicy) -> Iterator[tuple[Relation, int, str]]:
        for oid, number, name in (each.split(" ", 2) for each in policy.columns):
            if (relation := self._rules.relations.get(int(oid))) is not None:
                yield relation, int(number), name

    def _leading_functions(self) -> Iterator[tuple[int, list[Reader]]]:
        by_name = self._functions_by_name()
        for oid, body in self._bodies.items():
            if oid in self._functions:
                continue
            if ACCOUNT_METADATA in body or (
                CLAIM_METADATA in body and re.search("jwt", body, re.IGNORECASE)
            ):
                yield oid, [self._rules.functions[oid]]
                continue
            words = self._words[oid]
            found = [by_name[each] for each in sorted(words & by_name.keys())]
            found += [
                readers
                for (view, number), readers in self._columns.items()
                if self._words_for(view, number) <= words
            ]
            if found:
                yield oid, _unique(found)

    def _words_for(self, view: int, number: int) -> set[str]:
        known = self._views[view]
        column = [] if number == _ROWS else [known.columns[number - 1]]
        return {known.relation.name, *column}

    def _leading_columns(self) -> Iterator[tuple[tuple[int, int], list[Reader]]]:
        for oid, view in self._views.items():
            for number, sources in view.sources.items():
                if (oid, number) in self._columns:
                    continue
                if self._is_metadata(sources):
                    yield (oid, number), [view.relation]
                elif found := _unique(self._leading_to(sources)):
                    yield (oid, number), found

    def _is_metadata(self, sources: Sources) -> bool:
        stored = self._rules.metadata
        is_column = any(stored.get(oid) == number for oid, number in sources.columns)
        has_row = self._calls_reader_of_accounts(sources) or any(
            number == 0 and oid in stored for oid, number in sources.columns
        )
        is_key = has_row and _has(sources, _STORED_ACCOUNT_KEY)
        return is_column or is_key or (self._has_claims(sources) and _has(sources, _STORED_KEY))

    def _calls_reader_of_accounts(self, sources: Sources) -> bool:
        called = sources.functions & self._rules.functions.keys()
        return any(
            _last_name(self._rules.functions[oid]) in self._readers_of_accounts for oid in called
        )

    def _leading_to(self, sources: Sources) -> Iterator[list[Reader]]:
        for oid in sources.functions:
            yield self._functions.get(oid, [])
        for oid in sources.relations:
            yield self._columns.get((oid, _ROWS), [])
        for oid, number in sources.columns:
            for (view, column), readers in self._columns.items():
                if view == oid and (number in {0, column} or column == _ROWS):
                    yield readers

    def _has_claims(self, sources: Sources) -> bool:
        return bool(sources.functions & self._functions_of_tokens or sources.columns & self._claims)

    def _functions_by_name(self) -> Mapping[str, list[Reader]]:
        return {
            _last_name(self._rules.functions[oid]): readers
            for oid, readers in self._functions.items()
        }

    @cached_property
    def _bodies(self) -> Mapping[int, str]:
        own = [each for each in self._rules.functions.values() if each.is_own and each.body]
        return {each.oid: without_lists_of_exists(without_comments(each.body)) for each in own}

    @cached_property
    def _words(self) -> Mapping[int, set[str]]:
        return {oid: names(body) for oid, body in self._bodies.items()}

    @cached_property
    def _views(self) -> Mapping[int, _View]:
        found = {}
        for oid, view in self._rules.queries.items():
            lineage = Lineage(parsed(view.query[1:-1]), self._rules.metadata_fields)
            numbers = range(1, len(view.columns) + 1)
            sources = {_ROWS: lineage.of_rows(), **{n: lineage.of_column(n) for n in numbers}}
            found[oid] = _View(self._rules.relations[oid], view.columns, sources)
        return found

    @cached_property
    def _readers_of_tokens(self) -> set[str]:
        # The functions that give the claims of a token, and those that call them.
        return self._with_callers({"jwt", "current_setting"})

    @cached_property
    def _readers_of_accounts(self) -> set[str]:
        # The functions that name a table with the metadata, and those that call them.
        known = self._rules.relations
        tables = {known[oid].name for oid in self._rules.metadata if oid in known}
        return self._with_callers(tables) - tables

    def _with_callers(self, known: set[str]) -> set[str]:
        # With the functions that name one of them, and those that call these.
        for _ in range(_DEPTH):
            known = known | {
                _last_name(self._rules.functions[oid])
                for oid, words in self._words.items()
                if words & known
            }
        return known

    @cached_property
    def _functions_of_tokens(self) -> frozenset[int]:
        every = self._rules.functions.values()
        return SETTING_FUNCTIONS | {
            each.oid for each in every if _last_name(each) in self._readers_of_tokens
        }

    @cached_property
    def _claims(self) -> set[tuple[int, int]]:
        # The columns of views that may have the claims of a token, or a part of them.
        known: set[tuple[int, int]] = set()
        for _ in range(_DEPTH):
            known |= {
                (oid, number)
                for oid, view in self._views.items()
                for number, sources in view.sources.items()
                if sources.functions & self._functions_of_tokens or sources.columns & known
            }
        return known


def _has(sources: Sources, key: re.Pattern[bytes]) -> bool:
    return any(map(key.search, sources.texts))


def _takes_account_key(condition: str) -> bool:
    is_text = any(map(_ACCOUNT_KEY.search, texts(condition)))
    return is_text or ACCOUNT_METADATA in fields_of_records(condition)


def trusting_the_service(text: str) -> str:
    """Return SQL that reads the metadata which only the service can write.

    Args:
        text: SQL that reads the metadata of users.
    """
    parts = ALIASES.split(text)
    for untrusted, trusted in _TRUSTED.items():
        parts[::2] = [each.replace(untrusted, trusted) for each in parts[::2]]
    return "".join(parts)


def query_trusting_the_service(view: View | MaterializedView) -> str:
    """Return the query of a view that reads that metadata, with the same names of columns.

    Args:
        view: The view.
    """
    query = trusting_the_service(view.definition.rstrip(";"))
    names_of_columns = view.column_names
    if [trusting_the_service(each) for each in names_of_columns] == [*names_of_columns]:
        return query
    numbered = [f"c{number}" for number, _ in enumerate(names_of_columns, 1)]
    named = ", ".join(
        f"{number} as {sql.quote(name)}"
        for number, name in zip(numbered, names_of_columns, strict=True)
    )
    return f"select {named} from (\n{query}\n) as trusted ({', '.join(numbered)})"


def _unique(found: Iterable[list[Reader]]) -> list[Reader]:
    return list(dict.fromkeys(reader for each in found for reader in each))


def _last_name(function: FoundFunction) -> str:
    return next(iter(names(function.literal)))
