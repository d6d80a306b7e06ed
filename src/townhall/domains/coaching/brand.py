"""The values in the JSONB columns of a tenant: its brand and its e-mail settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.alias_generators import to_camel

from townhall.types import JsonValue

Color = Annotated[str, Field(pattern=r"^#(?:[0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$")]
"""A CSS hex colour: ``#1f6f54``, ``#fff``, with an alpha channel ``#1f6f5480``."""

# Characters that are refused in a line, a font name, an e-mail address, a URL.
_BREAKS = r"\p{Cc}\p{Zl}\p{Zp}"
_NO_FONT = rf"\"'\\;{{}}<>()/!{_BREAKS}"
_NO_ADDRESS = rf"@\s<>()\[\],;:\"\\{_BREAKS}"
_NO_URL = rf"\s{_BREAKS}"

FontFamily = Annotated[str, Field(pattern=rf"^[^\s{_NO_FONT}][^{_NO_FONT}]*$")]
"""The name of a font family, without characters that could end a CSS value."""

EmailAddress = Annotated[
    str, Field(pattern=rf"^[^{_NO_ADDRESS}]+@[^{_NO_ADDRESS}]+\.[^{_NO_ADDRESS}]+$")
]
"""An e-mail address without a name, without characters that could end it in a header."""

Line = Annotated[str, Field(pattern=rf"^[^{_BREAKS}]*$")]
"""Text without line breaks and other control characters, as a header requires."""

Url = Annotated[
    str,
    Field(
        min_length=1,
        pattern=rf"^(?:(?i:https?)://[^{_NO_URL}]+|[^{_NO_URL}:/?#]*(?:[/?#][^{_NO_URL}]*)?)$",
    ),
]
"""An http(s) URL, absolute or relative to the page; ``javascript:`` and ``data:`` are refused."""


class _Stored(JsonValue, alias_generator=to_camel):
    """A value whose stored keys are in camel case."""


class BrandLogo(_Stored):
    """The logo at the top of a page.

    Attributes:
        url: Where the picture is.
        alt: The text that screen readers read in its place.
        width: How wide it is shown, in CSS pixels.
    """

    url: Url
    alt: str
    width: Annotated[int, Field(gt=0)] | None = None


class BrandColors(_Stored):
    """The colours of a brand."""

    primary: Color
    primary_hover: Color
    secondary: Color
    background: Color
    background_subtle: Color
    text: Color
    text_muted: Color
    border: Color


class BrandFonts(_Stored):
    """The font families of headings and of text."""

    heading: FontFamily
    body: FontFamily


class BrandConfig(_Stored):
    """The look and the texts of a tenant's pages.

    Attributes:
        logo: The picture at the top.
        colors: The palette.
        fonts: The font families.
        tagline: A line below the name.
        welcome_message: What a participant reads before the start.
        completion_message: What a participant reads at the end.
        show_powered_by: Whether a page says on whose platform it runs.
    """

    logo: BrandLogo
    colors: BrandColors
    fonts: BrandFonts
    tagline: str | None = None
    welcome_message: str | None = None
    completion_message: str | None = None
    show_powered_by: bool


class EmailConfig(_Stored):
    """The settings of a tenant's e-mails.

    Attributes:
        reply_to: The address that replies are sent to.
        from_name: The name that they come from.
        signature: What they end with.
    """

    reply_to: EmailAddress
    from_name: Line | None = None
    signature: str | None = None
