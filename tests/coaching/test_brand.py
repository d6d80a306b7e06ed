"""The typed values in a tenant's JSONB columns."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import object_session

from tests.coaching.data import BRAND, OWNER, PERSONAS, STORED_BRAND, TENANT
from townhall import (
    BrandColors,
    BrandConfig,
    BrandFonts,
    BrandLogo,
    EmailConfig,
    TenantProfile,
    Unreadable,
)
from townhall.testing import acting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import ColumnElement, Connection

    from townhall.session import SessionFactory

BY_OTHERS: dict[str, Any] = copy.deepcopy(STORED_BRAND)
BY_OTHERS["darkMode"] = {"primary": "not a colour"}
BY_OTHERS["fonts"]["mono"] = "Fira Code"
BY_OTHERS["logo"]["height"] = 40
BY_OTHERS["welcome_message"] = "not for participants"
BY_OTHERS["show_powered_by"] = "never"
BY_OTHERS["colors"]["primary_hover"] = "darker"
"""A brand with unknown keys at every depth, as another writer may store it."""


def _without(*path: str) -> dict[str, Any]:
    brand = copy.deepcopy(STORED_BRAND)
    *parents, last = path
    place = brand
    for parent in parents:
        place = place[parent]
    del place[last]
    return brand


def _with(value: object, *path: str) -> dict[str, Any]:
    brand = copy.deepcopy(STORED_BRAND)
    *parents, last = path
    place = brand
    for parent in parents:
        place = place[parent]
    place[last] = value
    return brand


def _path(error: ValidationError) -> str:
    (problem,) = error.errors()
    return ".".join(map(str, problem["loc"]))


REFUSED = {
    "logo": _without("logo"),
    "logo.url": _with("", "logo", "url"),
    "logo.alt": _without("logo", "alt"),
    "logo.width": _with(0, "logo", "width"),
    "logo.height": _with(40, "logo", "height"),
    "colors": _without("colors"),
    "colors.primary": _with("green", "colors", "primary"),
    "colors.primaryHover": _with("#12345", "colors", "primaryHover"),
    "colors.backgroundSubtle": _with("#fffff\n", "colors", "backgroundSubtle"),
    "colors.textMuted": _without("colors", "textMuted"),
    "colors.border": _with("rgb(0,0,0)", "colors", "border"),
    "colors.accent": _with("#fff", "colors", "accent"),
    "fonts.heading": _with("Lato; } body { display: none", "fonts", "heading"),
    "fonts.body": _without("fonts", "body"),
    "fonts.mono": _with("Fira Code", "fonts", "mono"),
    "tagline": _with(["no", "text"], "tagline"),
    "showPoweredBy": _without("showPoweredBy"),
    "darkMode": _with({}, "darkMode"),
}


@pytest.fixture
def tenant(sessions: SessionFactory) -> Iterator[TenantProfile]:
    """Yield the tenant in a session of its owner's."""
    with sessions.as_user(OWNER) as session:
        yield session.get_one(TenantProfile, TENANT)


def _stored(connection: Connection) -> object:
    stored = text("select brand_config from public.tenant_profiles where id = :id")
    return connection.scalar(stored, {"id": TENANT})


@pytest.mark.parametrize("path", REFUSED)
def test_invalid_brand_is_refused_on_assignment_and_the_error_names_the_path(
    tenant: TenantProfile, path: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        tenant.brand_config = REFUSED[path]  # type: ignore[assignment]  # as an attribute takes it
    assert _path(refusal.value) == path
    assert tenant.brand_config == BRAND


@pytest.mark.parametrize("path", REFUSED)
def test_invalid_brand_is_refused_by_the_constructors(path: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        BrandConfig(**REFUSED[path])
    assert _path(refusal.value) == path
    with pytest.raises(ValidationError):
        TenantProfile(slug="new", brand_config=REFUSED[path])


@pytest.mark.parametrize("path", REFUSED)
def test_invalid_brand_is_refused_in_a_statement(connection: Connection, path: str) -> None:
    with pytest.raises(StatementError, match=path):
        connection.execute(update(TenantProfile).values(brand_config=REFUSED[path]))


@pytest.mark.parametrize("value", ["", [], 1, "{}"], ids=str)
def test_value_of_another_type_is_refused(tenant: TenantProfile, value: object) -> None:
    with pytest.raises(ValidationError):
        tenant.brand_config = value  # type: ignore[assignment]  # the point


@pytest.mark.parametrize("color", ["#fff", "#FFFA", "#1f6f54", "#1F6F5480"])
def test_hex_colors_of_css_are_accepted(color: str) -> None:
    assert (
        BRAND.model_copy(
            update={"colors": BRAND.colors.model_copy(update={"primary": color})}
        ).colors.primary
        == color
    )


@pytest.mark.thorough
def test_brand_is_created_with_python_names_and_stored_with_the_specified_keys(
    connection: Connection, tenant: TenantProfile
) -> None:
    tenant.brand_config = BrandConfig(
        logo=BrandLogo(url="/logo.svg", alt="Logo"),
        colors=BrandColors(
            primary="#111",
            primary_hover="#222",
            secondary="#333",
            background="#444",
            background_subtle="#555",
            text="#666",
            text_muted="#777",
            border="#888",
        ),
        fonts=BrandFonts(heading="Playfair Display", body="Lato"),
        welcome_message="Welcome",
        show_powered_by=True,
    )
    _flush(tenant)
    assert _stored(connection) == {
        "logo": {"url": "/logo.svg", "alt": "Logo"},
        "colors": {
            "primary": "#111",
            "primaryHover": "#222",
            "secondary": "#333",
            "background": "#444",
            "backgroundSubtle": "#555",
            "text": "#666",
            "textMuted": "#777",
            "border": "#888",
        },
        "fonts": {"heading": "Playfair Display", "body": "Lato"},
        "welcomeMessage": "Welcome",
        "showPoweredBy": True,
    }


def _flush(tenant: TenantProfile) -> None:
    session = object_session(tenant)
    assert session is not None
    session.flush()
    session.refresh(tenant)


def test_mapping_of_the_shape_is_accepted(tenant: TenantProfile) -> None:
    tenant.brand_config = STORED_BRAND | {"tagline": "Thrive"}  # type: ignore[assignment]  # coerced
    assert isinstance(tenant.brand_config, BrandConfig)
    assert tenant.brand_config.tagline == "Thrive"


@pytest.mark.parametrize(
    "change",
    [
        lambda brand: setattr(brand, "tagline", "Changed"),
        lambda brand: setattr(brand.colors, "primary", "#000"),
        lambda brand: delattr(brand, "tagline"),
    ],
)
def test_brand_is_immutable_and_hashable(change: Callable[[BrandConfig], None]) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        change(BRAND)
    assert hash(BRAND) == hash(BrandConfig.from_stored(STORED_BRAND))


def test_keys_of_other_writers_survive_a_round_trip(
    connection: Connection, sessions: SessionFactory
) -> None:
    _store(connection, "brand_config", BY_OTHERS)
    with sessions.as_user(OWNER) as session:
        tenant = session.get_one(TenantProfile, TENANT)
        assert tenant.brand_config is not None
        brand = tenant.brand_config
        fonts = brand.fonts.model_copy(update={"body": "Roboto"})
        tenant.brand_config = brand.model_copy(update={"tagline": "Changed", "fonts": fonts})
    expected = copy.deepcopy(BY_OTHERS) | {"tagline": "Changed"}
    expected["fonts"]["body"] = "Roboto"
    assert _stored(connection) == expected


def test_unknown_keys_are_refused_from_python_in_spite_of_stored_ones(
    connection: Connection, sessions: SessionFactory
) -> None:
    _store(connection, "brand_config", BY_OTHERS)
    with sessions.as_user(OWNER) as session:
        brand = session.get_one(TenantProfile, TENANT).brand_config
        assert brand is not None
        wrong: list[dict[str, Any]] = [{"dark_mode": {}}, {"fonts": BY_OTHERS["fonts"]}]
        for changes in (*wrong, {"logo": None}):
            with pytest.raises(ValidationError):
                brand.model_copy(update=changes)


def test_stored_keys_that_equal_python_names_are_kept_as_unknown_keys() -> None:
    brand = BrandConfig.from_stored(BY_OTHERS)
    assert brand.welcome_message is None
    assert brand.show_powered_by is False
    assert brand.colors.primary_hover == "#17483a"
    assert brand.as_stored() == BY_OTHERS
    welcoming = brand.model_copy(update={"welcome_message": "Welcome"})
    assert welcoming.as_stored() == BY_OTHERS | {"welcomeMessage": "Welcome"}
    nothing = BrandConfig.from_stored(BY_OTHERS | {"welcomeMessage": None})
    assert nothing.as_stored() == BY_OTHERS | {"welcomeMessage": None}


def test_update_of_another_column_keeps_the_stored_brand(
    connection: Connection, sessions: SessionFactory
) -> None:
    _store(connection, "brand_config", BY_OTHERS)
    with sessions.as_user(OWNER) as session:
        session.get_one(TenantProfile, TENANT).display_name = "Renamed"
    assert _stored(connection) == BY_OTHERS


@pytest.mark.parametrize("column", ["brand_config", "email_config"])
def test_none_is_stored_as_an_empty_object(
    connection: Connection, tenant: TenantProfile, column: str
) -> None:
    setattr(tenant, column, None)
    _flush(tenant)
    assert getattr(tenant, column) is None
    stored = text(f"select {column} from public.tenant_profiles where id = '{TENANT}'")
    assert connection.scalar(stored) == {}
    new = TenantProfile(slug="new", display_name="New")
    assert getattr(new, column) is None


@pytest.mark.parametrize(
    "brand",
    [{"colors": {}}, _without("colors", "primary"), {"logo": 1}],
    ids=["little", "missing", "type"],
)
def test_invalid_stored_brand_is_read_as_unreadable_and_kept(
    connection: Connection, sessions: SessionFactory, brand: dict[str, Any]
) -> None:
    _store(connection, "brand_config", brand)
    with sessions.as_service() as session:
        tenants = {tenant.id: tenant for tenant in session.scalars(select(TenantProfile))}
        read: object = tenants[TENANT].brand_config
        assert isinstance(read, Unreadable)
        assert (json.loads(read.raw), bool(read)) == (brand, False)
        tenants[TENANT].display_name = "Renamed"
    assert _stored(connection) == brand


@pytest.mark.parametrize("stored", ["[]", "1", '"text"', "null"])
@pytest.mark.parametrize("column", ["brand_config", "email_config"])
def test_stored_value_that_is_no_object_is_refused(
    connection: Connection, column: str, stored: str
) -> None:
    store = text(f"update public.tenant_profiles set {column} = '{stored}'")
    with pytest.raises(IntegrityError, match=f"ck_tenant_profiles_{column}_is_object"):
        connection.execute(store)


def test_brand_accepts_an_sql_expression(connection: Connection, tenant: TenantProfile) -> None:
    tagline = func.jsonb_set(
        TenantProfile.brand_config, text("'{tagline}'"), text("""'"By SQL"'"""), type_=JSONB
    )
    tenant.brand_config = tagline
    _flush(tenant)
    assert tenant.brand_config is not None
    assert tenant.brand_config.tagline == "By SQL"
    assert _stored(connection) == STORED_BRAND | {"tagline": "By SQL"}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (TenantProfile.brand_config["fonts"], STORED_BRAND["fonts"]),
        (TenantProfile.brand_config["fonts", "body"], "Lato"),
        (TenantProfile.brand_config["fonts"]["body"].astext, "Lato"),
        (TenantProfile.brand_config["logo"]["width"].as_integer(), 120),
        (TenantProfile.brand_config.contains({"tagline": "Grow"}), True),
        (TenantProfile.brand_config.contained_by(STORED_BRAND), True),
        (TenantProfile.brand_config.has_key("tagline"), True),
        (TenantProfile.brand_config.has_any(array(["darkMode", "tagline"])), True),
        (TenantProfile.brand_config == BRAND, True),
        (TenantProfile.brand_config == STORED_BRAND, True),
        (TenantProfile.brand_config.in_([BRAND]), True),
        (TenantProfile.brand_config != None, True),  # noqa: E711 - as SQL has it
        (TenantProfile.brand_config, BRAND),
    ],
    ids=str,
)
def test_brand_column_has_the_operators_of_jsonb(
    connection: Connection, expression: ColumnElement[Any], value: object
) -> None:
    asked = select(expression).where(TenantProfile.id == TENANT)
    assert connection.scalar(asked) == value


def test_email_settings_are_validated_and_stored_with_the_specified_keys(
    connection: Connection, tenant: TenantProfile
) -> None:
    tenant.email_config = EmailConfig(reply_to="hello@example.org", from_name="Green Tree")
    _flush(tenant)
    stored = connection.scalar(select(func.to_jsonb(TenantProfile.email_config)))
    assert stored == {"replyTo": "hello@example.org", "fromName": "Green Tree"}
    for wrong in ({}, {"replyTo": "hello"}, {"replyTo": "a@b.c", "replyFrom": "d@e.f"}):
        with pytest.raises(ValidationError):
            tenant.email_config = wrong  # type: ignore[assignment]  # the point
    assert tenant.email_config is not None
    assert tenant.email_config.reply_to == "hello@example.org"


REFUSED_ADDRESSES = [
    "",
    "hello",
    "a b@c.de",
    "Ann <a@c.de>",
    "a@b",
    "a@b.c\n",
    "a@b.cc\r\nBcc:d@e.ff",
    "a\x7f@b.cc",
    "a,b@c.dd",
    "a:b;@c.dd",
    "a(b)@c.dd",
    "a@b.cc, d@e.ff",
    '"a"@b.cc',
    "a@b.cc?bcc=d@e.ff",
    "a?bcc=d%40e.ff@b.cc",
    "a%2Cd@e.ff",
    "a@b.cc&bcc=d",
    "a#@b.cc",
    "=?utf-8?q?a?=@b.cc",
    "-oQ/tmp@b.cc",
    "a..b@c.dd",
    ".a@b.cc",
    "a@b..cc",
    "a@[127.0.0.1]",
    "a@127.0.0.1",
    "\uff41@b.cc",
    "a\uff20b.cc",
    "a\u202e@b.cc",
]
REFUSED_SENDERS = [
    *(f"Coach{character}Bcc" for character in "\r\n\x7f\x85\u2028"),
    '"Bank" <service@bank.example>',
    "Bank <service@bank.example>",
    "service@bank.example",
    'Coach" <service@bank.example>, "x',
    "Coach\\",
    "Coach, Bank",
    "Coach; Bank",
    "Coaches: Bank;",
    "Coach (Bank)",
    "=?utf-8?q?Bank?=",
    "Coach =?utf-8?b?QmFuaw==?=",
    "==?utf-8?q?Bank?=",
    "Coach\u202eknaB",
    "Coach\u2066",
]
REFUSED_URLS = [
    "",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "ftp://example.org/logo.svg",
    "https:",
    "https://",
    "https:///example.org",
    "///example.org",
    "/logo.svg\n",
    "\x01javascript:alert(1)",
    "https:\\\\example.org",
    "/\\example.org",
    "\\\\example.org\\logo.svg",
    '/logo.svg" onerror="alert(1)',
    "/logo.svg'",
    "/<script>",
    "/logo`.svg",
    "/{logo}.svg",
    "https://bank.example@example.org/",
    "//bank.example:x@example.org/",
    "/logo\u2028.svg",
    "jav\u00adascript:alert(1)",
    "https://b\u0430nk.example/",
    "javascript&colon;alert(1)",
    "java&Tab;script&colon;alert(1)",
    "javascript&#58;alert(1)",
    "&#106;avascript",
    "https&colon;//bank.example/",
    "https://bank.example&commat;example.org/",
    "https://bank.example%40example.org/",
    "https://bank.example;x@example.org/",
    "https://bank.example(x)/",
]
REFUSED_FONTS = [
    "",
    " ",
    " Lato",
    'A"B',
    "A'B",
    "A;B",
    "A}B",
    "A\\B",
    "A\nB",
    "A\x0cB",
    "A/*B",
    "url(x",
    "A!b",
    "Lato&text=x",
    "Lato:wght@400",
    "Lato?x",
    "Lato#x",
    "</style>",
    "Lato\u2028",
]
REFUSED_WIDTHS = ["", "0", "-1", "100000", "1px", '1" onload="x', "1e9", "NaN"]
REFUSED_COLORS = ["", "green", "#12345", "#fffff\n", "#fff;x:y", "rgb(0,0,0)", "url(//x.yy)"]


@pytest.mark.parametrize("address", [*REFUSED_ADDRESSES, "a@b.cc\x00"], ids=ascii)
def test_reply_address_that_is_no_plain_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="reply_to"):
        EmailConfig(reply_to=address)


@pytest.mark.parametrize("address", ["a@b.cc", "o'brien@mail.b-c.example", "A_b.c+d-e@b.c9"])
def test_plain_reply_addresses_are_accepted(address: str) -> None:
    assert EmailConfig(reply_to=address).reply_to == address


@pytest.mark.parametrize("name", [*REFUSED_SENDERS, "Coach\x00"], ids=ascii)
def test_sender_name_that_needs_quotes_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        EmailConfig(reply_to="a@b.cc", from_name=name)
    assert _path(refusal.value) == "from_name"


@pytest.mark.parametrize("name", ["Dr. Ann O'Neil & Co", "a = b?", "שלום", "Café ☕", "100 %!"])
def test_sender_names_without_special_characters_are_accepted(name: str) -> None:
    assert EmailConfig(reply_to="a@b.cc", from_name=name).from_name == name


@pytest.mark.parametrize("url", [*REFUSED_URLS, "/logo\x00.svg"], ids=ascii)
def test_logo_url_that_a_browser_reads_as_another_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        BrandLogo(url=url, alt="Logo")
    assert _path(refusal.value) == "url"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/logo.svg?v=1:2#a",
        "https://example.org:8443/a@b/logo(1).svg",
        "HTTP://example.org",
        "/",
        "/logo.svg",
        "logo.svg",
        "../a:b/logo.svg",
        "?logo=1:2",
        "/logo?width=1&height=2;3#a&b",
        "logo%20(1);v=2.svg",
        "https://[2001:db8::1]:8443/logo.svg",
        "//cdn.example.org/logo.svg",
        "/%C3%A4.svg",
    ],
)
def test_https_and_relative_logo_urls_are_accepted(url: str) -> None:
    assert BrandLogo(url=url, alt="Logo").url == url


@pytest.mark.parametrize("font", [*REFUSED_FONTS, "A\x00B"], ids=ascii)
def test_font_name_that_could_end_a_css_declaration_is_refused(font: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        BrandFonts(heading=font, body="Lato")
    assert _path(refusal.value) == "heading"


@pytest.mark.parametrize("font", ["Lato", "Source Sans 3", "Exo_2", "ヒラギノ角ゴ", "Lato, serif"])
def test_names_of_fonts_are_accepted(font: str) -> None:
    assert BrandFonts(heading=font, body="Lato").heading == font


@pytest.mark.parametrize(
    ("column", "path", "constraint", "values"),
    [
        ("email_config", "replyTo", "reply_to_is_address", REFUSED_ADDRESSES),
        ("email_config", "fromName", "from_name_is_plain", REFUSED_SENDERS),
        ("brand_config", "logo,url", "logo_is_url", REFUSED_URLS),
        ("brand_config", "logo,width", "width_is_number", REFUSED_WIDTHS),
        ("brand_config", "fonts,heading", "fonts_are_names", REFUSED_FONTS),
        ("brand_config", "fonts,body", "fonts_are_names", REFUSED_FONTS),
        *(
            ("brand_config", f"colors,{key}", "colors_are_hex", REFUSED_COLORS)
            for key in STORED_BRAND["colors"]
        ),
    ],
)
def test_refused_values_cannot_be_written_by_sql(
    connection: Connection, column: str, path: str, constraint: str, values: list[str]
) -> None:
    *parents, key = path.split(",")
    with acting(connection, PERSONAS["owner"]):
        for value in (*values, ["javascript:x"], {"a": "javascript:x"}):
            stored: dict[str, Any] = {key: value}
            for parent in parents:
                stored = {parent: stored}
            with (
                pytest.raises(IntegrityError, match=f"ck_tenant_profiles_{column}_{constraint}"),
                connection.begin_nested(),
            ):
                _store(connection, column, stored)


def test_valid_values_and_parts_of_them_can_be_written_by_sql(connection: Connection) -> None:
    email = {"replyTo": "a@b.cc", "fromName": "Coach", "x": "<y>"}
    values: dict[str, list[dict[str, Any]]] = {
        "brand_config": [{}, {"colors": {}}, {"logo": {"alt": "<x>"}}, STORED_BRAND, BY_OTHERS],
        "email_config": [{}, {"fromName": None}, email],
    }
    with acting(connection, PERSONAS["owner"]):
        for column, written in values.items():
            for value in written:
                _store(connection, column, value)


@pytest.mark.parametrize("field", ["tagline", "welcome_message", "completion_message"])
def test_nul_character_is_refused_on_assignment(field: str) -> None:
    with pytest.raises(ValidationError, match="NUL") as refusal:
        BRAND.model_copy(update={field: "a\x00b"})
    assert _path(refusal.value) == field
    two_lines = BRAND.model_copy(update={field: "One\n\nTwo"})
    assert getattr(two_lines, field) == "One\n\nTwo"


def _store(connection: Connection, column: str, value: dict[str, Any]) -> None:
    """Store a value as another writer would."""
    statement = text(
        f"update public.tenant_profiles set {column} = cast(:value as jsonb) where id = :id"
    )
    connection.execute(statement, {"value": json.dumps(value), "id": TENANT})
