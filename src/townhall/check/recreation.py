"""A repair with what depends on its object dropped before it and created again behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from townhall.check.dependants import target_of
from townhall.check.findings import Finding
from townhall.check.repair import DECLARE
from townhall.check.snapshot import Snapshot
from townhall.migrate.compare.exact_privileges import managing
from townhall.migrate.compare.simulation import run_in_any_order
from townhall.migrate.savepoints import run_script
from townhall.pg import Entity
from townhall.pg.catalog import Grantees, Part, Target, read_dependants


@dataclass(frozen=True)
class Recreation:
    """How what depends on an object comes back.

    Attributes:
        wanted: The objects as they are to be.
        present: The objects as they are.
        by_default: The roles to which default privileges give something on what is created, from
            which it is taken away.
        may_lose: Whether what is not wanted may go; otherwise it is another's.
    """

    wanted: Snapshot
    present: Snapshot
    by_default: Grantees
    may_lose: bool = False

    def around(self, connection: Connection, finding: Finding) -> str | None:
        """Return a repair with the drops and creations that it needs.

        Args:
            connection: A connection within a transaction, which is left changed.
            finding: The difference, whose repair PostgreSQL refuses.

        Returns:
            The SQL, or None where nothing depends on the object, or something of others does.
        """
        target = self._target(finding)
        if target is None:
            return None
        found = read_dependants(connection, [target])
        if not self.may_lose and not found.entities <= self.wanted.keys():
            return None
        items = (self.present.get(key) or self.wanted.get(key) for key in sorted(found.entities))
        dropped: list[Part | Entity] = [
            *found.parts,
            *(each.entity for each in items if each is not None and each.entity is not None),
        ]
        if not dropped:
            return None
        done, refused = run_in_any_order(
            connection, dropped, lambda each: run_script(connection, _drops(each))
        )
        if refused:
            return None
        creations = [create for each in reversed(done) for create in self._creations(each)]
        drops = [drop for each in done for drop in _drops(each)]
        return "; ".join([*drops, finding.repair.removeprefix(DECLARE), *creations])

    def _target(self, finding: Finding) -> Target | None:
        both = (*self.wanted.values(), *self.present.values())
        item = next((each for each in both if each.identity == finding.object), None)
        return None if item is None else target_of(item)

    def _creations(self, dropped: Part | Entity) -> Sequence[str]:
        if isinstance(dropped, Part):
            return dropped.create
        wanted = self.wanted.get(dropped.key)
        if wanted is None or wanted.entity is None:
            return ()
        kept = wanted.entity.keeping(dropped, wanted.entity)
        return list(managing(kept, self.by_default).create_statements())


def _drops(dropped: Part | Entity) -> Sequence[str]:
    return [dropped.drop] if isinstance(dropped, Part) else list(dropped.drop_statements())
