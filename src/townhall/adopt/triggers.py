"""The triggers of others on the tables that have declared names, and what they do beside ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from townhall.adopt.findings import Finding, Weight, drop_or_keep, listed
from townhall.adopt.identities import identity
from townhall.adopt.writes import Sources, Writes
from townhall.check.snapshot import Key, Object, Snapshot
from townhall.migrate.guard.revision_files import Named
from townhall.pg import Trigger, sql
from townhall.pg.catalog import TableName


class Triggers:
    """The triggers of a database beside the declared ones."""

    def __init__(
        self, declared: Snapshot, actual: Snapshot, declared_code: Sources, code: Sources
    ) -> None:
        """Take the triggers and the functions that they call.

        Args:
            declared: What the revisions make.
            actual: What the database has.
            declared_code: The functions that the revisions make.
            code: The functions of the database.
        """
        self._declared = declared
        self._actual = actual
        self._code = code
        self._own = [
            (trigger, _writes(trigger, declared_code, declared)) for trigger in _triggers(declared)
        ]

    def findings(self, made: Iterable[Key], tables: Iterable[TableName]) -> Iterator[Finding]:
        """Yield the findings on triggers that are not declared, and on those that write our tables.

        Args:
            made: What the database's own revisions made.
            tables: The existing tables that have declared names.
        """
        own, of_tables = {*made}, {*tables}
        for trigger in _triggers(self._actual):
            if trigger.key in own:
                continue
            declaration = self._declared.get(trigger.key)
            if (trigger.schema, trigger.table) not in of_tables:
                yield from self._elsewhere(trigger, declaration, of_tables)
            elif declaration is None:
                yield self._undeclared(trigger)
            elif declaration.facts != self._actual[trigger.key].facts:
                text = f"{self._effect(trigger)}; a trigger is declared with this name"
                plan = "it is replaced by the declared one"
                yield _finding(Weight.CHANGE, "trigger of a declared name", trigger, text, plan)

    def counterparts(self, trigger: Trigger) -> list[Named]:
        """Return what takes the place of a trigger: its table where nothing else does.

        These are the declared triggers that do the same, and all of its table where what it does
        can't be seen.

        Args:
            trigger: A trigger that goes.
        """
        table, own = ("table", trigger.schema, trigger.table, ""), []
        if table[:3] in self._declared:  # and is not renamed later
            writes = _writes(trigger, self._code, self._actual)
            own = [
                each
                for each, written in self._own
                if writes.columns & written.columns
                or (
                    (each.schema, each.table) == (trigger.schema, trigger.table)
                    and (writes.is_dynamic or writes.tables & written.tables)
                )
            ]
        return [("trigger", each.schema, each.table, each.name) for each in own] or [table]

    def _undeclared(self, trigger: Trigger) -> Finding:
        same = self._same(trigger)
        text = f"{self._effect(trigger)}{''.join(f'; {each}' for each in same)}"
        kind = "trigger that does the same" if same else "trigger"
        plan = "it is dropped or kept as decided"
        return _finding(Weight.DECIDE, kind, trigger, text, plan)

    def _elsewhere(
        self, trigger: Trigger, declaration: Object | None, tables: set[TableName]
    ) -> Iterator[Finding]:
        written = _tables(_writes(trigger, self._code, self._actual)) & tables
        if declaration is None and written:
            text = f"calls {trigger.function}(), which seems to write {_listed(written)}"
            plan = "it stays: see that it gives what is declared to be not null"
            yield _finding(Weight.NOTE, "trigger that writes a declared table", trigger, text, plan)

    def _effect(self, trigger: Trigger) -> str:
        when = f"{trigger.timing} {' or '.join(trigger.events)}"
        calls = f"{when} calls {trigger.function}()"
        if trigger.firing == "disabled":
            calls = f"is disabled; {calls}"
        writes = _writes(trigger, self._code, self._actual)
        names = _listed([*writes.columns, *writes.tables])
        if writes.is_dynamic:
            return f"{calls}, which runs SQL that it puts together: what it writes can't be seen"
        return f"{calls}, which seems to write {names}" if names else calls

    def _same(self, trigger: Trigger) -> list[str]:
        """Return what it does that declared triggers do as well, as sentences."""
        writes = _writes(trigger, self._code, self._actual)
        table = (trigger.schema, trigger.table)
        found: dict[str, list[str]] = defaultdict(list)
        for own, written in self._own:
            name = sql.quote(own.name)
            if columns := writes.columns & written.columns:
                places = {table, (own.schema, own.table), *(column[:2] for column in columns)}
                twice = "" if len(places) == 1 else ": it would be counted twice"
                found[f"{_listed(columns)} too{twice}"].append(name)
            # Each of two triggers on one table adds a row for one change.
            elif (tables := writes.tables & written.tables) and table == (own.schema, own.table):
                found[f"{_listed(tables)} too: each change would leave two rows"].append(name)
        return [
            f"the declared trigger{'s' * (len(names) > 1)} {listed(names)}"
            f" write{'s' * (len(names) == 1)} {words}"
            for words, names in found.items()
        ]


def _listed(names: Iterable[tuple[str, ...]]) -> str:
    return listed([sql.qualified(*each) for each in sorted(names)], 4)


def _triggers(snapshot: Snapshot) -> list[Trigger]:
    return [item.entity for _, item in sorted(snapshot.items()) if isinstance(item.entity, Trigger)]


def _tables(writes: Writes) -> set[TableName]:
    return {*writes.tables, *((schema, table) for schema, table, _ in writes.columns)}


def _writes(trigger: Trigger, code: Sources, snapshot: Snapshot) -> Writes:
    schema, _, name = str(trigger.function).rpartition(".")
    function = (sql.unquote(schema), sql.unquote(name))
    table = (trigger.schema, trigger.table)
    if code.has(function):
        return code.writes(function).of_trigger(table)
    # Of a function in C, such as moddatetime(updated_at), the arguments may name columns.
    columns = {each for each in trigger.arguments if ("column", *table, each) in snapshot}
    return Writes(frozenset((*table, each) for each in columns))


def _finding(weight: Weight, kind: str, trigger: Trigger, text: str, plan: str) -> Finding:
    name = identity(*trigger.key)
    question = drop_or_keep(name) if weight is Weight.DECIDE else None
    table = (trigger.schema, trigger.table)
    return Finding(weight, kind, name, table, sql.quote(trigger.name), text, plan, question)
