"""The pictures of the documentation, drawn from what is declared.

``make pictures`` writes them to ``docs/images``. Of a picture with tables side by side there is a
second one for narrow screens, with ``-narrow`` in its name, which the site chooses itself.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.migrations.chain import REVISIONS
from townhall import PRODUCT, Base, metadata
from townhall.domains import DOMAINS
from townhall.domains.product import MODULES_WITH_ENTITIES, module_of
from townhall.pg import MaterializedView, Policy, View
from townhall.pictures import diagrams, matrices, steps
from townhall.pictures.access import Accessed, access_of
from townhall.pictures.choosing import shown_name
from townhall.pictures.diagrams import Detail
from townhall.pictures.steps import Step
from townhall.pictures.tables import diagram_of

if TYPE_CHECKING:
    from sqlalchemy import Table

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDTHS = {"": 768, "-narrow": 380}
"""The suffix of a picture's name, and how wide it is."""

_DRAWN = 0.85
"""How much of the width a row of tables has; lines need the rest."""


def pictures() -> dict[str, str]:
    """Return each picture by the name of its file."""
    return {
        **{
            f"diagram-{domain}{suffix}.svg": _diagram(domain, width)
            for domain in DOMAINS
            for suffix, width in WIDTHS.items()
        },
        **{
            f"access-{domain}{suffix}.svg": _matrix(domain, width)
            for domain in DOMAINS
            for suffix, width in WIDTHS.items()
        },
        **{f"diagram{suffix}.svg": _whole(width) for suffix, width in WIDTHS.items()},
        "revisions.svg": _revisions(),
        "request.svg": _request(),
    }


def tables_of(domain: str) -> list[Table]:
    """Return the tables whose models are in a domain."""
    package = f"townhall.domains.{domain}."
    found = (
        mapper.local_table
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith(package)
    )
    names = {table.fullname for table in found if hasattr(table, "fullname")}
    return [table for table in metadata.tables.values() if table.fullname in names]


@cache
def _accessed() -> tuple[Accessed, ...]:
    return access_of(PRODUCT.entities, PRODUCT.roles.names, PRODUCT.access_rules)


def _matrix(domain: str, width: float) -> str:
    names = {shown_name(table.schema, table.name) for table in tables_of(domain)}
    for module in filter(None, (module_of(domain, each) for each in MODULES_WITH_ENTITIES)):
        views = (each for each in module.ENTITIES if isinstance(each, View | MaterializedView))
        names |= {view.name for view in views}
    shown = [each for each in _accessed() if each.name in names]
    return matrices.as_svg(shown, f"Who may read and write what of {domain}", width=width)


def _diagram(domain: str, width: float) -> str:
    shown = diagram_of(tables_of(domain))
    title = f"The tables of {domain} with their foreign keys"
    return diagrams.as_svg(shown, title, width=width * _DRAWN)


def _whole(width: float) -> str:
    return diagrams.as_svg(
        diagram_of(metadata.tables.values()),
        "All tables with their foreign keys",
        detail=Detail.NAMES,
        width=width * _DRAWN,
    )


def _revisions() -> str:
    chain = [
        Step(
            script.revision,
            (str(script.doc).splitlines()[0].rstrip(".").replace("``", ""),),
        )
        for script in REVISIONS
    ]
    return steps.as_svg(chain, "The revisions, from the first to the last")


def _request() -> str:
    policy = next(
        entity
        for entity in PRODUCT.entities
        if isinstance(entity, Policy)
        and entity.table == "social_feed_posts"
        and entity.command == "select"
    )
    assert policy.using is not None
    user = PRODUCT.roles.user
    way = [
        Step(
            "A request with a token", ("The application has proved the token; it says who asks.",)
        ),
        Step(
            "sessions.as_user(user_id)",
            ("An id that is no UUID is refused here, before a connection is made.",),
        ),
        Step(
            "begin: role and claims, one round trip",
            (
                f"set_config('role', '{user}', true)",
                "set_config('request.jwt.claims', '{\"sub\": …}', true)",
                "For this transaction alone, also behind a pooler.",
            ),
        ),
        Step("select(SocialFeedPost)", ("The query says nothing about who may see what.",)),
        Step(
            f"Privileges of {user}",
            ("On the table and on each column. Without one: permission denied (42501).",),
        ),
        Step(
            "Policy of the table",
            (
                f"“{policy.name}”",
                *policy.using.splitlines(),
                "auth.uid() reads the claims.",
            ),
        ),
        Step("Rows that the user may read", ("The others are as if they did not exist.",)),
        Step("commit: role and claims are gone", ("The connection returns to the pool.",)),
    ]
    return steps.as_svg(way, "The way of a request to the rows")


def main() -> None:
    """Write every picture."""
    for name, picture in pictures().items():
        (IMAGES / name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
