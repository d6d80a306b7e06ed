"""Dangers of functions that run as their owner."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from townhall.check.dangers.declarations import Declarations
from townhall.check.dangers.found import found
from townhall.check.dangers.kinds import Danger
from townhall.check.dangers.rules import FoundFunction, Rules
from townhall.check.findings import Finding
from townhall.check.snapshot import in_words
from townhall.pg import PUBLIC, sql
from townhall.pg.privileges import split_grantee

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
        if _is_unsafe(function.search_path) or _creatable(_path(function), rules):
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
    allowed = _without(declared.executing(function.key), grantees)
    allowed += tuple(kept if PUBLIC in grantees else ())
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


def _without(grantees: Iterable[str], roles: Collection[str]) -> tuple[str, ...]:
    return tuple(each for each in grantees if split_grantee(each)[0] not in roles)


def _is_unsafe(search_path: str | None) -> bool:
    if search_path is None:
        return True
    schemas = [each for each in sql.split_list(search_path) if each]
    # Where a path names no schema that others could hide, every name in the body is qualified.
    is_last = schemas[-1:] == [_LAST] and _LAST not in schemas[:-1]
    return not set(schemas) <= {"pg_catalog"} and not is_last


def _path(function: FoundFunction) -> list[str]:
    return [each for each in sql.split_list(function.search_path or "") if each]


def _creatable(path: Iterable[str], rules: Rules) -> list[str]:
    return [each for each in path if each in rules.creators]


def _unsafe(function: FoundFunction, rules: Rules, declared: Declarations) -> Finding:
    path, repairs, python = _path(function), [], []
    words = "it has none" if function.search_path is None else f"it is {function.search_path}"
    if _is_unsafe(function.search_path):
        path = _safe(path, function, rules)
        repairs.append(
            f"alter {function.kind} {function.target} set search_path = {sql.quote_all(path)}"
        )
        settings = {**declared.settings(function.key), "search_path": sql.join_list(path)}
        python.append(declared.changed(function.key, settings=settings))
    for schema in _creatable(path, rules):
        creators, key = rules.creators[schema], ("schema access", schema)
        words += f", and {', '.join(creators)} may create in {schema}"
        repairs.append(f"revoke create on schema {sql.quote(schema)} from {sql.roles(creators)}")
        python.append(declared.changed(key, create=_without(declared.creating(key), creators)))
    return found(
        Danger.UNSAFE_SEARCH_PATH,
        in_words(function.kind, function.schema, function.signature),
        repairs,
        ", ".join(python),
        detail=words,
    )


def _safe(path: Sequence[str], function: FoundFunction, rules: Rules) -> list[str]:
    if not path:
        schemas = {each.schema for each in rules.functions.values()}
        path = [function.schema, "public"]
        path += [_PLATFORM_EXTENSIONS] if _PLATFORM_EXTENSIONS in schemas else []
    return [*dict.fromkeys(each for each in path if each != _LAST), _LAST]
