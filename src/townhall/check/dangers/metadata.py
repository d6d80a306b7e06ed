"""Where the metadata of users is read: by functions, and in columns of views.

A function or a view may read it itself, or by another one on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from townhall.check.dangers.catalog import FoundFunction, FoundPolicy, Relation, Rules
from townhall.check.dangers.expressions import columns_of_view, names, texts
from townhall.pg import View, sql
from townhall.pg.layout import without_comments

Reader = FoundFunction | Relation
_OF_ACCOUNTS, _OF_TOKENS = "raw_user_meta_data", "user_metadata"
_TRUSTED = {_OF_TOKENS: "app_metadata", _OF_ACCOUNTS: "raw_app_meta_data"}
_DEPTH = 5
"""How many functions and views may lead to each other on the way."""


@dataclass(frozen=True)
class _View:
    relation: Relation
    columns: tuple[str, ...]
    expressions: tuple[tuple[str, ...], ...]


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

    def is_read_in(self, expression: str) -> bool:
        """Tell whether an expression reads the metadata of the token itself.

        Args:
            expression: A condition of a policy, or a column of a view.
        """
        is_named = any(re.search(rf"\b{_OF_TOKENS}\b", text) for text in texts(expression))
        return is_named and bool(names(expression) & self._readers_of_tokens)

    def is_read_by(self, policy: FoundPolicy) -> bool:
        """Tell whether a policy reads the metadata of users itself.

        Args:
            policy: The policy.
        """
        conditions = [each for each in (policy.using, policy.check) if each]
        return any(map(self.is_read_in, conditions)) or any(
            name == _OF_ACCOUNTS and relation.is_table for relation, _, name in self._read(policy)
        )

    def readers(self, policy: FoundPolicy) -> list[Reader]:
        """Return the functions and views by which a policy reads the metadata of users.

        Args:
            policy: The policy.
        """
        through = [
            *(self._columns.get((each.oid, number), []) for each, number, _ in self._read(policy)),
            *(self._functions.get(oid, []) for oid in policy.functions),
        ]
        return list(dict.fromkeys(reader for each in through for reader in each))

    def _read(self, policy: FoundPolicy) -> Iterator[tuple[Relation, int, str]]:
        for oid, number, name in (each.split(" ", 2) for each in policy.columns):
            if (relation := self._rules.relations.get(int(oid))) is not None:
                yield relation, int(number), name

    def _leading_functions(self) -> Iterator[tuple[int, list[Reader]]]:
        by_name = self._functions_by_name()
        for oid, body in self._bodies.items():
            if oid in self._functions:
                continue
            if _OF_ACCOUNTS in body or (
                _OF_TOKENS in body and re.search("jwt", body, re.IGNORECASE)
            ):
                yield oid, [self._rules.functions[oid]]
                continue
            words = self._words[oid]
            found = [by_name[each] for each in sorted(words & by_name.keys())]
            found += [
                readers
                for (view, number), readers in self._columns.items()
                if {self._views[view].relation.name, self._views[view].columns[number - 1]} <= words
            ]
            if found:
                yield oid, _unique(found)

    def _leading_columns(self) -> Iterator[tuple[tuple[int, int], list[Reader]]]:
        by_name = self._functions_by_name()
        for oid, view in self._views.items():
            below = {
                self._views[other].columns[number - 1]: readers
                for (other, number), readers in self._columns.items()
                if other in view.relation.reads
            }
            for number, expressions in enumerate(view.expressions, 1):
                if (oid, number) in self._columns:
                    continue
                words = {each for expression in expressions for each in names(expression)}
                if _OF_ACCOUNTS in words - below.keys() or any(map(self.is_read_in, expressions)):
                    yield (oid, number), [view.relation]
                elif found := [
                    known[each] for known in (by_name, below) for each in words & known.keys()
                ]:
                    yield (oid, number), _unique(found)

    def _functions_by_name(self) -> Mapping[str, list[Reader]]:
        return {
            _last_name(self._rules.functions[oid]): readers
            for oid, readers in self._functions.items()
        }

    @cached_property
    def _bodies(self) -> Mapping[int, str]:
        own = [each for each in self._rules.functions.values() if each.is_own and each.body]
        return {each.oid: without_comments(each.body) for each in own}

    @cached_property
    def _words(self) -> Mapping[int, set[str]]:
        return {oid: names(body) for oid, body in self._bodies.items()}

    @cached_property
    def _views(self) -> Mapping[int, _View]:
        declared = {each.key: each for each in self._rules.entities if isinstance(each, View)}
        found = {}
        for each in self._rules.relations.values():
            if each.kind == "v" and (view := declared.get(each.key)) is not None:
                columns = view.column_names
                # The columns of the second query of a union follow those of the first.
                every = columns_of_view(view.definition)
                expressions = tuple(
                    tuple(every[number :: len(columns)]) for number in range(len(columns))
                )
                found[each.oid] = _View(each, columns, expressions)
        return found

    @cached_property
    def _readers_of_tokens(self) -> set[str]:
        # The functions that give the claims of a token, and those that call them.
        known = {"jwt", "current_setting"}
        for _ in range(_DEPTH):
            known |= {
                _last_name(self._rules.functions[oid])
                for oid, words in self._words.items()
                if words & known
            }
        return known


def trusting_the_service(text: str) -> str:
    """Return SQL that reads the metadata which only the service can write.

    Args:
        text: SQL that reads the metadata of users.
    """
    for untrusted, trusted in _TRUSTED.items():
        text = text.replace(untrusted, trusted)
    return text


def query_trusting_the_service(view: View) -> str:
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
