"""Asks an ASGI application without a network."""

from typing import Any

import anyio
import httpx
from starlette.applications import Starlette


def ask(service: Starlette, path: str, method: str = "GET", **options: Any) -> httpx.Response:
    """Asks it; gives the whole answer."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(service)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **options)

    return anyio.run(asked)
