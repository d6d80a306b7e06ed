"""What a difference means for security, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from townhall.check.reading import Thing
from townhall.pg import ANONYMOUS, PUBLIC, Function


class Effect(StrEnum):
    """What a difference does."""

    OPEN = "open"
    """Somebody reaches what they should not, or a rule no longer holds."""

    BROKEN = "broken"
    """Something that should work is refused or does not happen."""

    DIFFERENT = "different"
    """Neither of the two."""


class Meaning(NamedTuple):
    """What a difference does, and that in words."""

    effect: Effect
    text: str


_OPEN, _BROKEN, _DIFFERENT = Effect.OPEN, Effect.BROKEN, Effect.DIFFERENT
_PAST_POLICIES = {"truncate", "references", "trigger", "maintain"}

_FAILS = Meaning(_BROKEN, "statements that name it fail")
_CALLS_FAIL = Meaning(_BROKEN, "what calls it fails, policies and triggers too")
_READS_FAIL = Meaning(_BROKEN, "what reads it fails")
_UNREVIEWED = Meaning(_DIFFERENT, "code that nobody reviewed, with its caller's rights")
_UNREVIEWED_CHANGE = Meaning(_DIFFERENT, "nobody reviewed what that does")
_PLANNED = Meaning(_DIFFERENT, "it is planned in another way")

_Traits = Mapping[tuple[str | bool | None, ...], Meaning]

_MISSING: _Traits = {
    ("aggregate",): _CALLS_FAIL,
    ("column",): _FAILS,
    ("function",): _CALLS_FAIL,
    ("index", True): Meaning(_OPEN, "duplicates get in"),
    ("index", False): Meaning(_BROKEN, "reads and policies that rely on it look at every row"),
    ("materialized view",): _READS_FAIL,
    ("policy", True): Meaning(_BROKEN, "its roles ({roles}) are refused rows that are theirs"),
    ("policy", False): Meaning(_OPEN, "rows that it kept from its roles ({roles}) are open"),
    ("procedure",): _CALLS_FAIL,
    ("rule",): Meaning(_BROKEN, "what it does by itself no longer happens"),
    ("schema",): Meaning(_BROKEN, "all that should be in it is missing"),
    ("table",): _FAILS,
    ("trigger",): Meaning(_OPEN, "what it keeps true, guards or fills in no longer happens"),
    ("type",): _FAILS,
    ("view",): _READS_FAIL,
    ("window function",): _CALLS_FAIL,
}
"""By kind and, where it matters, by a trait."""

_UNEXPECTED: _Traits = {
    ("aggregate",): _UNREVIEWED,
    ("column",): Meaning(_OPEN, "whoever may read the whole table reads it"),
    ("constraint",): Meaning(_BROKEN, "rows that should be taken can be refused"),
    ("function", "definer"): Meaning(
        _OPEN, "it runs past row level security for whoever may execute it"
    ),
    ("function", "invoker"): _UNREVIEWED,
    ("index", True): Meaning(_BROKEN, "rows that should be taken can be refused as duplicates"),
    ("index", False): Meaning(_DIFFERENT, "writing costs more; nothing is opened"),
    ("materialized view",): Meaning(
        _OPEN, "row level security does not reach it: who may select it sees all of it"
    ),
    ("policy", True): Meaning(_OPEN, "it opens rows to its roles ({roles})"),
    ("policy", False): Meaning(_BROKEN, "it keeps rows from its roles ({roles})"),
    ("procedure",): Meaning(_OPEN, "code that nobody reviewed, for whoever may execute it"),
    ("rule",): Meaning(_OPEN, "it rewrites statements in a way that nobody reviewed"),
    ("schema",): Meaning(_DIFFERENT, "nobody reviewed what is in it"),
    ("table", False): Meaning(
        _OPEN, "it has no row level security: who has a privilege reaches every row"
    ),
    ("table", True): Meaning(_DIFFERENT, "nobody reviewed who reaches its rows"),
    ("trigger",): Meaning(_OPEN, "code that nobody reviewed runs with every change"),
    ("type",): Meaning(_DIFFERENT, "nothing is opened"),
    ("view", False): Meaning(_OPEN, "it reads its tables as its owner, past every policy"),
    ("view", True): Meaning(_DIFFERENT, "its reader's rights and policies hold"),
    ("window function",): _UNREVIEWED,
}

_CHANGED = {
    ("column", "collation"): Meaning(_DIFFERENT, "it sorts and compares in another way"),
    ("column", "default"): Meaning(_BROKEN, "new rows begin with another value"),
    ("column", "generated"): Meaning(_BROKEN, "it is filled in another way"),
    ("column", "identity"): Meaning(_BROKEN, "new rows get their number in another way"),
    ("column", "nullable", True): Meaning(
        _OPEN, "a missing value gets in, for which conditions are neither true nor false"
    ),
    ("column", "nullable", False): Meaning(_BROKEN, "rows without a value are refused"),
    ("column", "type"): Meaning(_BROKEN, "it takes other values"),
    ("function", "cost"): _PLANNED,
    ("function", "is_leakproof", True): Meaning(
        _OPEN, "a leakproof function sees rows before the policies do"
    ),
    ("function", "is_leakproof", False): _PLANNED,
    ("function", "parallel"): _PLANNED,
    ("function", "rows"): _PLANNED,
    ("function", "security", "definer"): Meaning(
        _OPEN, "it runs as its owner, past row level security"
    ),
    ("function", "security", "invoker"): Meaning(
        _BROKEN, "it no longer reaches what only its owner may"
    ),
    ("function",): Meaning(_OPEN, "what it does, and for which rows, is not what was reviewed"),
    ("materialized view", "definition"): Meaning(
        _OPEN, "it shows something that nobody reviewed to all who may select it"
    ),
    ("materialized view", "indexes"): Meaning(
        _BROKEN, "without its unique index it can't be refreshed while it is read"
    ),
    ("policy", "permissive"): Meaning(
        _OPEN, "a permissive policy adds rows, where a restrictive one takes some away"
    ),
    ("policy",): Meaning(_OPEN, "who reaches which rows is not what was reviewed"),
    ("procedure",): Meaning(_OPEN, "what it does is not what was reviewed"),
    ("replica identity",): Meaning(
        _BROKEN, "subscribers to changes see another part of the old row"
    ),
    ("rule",): Meaning(_OPEN, "it rewrites statements in a way that nobody reviewed"),
    ("table", "persistence", "unlogged"): Meaning(
        _BROKEN, "a crash empties it, and no standby has it"
    ),
    ("table access", "forced", True): Meaning(_BROKEN, "policies hold for its owner as well"),
    ("table access", "forced", False): Meaning(_OPEN, "policies no longer hold for its owner"),
    ("table access", "row_security", False): Meaning(
        _OPEN, "policies hold for nobody: who has a privilege reaches every row"
    ),
    ("table access", "row_security", True): Meaning(
        _BROKEN, "nobody reaches a row without a policy"
    ),
    ("trigger", "firing"): Meaning(
        _OPEN, "what it keeps true, guards or fills in may not happen, or twice"
    ),
    ("trigger",): Meaning(_OPEN, "it runs for other changes, or runs other code"),
    ("view", "check_option"): Meaning(
        _OPEN, "without the check a row can be written that the view does not show"
    ),
    ("view", "definition"): Meaning(_OPEN, "it shows something that nobody reviewed"),
    ("view", "security_barrier"): Meaning(
        _OPEN, "without the barrier a reader's function sees rows that the view leaves out"
    ),
    ("view", "security_invoker", False): Meaning(
        _OPEN, "it reads its tables as its owner, past every policy"
    ),
    ("view", "security_invoker", True): Meaning(_BROKEN, "its readers need rights on its tables"),
}
"""By kind, fact and the fact's value, as far as each matters."""

_OF_EVERY_KIND = {
    "comment": Meaning(_DIFFERENT, "only what is said about it; nothing is opened"),
    "column_comments": Meaning(_DIFFERENT, "only what is said about it; nothing is opened"),
    "owner": Meaning(
        _OPEN,
        "its owner may change it and hand out rights on it, and is held by no policy unless that"
        " is forced",
    ),
}

_CONSTRAINTS = {
    "CHECK": "values get in that nothing else refuses",
    "FOREIGN KEY": "rows can point to nothing, or stay where they should go with another",
    "PRIMARY KEY": "two rows can be the same",
    "UNIQUE": "duplicates get in",
    "EXCLUDE": "rows get in that exclude each other",
}

_HIJACKED = Meaning(
    _OPEN, "whoever calls it chooses what its names mean, and it runs with its owner's rights"
)


def missing(thing: Thing) -> Meaning:
    """Return what it means that something is not there."""
    if thing.kind == "constraint":
        return _loose_constraint(thing)
    return _by_trait(_MISSING, thing)


def unexpected(thing: Thing) -> Meaning:
    """Return what it means that something is there which nobody declared."""
    return _by_trait(_UNEXPECTED, thing)


def changed(fact: str, wanted: Thing, there: Thing) -> Meaning:
    """Return what it means that something is not as it should be.

    Args:
        fact: What of it is not.
        wanted: What it should be like.
        there: What it is like.
    """
    value = there.facts[fact]
    if fact in _OF_EVERY_KIND:
        return _OF_EVERY_KIND[fact]
    if wanted.kind == "constraint":
        return _loose_constraint(wanted)
    if wanted.kind == "index":
        return missing(wanted)
    if fact == "settings" and isinstance(there.entity, Function) and there.entity.is_hijackable:
        return _HIJACKED
    exact = (wanted.kind, fact, value) if isinstance(value, bool | str) else (wanted.kind, fact)
    found = (_CHANGED[key] for key in (exact, exact[:2], exact[:1]) if key in _CHANGED)
    return next(found, Meaning(_BROKEN, "what relies on it can fail"))


def granted(thing: Thing, role: str, privileges: Sequence[str]) -> Meaning:
    """Return what it means that a role may do more than it should."""
    past = sorted(set(privileges) & _PAST_POLICIES)
    if past:
        return Meaning(_OPEN, f"row level security does not hold for {' and '.join(past)}")
    if thing.kind == "materialized view":
        return Meaning(_OPEN, "row level security does not reach it: all of it is shown")
    if thing.kind == "schema":
        return Meaning(_OPEN, "names in it are reached, or taken by somebody else's objects")
    if thing.kind in {"table access", "view"}:
        return Meaning(_OPEN, "only the policies still decide on these rows and columns")
    if role in {ANONYMOUS, PUBLIC}:
        return Meaning(_OPEN, "it can be called without signing in")
    return Meaning(_OPEN, "it can be called by who should not")


def revoked(role: str) -> Meaning:
    """Return what it means that a role may not do what it should."""
    return Meaning(_BROKEN, f"{'everybody' if role == PUBLIC else role} gets permission denied")


def _by_trait(meanings: _Traits, thing: Thing) -> Meaning:
    exact = (thing.kind, _trait(thing))
    effect, words = meanings.get(exact) or meanings.get(exact[:1], _UNREVIEWED_CHANGE)
    return Meaning(effect, words.format(roles=_roles(thing)))


def _trait(thing: Thing) -> str | bool | None:
    match thing.kind:
        case "function":
            return str(thing.facts["security"])
        case "index":
            return str(thing.facts["definition"]).startswith("CREATE UNIQUE")
        case "policy":
            return bool(thing.facts["permissive"])
        case "table":
            return bool(thing.facts["row_security"])
        case "view":
            return bool(thing.facts["security_invoker"])
    return None


def _loose_constraint(thing: Thing) -> Meaning:
    definition: str = thing.facts["definition"]
    return Meaning(
        _OPEN, next(text for start, text in _CONSTRAINTS.items() if definition.startswith(start))
    )


def _roles(thing: Thing) -> str:
    names: Iterable[str] = thing.facts.get("roles", ())
    return ", ".join("everybody" if name == PUBLIC else name for name in names)
