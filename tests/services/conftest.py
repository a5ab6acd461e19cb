from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from sandbox.gemini import Authority, GeminiStandIn
from services.gemini import Gemini


@pytest.fixture(scope="session")
def gemini_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """The only root that this process trusts for gRPC, which reads the variable once, before its first channel."""
    authority = Authority(tmp_path_factory.mktemp("gemini"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(authority.roots_file))
        yield authority


@pytest_asyncio.fixture
async def api(gemini_authority: Authority) -> AsyncIterator[GeminiStandIn]:
    async with GeminiStandIn(authority=gemini_authority) as api:
        yield api


@pytest_asyncio.fixture
async def gemini(api: GeminiStandIn) -> AsyncIterator[Gemini]:
    """The client under test, with waits that suit a test."""
    async with Gemini(api.api_key, api.endpoint, first=1.0, between=1.0, whole=5.0) as gemini:
        yield gemini
