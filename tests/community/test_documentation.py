"""The examples on the page about the community run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from tests.community.data import FOUNDER, PUBLIC_POST, insert_community
from tests.support.blocks import blocks_of, run_blocks
from townhall import ConsentCategory, SocialFeedPost
from townhall.domains.community import consents_of, set_consent

if TYPE_CHECKING:
    from sqlalchemy import Engine

EXAMPLES = blocks_of("docs/community.md", "python")


def test_examples_of_the_page_run(townhall_engine: Engine) -> None:
    with townhall_engine.begin() as connection:
        insert_community(connection)
        for category in (ConsentCategory.DIRECTORY, ConsentCategory.MESSAGING):
            connection.execute(set_consent(FOUNDER, category, True))  # noqa: FBT003
    names = run_blocks(
        EXAMPLES, engine=townhall_engine, founder=FOUNDER, headers={"user-agent": "Browser"}
    )
    assert names["agreed"] == [FOUNDER]
    assert names["more"] == []
    with townhall_engine.connect() as connection:
        consents = connection.execute(consents_of(FOUNDER)).all()
        assert {row.category for row in consents if row.enabled} == {
            ConsentCategory.BENCHMARKS,
            ConsentCategory.DIRECTORY,
            ConsentCategory.MESSAGING,
        }
        views = select(SocialFeedPost.view_count).where(SocialFeedPost.id == PUBLIC_POST)
        assert connection.scalar(views) == 1
