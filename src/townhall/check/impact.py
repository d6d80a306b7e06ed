"""What a difference means for security and function, and how severe that is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from townhall.check.snapshot import Object
from townhall.pg import PUBLIC, Routine
from townhall.pg.privileges import Privilege
from townhall.roles import Roles


class Severity(StrEnum):
    """How severe a difference is."""

    SECURITY = "security"
    """There is undeclared access, or a constraint, policy or trigger is not enforced."""

    FUNCTIONAL = "functional"
    """Statements fail, or have another result than declared."""

    PERFORMANCE = "performance"
    """Statements take longer than they need to."""

    COSMETIC = "cosmetic"
    """None of these."""

    def is_at_least(self, other: Severity) -> bool:
        """Tell whether it is as severe as another one, or more so."""
        order = list(Severity)  # the most severe first
        return order.index(self) <= order.index(other)


class Impact(NamedTuple):
    """What a difference means."""

    severity: Severity
    text: str


_SECURITY, _FUNCTIONAL, _COSMETIC = Severity.SECURITY, Severity.FUNCTIONAL, Severity.COSMETIC
_NOT_LIMITED_BY_POLICIES = {"truncate", "references", "trigger", "maintain"}

_STATEMENTS_FAIL = Impact(_FUNCTIONAL, "statements that name it fail")
_CALLS_FAIL = Impact(_FUNCTIONAL, "its callers fail, including policies and triggers")
_QUERIES_FAIL = Impact(_FUNCTIONAL, "queries that read it fail")
_UNDECLARED_CODE = Impact(_COSMETIC, "undeclared code that runs with its caller's rights")
_PLAN = Impact(_COSMETIC, "queries that call it may be planned differently")
_OWNER_RIGHTS = Impact(
    _SECURITY, "it reads its tables as its owner and bypasses row level security"
)
_NO_ACCESS = Impact(_COSMETIC, "no effect on access")
_OTHER_VALUES = Impact(_FUNCTIONAL, "it accepts other values")
_NEW_OBJECTS = Impact(_SECURITY, "roles hold other privileges on new objects than declared")
_PUBLISHED = Impact(_SECURITY, "subscribers receive other rows or columns than declared")
_SPACE = Impact(_COSMETIC, "how much space it takes and when it is vacuumed")
_REWRITES = Impact(_SECURITY, "it rewrites statements into undeclared ones")

_ImpactByTrait = Mapping[tuple[str | bool | None, ...], Impact]

_MISSING: _ImpactByTrait = {
    ("aggregate",): _CALLS_FAIL,
    ("column",): _STATEMENTS_FAIL,
    ("composite type",): _STATEMENTS_FAIL,
    ("domain",): _STATEMENTS_FAIL,
    ("enum",): _STATEMENTS_FAIL,
    ("default privileges",): _NEW_OBJECTS,
    ("extension",): _STATEMENTS_FAIL,
    ("function",): _CALLS_FAIL,
    ("index", True): Impact(_SECURITY, "duplicates are accepted"),
    ("index", False): Impact(
        _FUNCTIONAL, "queries and policies that rely on it scan the whole table"
    ),
    ("materialized view",): _QUERIES_FAIL,
    ("policy", True): Impact(_FUNCTIONAL, "its roles ({roles}) can't access rows that they should"),
    ("policy", False): Impact(_SECURITY, "its roles ({roles}) can access rows that it excludes"),
    ("procedure",): _CALLS_FAIL,
    ("range type",): _STATEMENTS_FAIL,
    ("rule",): Impact(_FUNCTIONAL, "statements are no longer rewritten by it"),
    ("schema",): Impact(_FUNCTIONAL, "everything declared in it is missing"),
    ("sequence",): _STATEMENTS_FAIL,
    ("publication table",): Impact(_FUNCTIONAL, "subscribers don't receive its changes"),
    ("storage parameters",): _SPACE,
    ("table",): _STATEMENTS_FAIL,
    ("table grant",): Impact(_FUNCTIONAL, "its role gets permission denied"),
    ("trigger",): Impact(_SECURITY, "what it enforces or sets no longer happens"),
    ("view",): _QUERIES_FAIL,
    ("window function",): _CALLS_FAIL,
}
"""By kind and, where it matters, by a trait."""

_UNDECLARED: _ImpactByTrait = {
    ("column",): Impact(_SECURITY, "every role with SELECT on the whole table can read it"),
    ("composite type",): _NO_ACCESS,
    ("constraint",): Impact(_FUNCTIONAL, "valid rows can be refused"),
    ("domain",): _NO_ACCESS,
    ("enum",): _NO_ACCESS,
    ("function", "definer"): Impact(
        _SECURITY, "it bypasses row level security for every role that may execute it"
    ),
    ("function", "invoker"): _UNDECLARED_CODE,
    ("index", True): Impact(_FUNCTIONAL, "valid rows can be refused as duplicates"),
    ("index", False): Impact(_COSMETIC, "writes cost more"),
    ("materialized view",): Impact(
        _SECURITY,
        "row level security does not apply to it: every role with SELECT sees all its rows",
    ),
    ("policy", True): Impact(_SECURITY, "it gives its roles ({roles}) access to further rows"),
    ("policy", False): Impact(_FUNCTIONAL, "it excludes rows from its roles ({roles})"),
    ("procedure",): Impact(_SECURITY, "undeclared code for every role that may execute it"),
    ("range type",): _NO_ACCESS,
    ("publication table",): Impact(_SECURITY, "its changes are sent to subscribers"),
    ("storage parameters",): _SPACE,
    ("schema",): Impact(_COSMETIC, "nothing in it is declared"),
    ("sequence",): _NO_ACCESS,
    ("table", False): Impact(
        _SECURITY, "row level security is off: every role with a privilege can access every row"
    ),
    ("table", True): Impact(_COSMETIC, "who can access its rows is not declared"),
    ("trigger",): Impact(_SECURITY, "undeclared code runs on changes of the table"),
    ("view", False): _OWNER_RIGHTS,
    ("view", True): Impact(_COSMETIC, "its caller's rights and policies apply"),
}

_CHANGED = {
    ("column", "collation"): Impact(_COSMETIC, "its values are sorted and compared differently"),
    ("column", "default"): Impact(_FUNCTIONAL, "new rows get another value"),
    ("column", "generated"): Impact(_FUNCTIONAL, "its values are computed differently"),
    ("column", "identity"): Impact(_FUNCTIONAL, "new rows are numbered differently"),
    ("column", "sequence_options"): Impact(_FUNCTIONAL, "new rows are numbered differently"),
    ("column", "is_nullable", True): Impact(
        _SECURITY, "NULL is accepted; conditions on it evaluate to unknown"
    ),
    ("column", "is_nullable", False): Impact(_FUNCTIONAL, "rows without a value are refused"),
    ("column", "type"): _OTHER_VALUES,
    ("composite type", "attributes"): Impact(_FUNCTIONAL, "its values have other attributes"),
    ("domain", "base"): _OTHER_VALUES,
    ("domain", "checks"): Impact(
        _SECURITY, "its columns accept values that nothing else refuses, or refuse valid ones"
    ),
    ("domain", "is_nullable", True): Impact(
        _SECURITY, "its columns accept NULL; conditions on it evaluate to unknown"
    ),
    ("enum", "values"): _OTHER_VALUES,
    ("default privileges",): _NEW_OBJECTS,
    ("extension",): Impact(_FUNCTIONAL, "statements that name its schema fail"),
    ("function", "cost"): _PLAN,
    ("function", "is_leakproof", True): Impact(
        _SECURITY, "a leakproof function is evaluated before the policies, on rows they exclude"
    ),
    ("function", "is_leakproof", False): _PLAN,
    ("function", "parallel"): _PLAN,
    ("function", "rows"): _PLAN,
    ("function", "security", "definer"): Impact(
        _SECURITY, "it runs as its owner and bypasses row level security"
    ),
    ("function", "security", "invoker"): Impact(
        _FUNCTIONAL, "it can't access what only its owner may"
    ),
    ("function",): Impact(_SECURITY, "what it does, and for which rows, is not as declared"),
    ("materialized view", "definition"): Impact(
        _SECURITY, "every role with SELECT sees undeclared content"
    ),
    ("materialized view", "indexes"): Impact(
        _FUNCTIONAL, "without its unique index it can't be refreshed concurrently"
    ),
    ("policy", "permissive"): Impact(
        _SECURITY, "a permissive policy adds rows, a restrictive one excludes rows"
    ),
    ("policy",): Impact(_SECURITY, "which roles can access which rows is not as declared"),
    ("procedure",): Impact(_SECURITY, "what it does is not as declared"),
    ("publication table",): _PUBLISHED,
    ("storage parameters",): _SPACE,
    ("replica identity",): Impact(
        _FUNCTIONAL, "subscribers to changes receive other columns of the old row"
    ),
    ("rule",): _REWRITES,
    ("sequence", "owned_by"): Impact(_FUNCTIONAL, "it is dropped with another column, or stays"),
    ("sequence", "unlogged", True): Impact(_FUNCTIONAL, "a crash sets it back to its start"),
    ("sequence", "unlogged", False): Impact(_COSMETIC, "its numbers survive a crash"),
    ("sequence",): Impact(_FUNCTIONAL, "it gives other numbers"),
    ("table", "persistence", "unlogged"): Impact(
        _FUNCTIONAL, "a crash empties it, and it is not replicated"
    ),
    ("table access", "forced", True): Impact(_FUNCTIONAL, "policies apply to its owner too"),
    ("table access", "forced", False): Impact(_SECURITY, "policies no longer apply to its owner"),
    ("table access", "row_security", False): Impact(
        _SECURITY, "no policy applies: every role with a privilege can access every row"
    ),
    ("table access", "row_security", True): Impact(
        _FUNCTIONAL, "rows can only be accessed through a policy"
    ),
    ("table grant",): Impact(_FUNCTIONAL, "its role gets permission denied"),
    ("trigger", "firing"): Impact(
        _SECURITY, "what it enforces or sets may not happen, or happen twice"
    ),
    ("trigger",): Impact(_SECURITY, "it runs for other changes, or runs other code"),
    ("view", "check_option"): Impact(
        _SECURITY, "without the check, rows outside the view can be written through it"
    ),
    ("view", "definition"): Impact(_SECURITY, "it shows undeclared content"),
    ("view", "security_barrier"): Impact(
        _SECURITY, "without the barrier, a caller's function can be evaluated on excluded rows"
    ),
    ("view", "security_invoker", False): _OWNER_RIGHTS,
    ("view", "security_invoker", True): Impact(
        _FUNCTIONAL, "its callers need privileges on its tables"
    ),
}
"""By kind, fact and the fact's actual value, as far as each matters."""

_COMMENT = Impact(_COSMETIC, "documentation only")
_OF_EVERY_KIND = {
    "attribute_comments": _COMMENT,
    "comment": _COMMENT,
    "column_comments": _COMMENT,
    "owner": Impact(
        _SECURITY,
        "its owner may alter it, grant privileges on it, and bypass row level security unless that"
        " is forced",
    ),
}

_CONSTRAINTS = {
    "CHECK": "values are accepted that nothing else refuses",
    "FOREIGN KEY": "rows can reference missing rows, or stay when the referenced row is deleted",
    "PRIMARY KEY": "duplicates are accepted",
    "UNIQUE": "duplicates are accepted",
    "EXCLUDE": "rows are accepted that exclude each other",
}

_POLICIES_ONLY = "only policies restrict access to these rows and columns"
_USE = "columns and functions can be created with it, which keep it from being changed"
_EXCESS = {
    "materialized view": "row level security does not apply to it: all its rows are visible",
    "composite type": _USE,
    "domain": _USE,
    "enum": _USE,
    "range type": _USE,
    "schema access": "objects in it can be named, or created under the names of others",
    "sequence": "its numbers can be read, used up or set back",
    "table access": _POLICIES_ONLY,
    "view": _POLICIES_ONLY,
}
_CALL_UNAUTHENTICATED = "it can be called without signing in"
_CALL = "it can be called by a role for which it is not declared"

RENAMED = Impact(_FUNCTIONAL, "what names it, such as errors and revisions, does not match")
"""The impact of a declared constraint that has another name."""

HIJACKABLE = Impact(
    _SECURITY, "its caller decides what its names refer to, and it runs with its owner's rights"
)


def of_missing(declared: Object) -> Impact:
    """Return the impact of a declared object that does not exist."""
    if declared.kind == "constraint":
        return _unenforced(declared)
    return _by_trait(_MISSING, declared)


def of_undeclared(actual: Object) -> Impact:
    """Return the impact of an object that is not declared."""
    return _by_trait(_UNDECLARED, actual)


def of_change(fact: str, declared: Object, actual: Object) -> Impact:
    """Return the impact of a fact that is not as declared.

    Args:
        fact: The name of the fact.
        declared: The object as declared.
        actual: The object as it is.
    """
    value = actual.facts[fact]
    if fact in _OF_EVERY_KIND:
        return _OF_EVERY_KIND[fact]
    if declared.kind == "constraint":
        return _unenforced(declared)
    if declared.kind == "index":
        return of_missing(declared)
    if fact == "settings" and isinstance(actual.entity, Routine) and actual.entity.is_hijackable:
        return HIJACKABLE
    kind = declared.kind
    exact = (kind, fact, value) if isinstance(value, bool | str) else (kind, fact)
    known = (_CHANGED[key] for key in (exact, exact[:2], exact[:1]) if key in _CHANGED)
    return next(known, Impact(_FUNCTIONAL, "statements that rely on it may fail"))


def of_excess(
    declared: Object, role: str, privileges: Collection[Privilege], roles: Roles
) -> Impact:
    """Return the impact of privileges that a role holds and that are not declared.

    Args:
        declared: The object as declared.
        role: The role.
        privileges: The privileges that are not declared.
        roles: The roles that requests act as.
    """
    granted = declared.facts["grants"].get(role, ())
    if all(privilege.without_grant_option in granted for privilege in privileges):
        return Impact(_SECURITY, "it may grant the privilege to any role")
    names = {privilege.name for privilege in privileges}
    if unlimited := sorted(names & _NOT_LIMITED_BY_POLICIES):
        listed = " and ".join(map(str.upper, unlimited))
        return Impact(_SECURITY, f"row level security does not apply to {listed}")
    of_routine = _CALL_UNAUTHENTICATED if role in {roles.anonymous, PUBLIC} else _CALL
    return Impact(_SECURITY, _EXCESS.get(declared.kind, of_routine))


def of_lack(role: str) -> Impact:
    """Return the impact of declared privileges that a role does not hold."""
    return Impact(_FUNCTIONAL, f"{role_name(role)} gets permission denied")


def role_name(role: str) -> str:
    """Return a role as messages name it: ``PUBLIC`` in capitals, as PostgreSQL's manual has it."""
    return role.upper() if role == PUBLIC else role


def _by_trait(impacts: _ImpactByTrait, item: Object) -> Impact:
    exact = (item.kind, _trait(item))
    unknown = Impact(_COSMETIC, "its effect is not known")
    severity, words = impacts.get(exact) or impacts.get(exact[:1], unknown)
    return Impact(severity, words.format(roles=_roles(item)))


def _trait(item: Object) -> str | bool | None:
    match item.kind:
        case "function":
            return str(item.facts["security"])
        case "index":
            return str(item.facts["definition"]).startswith("CREATE UNIQUE")
        case "policy":
            return bool(item.facts["permissive"])
        case "table":
            return bool(item.facts["row_security"])
        case "view":
            return bool(item.facts["security_invoker"])
    return None


def _unenforced(constraint: Object) -> Impact:
    definition: str = constraint.facts["definition"]
    texts = (text for start, text in _CONSTRAINTS.items() if definition.startswith(start))
    return Impact(_SECURITY, next(texts))


def _roles(item: Object) -> str:
    names: Iterable[str] = item.facts.get("roles", ())
    return ", ".join(map(role_name, names))
