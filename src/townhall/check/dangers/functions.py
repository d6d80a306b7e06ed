"""Dangers of functions that run as their owner."""

from __future__ import annotations

from collections.abc import Iterable

from townhall.check.dangers.catalog import FoundFunction, Rules
from townhall.check.dangers.declarations import Declarations
from townhall.check.dangers.found import found
from townhall.check.dangers.kinds import Danger
from townhall.check.findings import Finding
from townhall.check.snapshot import in_words
from townhall.pg import PUBLIC, sql

_LAST = "pg_temp"
_PLATFORM_EXTENSIONS = "extensions"


def definer_functions(rules: Rules, declared: Declarations) -> Iterable[Finding]:
    """Yield the functions that run as their owner, and let a caller misuse that.

    Args:
        rules: The rules of the database.
        declared: What is to be declared, which their repairs change.
    """
    for function in rules.functions.values():
        if not function.is_definer or not function.is_own:
            continue
        if function.schema in rules.reachable and not function.is_trigger:
            yield from _anonymous(function, rules, declared)
        if _is_unsafe(function.search_path):
            yield _unsafe(function, rules, declared)


def _anonymous(function: FoundFunction, rules: Rules, declared: Declarations) -> Iterable[Finding]:
    grantees = rules.callers.may_be_anonymous(function.grantees)
    if not grantees:
        return
    target = f"{function.kind} {function.target}"
    kept = [each for each in rules.callers.signed_in if each not in function.grantees]
    statements = [f"revoke execute on {target} from {sql.roles(grantees)}"]
    if PUBLIC in grantees and kept:
        statements.append(f"grant execute on {target} to {sql.roles(kept)}")
    allowed = tuple(
        each
        for each in dict.fromkeys([*function.grantees, *(kept if PUBLIC in grantees else ())])
        if each not in grantees
    )
    callers = [
        f"{each.name} of {each.schema}.{each.table}"
        for each in rules.policies
        if function.oid in each.functions and PUBLIC in each.roles
    ]
    yield found(
        Danger.ANONYMOUS_DEFINER,
        in_words(function.kind, function.schema, function.signature),
        statements,
        declared.changed(function.key, execute=allowed),
        decision=f"policies for every role call it ({', '.join(callers)}): give them roles, or move"
        " it to a schema that is not exposed"
        if callers
        else None,
    )


def _is_unsafe(search_path: str | None) -> bool:
    if search_path is None:
        return True
    schemas = [each for each in sql.split_list(search_path) if each]
    # Where a path names no schema that others could hide, every name in the body is qualified.
    return not set(schemas) <= {"pg_catalog"} and schemas[-1] != _LAST


def _unsafe(function: FoundFunction, rules: Rules, declared: Declarations) -> Finding:
    path = [each for each in sql.split_list(function.search_path or "") if each]
    if not path:
        schemas = {each.schema for each in rules.functions.values()}
        path = [function.schema, "public"]
        path += [_PLATFORM_EXTENSIONS] if _PLATFORM_EXTENSIONS in schemas else []
    path = [*dict.fromkeys(each for each in path if each != _LAST), _LAST]
    words = "it has none" if function.search_path is None else f"it is {function.search_path}"
    return found(
        Danger.UNSAFE_SEARCH_PATH,
        in_words(function.kind, function.schema, function.signature),
        [f"alter {function.kind} {function.target} set search_path = {sql.quote_all(path)}"],
        declared.changed(
            function.key,
            settings={**declared.settings(function.key), "search_path": sql.join_list(path)},
        ),
        detail=words,
    )
