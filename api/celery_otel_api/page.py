"""The operator's page, and the files that it is made of: served from this package, with nothing from anywhere else.

The files are reached by the hash of all of them, so a browser keeps them for good and still never mixes two versions.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""What the browser may load for the page: our own files, and nothing that is written into its HTML."""

_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    # Links lead to Jaeger and Grafana, which need not know where this service is.
    "Referrer-Policy": "same-origin",
}
_FOREVER = "public, max-age=31536000, immutable"
_ASK_EACH_TIME = "no-cache"
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_PAGE = "page.html"
_VERSION = b"{version}"
"""Stands in the page for the hash of all files."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page.

    Attributes:
        body: Its content.
        media_type: What it is.
        etag: The hash of its content, as the header says it.
    """

    body: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class Assets:
    """All files of the page.

    Attributes:
        version: The hash of all of them.
        page: The page itself.
        static: The others, by name.
    """

    version: str
    page: Asset
    static: Mapping[str, Asset]


@cache
def assets() -> Assets:
    """The files, read once."""
    found = {file.name: file.read_bytes() for file in files(__package__).joinpath("static").iterdir() if file.is_file()}
    version = _hash(b"\0".join(name.encode() + b"\0" + body for name, body in sorted(found.items())))
    page = found.pop(_PAGE).replace(_VERSION, version.encode())
    return Assets(version, _asset(_PAGE, page), {name: _asset(name, body) for name, body in found.items()})


def _asset(name: str, body: bytes) -> Asset:
    return Asset(body, _MEDIA_TYPES[name[name.rindex(".") :]], f'"{_hash(body)}"')


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


async def page(request: Request) -> Response:
    """The page."""
    return _answer(request, assets().page, _ASK_EACH_TIME)


async def static(request: Request) -> Response:
    """One of its files.

    Raises:
        HTTPException: There is none of this name.
    """
    asset = assets().static.get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    # A page of another version, left open over an update, gets what there is, and asks again the next time.
    current = request.path_params["version"] == assets().version
    return _answer(request, asset, _FOREVER if current else _ASK_EACH_TIME)


def _answer(request: Request, asset: Asset, caching: str) -> Response:
    headers = {**_HEADERS, "Cache-Control": caching, "ETag": asset.etag}
    if asset.etag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(asset.body, headers=headers, media_type=asset.media_type)


ROUTES = (Route("/", page), Route("/static/{version}/{name}", static))
"""Not part of the API's description: they are for browsers, and open to all, since they tell nothing of the cluster."""
