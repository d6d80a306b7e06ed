"""The public page of a tenant, by its slug and by its domain."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response, status
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from sqlalchemy import Select

from caller import sessions_of
from townhall.domains.coaching import canonical_domain, tenant_branding

TEMPLATES = Jinja2Templates(Path(__file__).parent / "templates")  # values are escaped
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' https:; style-src 'unsafe-inline'"
    )
}
SLUG = re.compile(r"[a-z0-9-]+")

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/")
async def page_of_a_domain(request: Request) -> Response:
    """Return the page of the tenant that verified the domain of the request."""
    try:
        domain = canonical_domain(request.headers.get("host", ""))
    except ValueError:
        raise _no_such_tenant() from None
    return await _page(request, tenant_branding(domain=domain))


@router.get("/t/{slug}")
async def page_of_a_slug(request: Request, slug: str) -> Response:
    """Return the page of the tenant with a slug."""
    if not SLUG.fullmatch(slug):
        raise _no_such_tenant()
    return await _page(request, tenant_branding(slug=slug))


async def _page(request: Request, branding: Select[Any]) -> Response:
    async with sessions_of(request).as_anonymous() as session:
        tenant = (await session.execute(branding)).one_or_none()
    if tenant is None:
        raise _no_such_tenant()
    values = {"tenant": tenant, "brand": tenant.brand_config}
    return TEMPLATES.TemplateResponse(request, "tenant.html", values, headers=HEADERS)


def _no_such_tenant() -> HTTPException:
    return HTTPException(status.HTTP_404_NOT_FOUND, "there is no such tenant")
