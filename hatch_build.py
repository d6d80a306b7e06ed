"""The description of the package: the README, with links that work outside of the repository.

An index shows it at an address of its own, where a relative link leads nowhere. With a
``Documentation`` among ``[project.urls]`` such links become absolute; without it their texts stay,
and pictures go.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_IMAGE = re.compile(r"^!\[[^\]]*\]\((?!https?:)[^)]+\)\n\n?", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?!https?:|#)(?P<target>[^)]+)\)")
_COMMENT = re.compile(r"<!--.*?-->\n\n?", re.DOTALL)


class Readme(MetadataHookInterface):
    """Sets the long description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the README to the metadata of the project."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        site = metadata.get("urls", {}).get("Documentation")
        metadata["readme"] = {"content-type": "text/markdown", "text": portable(text, site)}


def portable(text: str, site: str | None) -> str:
    """Return Markdown without relative links.

    Args:
        text: The README.
        site: The address that the targets are below; None where there is none.
    """
    text = _COMMENT.sub("", text)
    if site is not None:
        return re.sub(r"\]\((?!https?:|#)", f"]({site.rstrip('/')}/", text)
    return _LINK.sub(r"\g<text>", _IMAGE.sub("", text))
