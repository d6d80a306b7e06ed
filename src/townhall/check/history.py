"""The revisions that make what a database is compared with."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from alembic.autogenerate import RevisionContext
from alembic.config import Config
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import Script, ScriptDirectory
from sqlalchemy import URL, Connection, MetaData

from townhall.check.environment import run_env
from townhall.check.errors import CheckError
from townhall.check.revision_code import digest
from townhall.migrate import SETTINGS, alembic_config
from townhall.pg import ENTITY_CLASSES, Accepted, Entity
from townhall.product import Product, own_product
from townhall.roles import HELPER_SCHEMA, Roles

_AUTOGENERATE = {
    "message": None,
    "autogenerate": True,
    "sql": False,
    "head": "head",
    "splice": False,
    "branch_label": None,
    "version_path": None,
    "rev_id": None,
    "depends_on": None,
}
"""The arguments of a revision, as Alembic's own check gives them."""


@dataclass(frozen=True)
class DeclaredSettings:
    """What ``env.py`` declares beside tables and entities.

    Attributes:
        product: The product that takes part, if one does.
        roles: The roles that requests act as.
        schemas: The compared schemas except that of helper functions; none where ``env.py`` does
            not call :func:`townhall.migrate.run`.
        kinds: The kinds of entities that are compared.
        helper_schema: The schema of helper functions.
        exposed: The schemas whose objects requests can name: none where it declares that requests
            have no roles, None where it does not say.
        accepted: The dangers that were looked at and do no harm.
        metadata: The declared tables.
    """

    product: Product | None
    roles: Roles
    schemas: tuple[str, ...]
    kinds: tuple[type[Entity], ...] = ENTITY_CLASSES
    helper_schema: str = HELPER_SCHEMA
    exposed: tuple[str, ...] | None = None
    accepted: tuple[Accepted, ...] = ()
    metadata: tuple[MetaData, ...] = ()

    @property
    def accepted_by_application(self) -> tuple[Accepted, ...]:
        """Those that ``env.py`` accepts itself: the product's depend on what is exposed."""
        of_product = self.product.accepted if self.product is not None else ()
        return tuple(each for each in self.accepted if each not in of_product)


class History:
    """The revisions of townhall, or of an application together with them.

    Attributes:
        product: The product whose revisions are alone in it; None for those of an application.
    """

    def __init__(self, ini: Path | None) -> None:
        """Read the revisions of a configuration.

        Args:
            ini: The ``alembic.ini`` of an application; None for townhall alone.

        Raises:
            CheckError: There is no such file.
        """
        if ini is not None and not ini.is_file():
            raise CheckError(f"there is no {ini}: name the alembic.ini with --config")
        self._config = Config(ini) if ini is not None else alembic_config()
        self._config.stdout = io.StringIO()
        self.product = own_product() if ini is None else None
        self._script = ScriptDirectory.from_config(self._config)

    @property
    def heads(self) -> set[str]:
        """The last revisions."""
        return set(self._script.get_heads())

    @property
    def env_file(self) -> Path:
        """The ``env.py``."""
        return Path(self._script.env_py_location)

    @property
    def settings(self) -> DeclaredSettings:
        """The settings of the last run of ``env.py``; without roles where it is not townhall's."""
        settings = self._config.attributes.get(SETTINGS)
        if settings is None:
            return DeclaredSettings(None, Roles(anonymous=None, user=None, service=None), ())
        visible = [name for name in settings.scope.schemas if name != settings.helper_schema]
        return DeclaredSettings(
            settings.product,
            settings.roles,
            tuple(visible),
            settings.kinds,
            settings.helper_schema,
            settings.exposed or (None if settings.roles.names else ()),
            settings.accepted,
            settings.metadata,
        )

    def digest(self, revisions: Iterable[str], before: Sequence[str]) -> str:
        """Return a hash of all that decides what a database holds after some revisions.

        Args:
            revisions: The target revisions.
            before: The statements that run in the empty database before them.
        """
        return digest(self._config, self._script, sorted(revisions), before)

    def known(self) -> set[str]:
        """Return every revision."""
        return {script.revision for script in self._script.walk_revisions()}

    def after(self, revisions: Iterable[str]) -> list[Script]:
        """Return the pending revisions of a database, in the order to run them.

        Args:
            revisions: Those that the database is at.
        """
        return list(
            reversed(
                list(
                    self._script.iterate_revisions(
                        "heads", tuple(sorted(revisions)) or "base", implicit_base=True
                    )
                )
            )
        )

    def run(
        self,
        database: URL,
        revisions: Iterable[str],
        after_each: Callable[[str, Connection], None] | None = None,
    ) -> None:
        """Upgrade a database to some revisions.

        Args:
            database: An empty scratch database.
            revisions: The target revisions.
            after_each: Is called behind each revision, with the revision and the connection.

        Raises:
            CheckError: The ``env.py`` connects to another database.
        """
        for revision in sorted(revisions):
            steps = partial(self._steps_to, revision, after_each)
            run_env(self._config, self._script, database, steps, destination_rev=revision)

    def without_revision(self, database: URL) -> list[str]:
        """Return what the models declare and no revision makes, in words.

        Args:
            database: A scratch database at the last revisions.

        Raises:
            CheckError: The ``env.py`` connects to another database.
        """
        revisions = RevisionContext(self._config, self._script, dict(_AUTOGENERATE))

        def compare(current: Any, context: MigrationContext) -> list[MigrationStep]:  # noqa: ANN401 - Alembic's
            revisions.run_autogenerate(current, context)
            return []

        run_env(
            self._config,
            self._script,
            database,
            compare,
            template_args=revisions.template_args,
            dont_mutate=True,  # or Alembic's table is created where no revision has run
        )
        return [
            _in_words(diff)
            for script in revisions.generated_revisions
            for operations in script.upgrade_ops_list
            for diff in operations.as_diffs()
        ]

    def _steps_to(
        self,
        revision: str,
        after_each: Callable[[str, Connection], None] | None,
        current: Any,  # noqa: ANN401 - Alembic's
        context: MigrationContext,
    ) -> Iterable[MigrationStep]:
        for step in self._script._upgrade_revs(revision, current):  # noqa: SLF001 - as Alembic's upgrade does
            yield step
            if after_each is not None and context.connection is not None:
                after_each(step.revision.revision, context.connection)


def _in_words(diff: tuple[Any, ...] | Sequence[tuple[Any, ...]]) -> str:
    parts = diff if isinstance(diff, tuple) else diff[0]
    words = (part if isinstance(part, str) else getattr(part, "name", None) for part in parts)
    return " ".join(word for word in words if isinstance(word, str))
