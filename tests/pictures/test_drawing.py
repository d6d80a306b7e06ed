"""The pictures in the documentation are those that would be drawn now."""

from __future__ import annotations

import pytest

from tests.pictures.drawing import IMAGES, pictures

DRAWN = pictures()


@pytest.mark.parametrize("name", DRAWN)
def test_picture_is_as_it_is_drawn_now(name: str) -> None:
    assert (IMAGES / name).read_text(encoding="utf-8") == DRAWN[name], "run: make pictures"


def test_there_is_no_picture_that_is_no_longer_drawn() -> None:
    written = {path.name for kind in ("access", "diagram") for path in IMAGES.glob(f"{kind}*.svg")}
    assert written <= DRAWN.keys()


@pytest.mark.parametrize("name", DRAWN)
def test_picture_reads_in_light_and_dark_and_without_a_background(name: str) -> None:
    picture = DRAWN[name]
    assert "@media (prefers-color-scheme: dark)" in picture
    assert "currentColor" in picture
    assert 'width="100%"' not in picture
