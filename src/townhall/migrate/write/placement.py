"""Where a new revision goes: into the folder and onto the branch of the application.

A history has the revisions of the application and those of the packages that it depends on. Alembic
writes a revision beside the one that it follows, which may be that of a package.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple, cast

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError, coerce_resource_to_filename

from townhall.as_owner import as_owner_of
from townhall.embedded.errors import UnusableDataError
from townhall.embedded.paths import opened
from townhall.migrate.commands import SCRIPT_LOCATION
from townhall.migrate.write.formatting import refuse_missing_programs

Names = str | Sequence[str] | None

_INSTALLED = {"site-packages", "dist-packages"}


class Placement(NamedTuple):
    """The folder of a new revision and its place in the history; None is left out.

    Attributes:
        head: What it follows: a revision or several, ``head``, ``heads`` or ``base``.
        version_path: The folder that it is written into.
        branch_labels: The label of the branch that it begins.
        depends_on: The revisions of other branches that it needs.
    """

    head: Names = None
    version_path: str | Path | None = None
    branch_labels: Names = None
    depends_on: Names = None


def write_beside_own_revisions(config: Config, script: ScriptDirectory) -> None:
    """Have new revisions written into the application's folder and onto its branch.

    Args:
        config: Alembic's configuration.
        script: The folders of one run, which alone is changed.
    """
    product = SCRIPT_LOCATION.resolve()
    location = config.get_alembic_option("script_location") or ""
    names_package = ":" in location and not Path(location).is_absolute()
    is_own = Path(script.dir).resolve() == product and not names_package
    folders = Folders(script, () if is_own else (product,))
    vars(script)["generate_revision"] = partial(
        _generate, folders, script, script.generate_revision
    )
    vars(script)["_rev_path"] = partial(_unused_path, script._rev_path)  # noqa: SLF001 - there is no public way


def _generate(
    folders: Folders,
    script: ScriptDirectory,
    generate: Any,  # noqa: ANN401 - Alembic's
    *arguments: Any,  # noqa: ANN401 - Alembic's
    **options: Any,  # noqa: ANN401 - Alembic's
) -> Script:
    refuse_missing_programs(script.hooks)
    asked = Placement(**{name: options.pop(name, None) for name in Placement._fields})
    placement = folders.place(asked)
    folder = Path(placement.version_path or "")
    _refuse_links_of_others(folder)
    with as_owner_of(folder):
        return cast("Script", generate(*arguments, **options, **placement._asdict()))


def _unused_path(path_of: Callable[..., Path], *arguments: Any) -> Path:  # noqa: ANN401 - Alembic's
    # A file_template without %(rev)s gives several revisions of one command the same name, where
    # the message is longer than truncate_slug_length.
    path = path_of(*arguments)
    numbers = (path.with_name(f"{path.stem}_{number}{path.suffix}") for number in count(2))
    return next(each for each in chain([path], numbers) if not each.exists())


def _refuse_links_of_others(folder: Path) -> None:
    # A link that is put there later leads root to nothing that its owner can't write.
    try:
        with suppress(OSError), opened(folder.absolute()):
            pass
    except UnusableDataError as error:
        raise CommandError(str(error)) from None


class Folders:
    """The folders of revisions of one run: those of the application and those of packages."""

    def __init__(self, script: ScriptDirectory, packages: Sequence[Path] = ()) -> None:
        """Take the folders, and further packages than those in ``site-packages``."""
        self._script = script
        self._packages = packages
        named = map(coerce_resource_to_filename, script.version_locations)
        self._all = [each.absolute() for each in named] or [Path(script.versions)]
        self._own = [each for each in self._all if not self._is_of_package(each)]

    def place(self, asked: Placement) -> Placement:
        """Return where a revision goes, with what was left out filled in.

        Args:
            asked: What the command line says.

        Raises:
            CommandError: It would be written into a package, or could follow several heads.
        """
        if not self._own:
            raise CommandError(
                _refusal(self._all[0])
                + "alembic.ini names no other folder of revisions: townhall init writes"
                " an application that has one."
            )
        heads = [self._script.get_revision(name) for name in self._script.get_heads()]
        own = [each.revision for each in heads if not self._is_of_package(each.path)]
        others = [each.revision for each in heads if each.revision not in own]
        head = _head(asked.head, own)
        followed = self._script.get_revisions(head)
        folder = asked.version_path or self._folder_of(followed) or self._own[0]
        if self._is_of_package(folder):
            raise CommandError(
                _refusal(folder) + "Leave out --version-path, --head and the revisions of packages:"
                f" the revision then goes to {self._own[0]}, onto a branch of the application."
            )
        begins_branch = not own and not followed and bool(others)
        return Placement(
            head=head,
            version_path=folder,
            branch_labels=asked.branch_labels or (self._label() if begins_branch else None),
            depends_on=asked.depends_on or self._not_implied(followed, others),
        )

    def _is_of_package(self, path: str | Path) -> bool:
        resolved = Path(path).resolve()
        return bool(_INSTALLED & {*resolved.parts}) or any(
            resolved.is_relative_to(package) for package in self._packages
        )

    def _folder_of(self, followed: Sequence[Script]) -> Path | None:
        paths = [Path(each.path).resolve() for each in followed[:1]]
        return next(
            (each for each in self._all for path in paths if path.is_relative_to(each.resolve())),
            None,
        )

    def _label(self) -> str | None:
        revisions = self._script.walk_revisions()
        used = {label for revision in revisions for label in revision.branch_labels}
        project = Path(self._script.dir).resolve().parent.name
        name = re.sub(r"\W+", "_", project.lower()).strip("_")
        return next((each for each in (name, "application") if each and each not in used), None)

    def _not_implied(self, followed: Sequence[Script], others: Sequence[str]) -> Names:
        implied = self._script.get_all_current(tuple(each.revision for each in followed))
        return [name for name in others if name not in {each.revision for each in implied}]


def _refusal(folder: str | Path) -> str:
    return (
        f"{folder} is the folder of a package, and a revision in it is lost with the next"
        " installation. "
    )


def _head(asked: Names, own: Sequence[str]) -> str | Sequence[str]:
    (name,) = asked if isinstance(asked, list | tuple) and len(asked) == 1 else (asked,)
    if asked and name not in {"head", "heads"}:
        return asked
    if len(own) > 1 and name != "heads":
        raise CommandError(
            f"the new revision could follow each of {', '.join(own)}: name one with --head, or"
            " merge them with: alembic merge heads"
        )
    return list(own) or "base"
