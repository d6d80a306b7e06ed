"""The values in the JSONB columns of a tenant: its brand and its e-mail settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.alias_generators import to_camel
from sqlalchemy import CheckConstraint

from townhall.refusals import refused_with
from townhall.types import JsonValue

# Patterns for pydantic and PostgreSQL alike: neither lookaround nor classes of Unicode, and no
# colon before a letter, which SQLAlchemy would read as a parameter.
_INVISIBLE = r"\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
_NO_FONT = rf"\u0001-\u001f!-+/:-@\[-\^`{{-~{_INVISIBLE}"
_LINE_BREAKS = r"\u0001-\u001f\u007f-\u009f\u2028\u2029"
_OVERRIDES = r"\u202a-\u202e\u2066-\u2069"  # of the direction of text
_NO_NAME = rf'"(),:;<>@\[\\\]{_LINE_BREAKS}{_OVERRIDES}'
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = r"[0-9A-Z\[\]_a-z.:-]"  # of a URL, with a port
_IN_URL = r"!$\u0025(-.0-9;=A-Z\[\]_a-z~"  # a percent sign too; besides : / ? # @ and &
_REST = rf"[:/?#@&{_IN_URL}]*"

WIDTH_PATTERN = "^[1-9][0-9]{0,4}$"
COLOR_PATTERN = "^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$"
FONT_PATTERN = rf"^[^ {_NO_FONT}][^{_NO_FONT}]*$"
SENDER_PATTERN = rf"^([^={_NO_NAME}]|=+[^=?{_NO_NAME}])*=*$"
ADDRESS_PATTERN = (
    r"^[A-Za-z0-9_][A-Za-z0-9_+'-]*([.][A-Za-z0-9_+'-]+)*"
    rf"@({_LABEL}[.])+[A-Za-z]([A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?$"
)
# Without an ampersand before the first slash: an HTML page could read "&colon;" as a colon.
URL_PATTERN = (
    rf"^((([Hh][Tt][Tt][Pp][Ss]?:)?//{_HOST}+|[@{_IN_URL}]+)([/?#]{_REST})?"
    rf"|/([:?#@&{_IN_URL}]{_REST})?|[?#]{_REST})$"
)

Color = Annotated[str, Field(pattern=COLOR_PATTERN)]
"""A CSS hex colour: ``#1f6f54``, ``#fff``, with an alpha channel ``#1f6f5480``."""

FontFamily = Annotated[str, Field(pattern=FONT_PATTERN)]
"""The name of a font family: letters, digits, blanks, and ``,``, ``.``, ``-``, ``_``."""

EmailAddress = Annotated[str, Field(pattern=ADDRESS_PATTERN)]
"""An e-mail address in ASCII, without a name, and without what a ``mailto`` link takes for more."""

SenderName = Annotated[str, Field(pattern=SENDER_PATTERN)]
"""A name that needs no quotes in a header: no address, encoded word, line break or override of the
direction of text, and of the special characters of RFC 5322 only the full stop."""

Url = Annotated[str, Field(pattern=URL_PATTERN)]
"""An http(s) URL, absolute or relative to the page, in the ASCII of RFC 3986 without apostrophes,
user information and escapes in the host; ``javascript:`` and ``data:`` are refused, and
``javascript&colon;`` as well."""


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
    width: Annotated[int, Field(gt=0, lt=100_000)] | None = None


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
    from_name: SenderName | None = None
    signature: str | None = None


def value_checks() -> tuple[CheckConstraint, ...]:
    """Return the checks that the values are written as above, whichever program stores them.

    They hold for the parts of a value that there are: that none is missing is checked by
    :class:`BrandConfig` and :class:`EmailConfig` alone.
    """
    colors = (f"colors,{to_camel(name)}" for name in BrandColors.model_fields)
    fonts = (f"fonts,{to_camel(name)}" for name in BrandFonts.model_fields)
    return (
        _written(
            "brand_config",
            "logo_is_url",
            "The logo has no address that a page can show.",
            URL_PATTERN,
            "logo,url",
        ),
        _written(
            "brand_config",
            "width_is_number",
            "The width of the logo is a whole number of pixels.",
            WIDTH_PATTERN,
            "logo,width",
        ),
        _written(
            "brand_config",
            "colors_are_hex",
            "A color is written in hex, such as #00aa77.",
            COLOR_PATTERN,
            *colors,
        ),
        _written(
            "brand_config",
            "fonts_are_names",
            "A font has a name, without quotes and other marks.",
            FONT_PATTERN,
            *fonts,
        ),
        _written(
            "email_config",
            "reply_to_is_address",
            "Replies go to an e-mail address.",
            ADDRESS_PATTERN,
            "replyTo",
        ),
        _written(
            "email_config",
            "from_name_is_plain",
            "The name of a sender has no quotes, brackets and other marks.",
            SENDER_PATTERN,
            "fromName",
        ),
    )


def _written(column: str, name: str, sentence: str, pattern: str, *paths: str) -> CheckConstraint:
    literal = pattern.replace("'", "''")
    conditions = (f"{column} #>> '{{{path}}}' ~ '{literal}'" for path in paths)
    return CheckConstraint(
        " and ".join(conditions), name=f"{column}_{name}", info=refused_with(sentence)
    )
