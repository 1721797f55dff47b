"""LangChain's own conformance suite. Tool calling and structured output are declared unsupported."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from pydantic import SecretStr

from core.generation.embedded import EmbeddedChat
from core.generation.endpoint import EndpointChat
from tests.core.generation.openai_server import KEY, serving

pytestmark = pytest.mark.anyio  # the suite's coroutines; the other tests do not mind


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Declared:
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return EmbeddedChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"source": self.source, "folder": self.folder}

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False

    @property
    def supports_json_mode(self) -> bool:
        return False

    @pytest.fixture(autouse=True)
    def _files(self, packaged: Path, models_folder: Path) -> None:
        self.source, self.folder = packaged, models_folder


class TestEmbeddedUnit(Declared, ChatModelUnitTests):
    pass


class TestEmbeddedIntegration(Declared, ChatModelIntegrationTests):
    @pytest.fixture
    def model(self, engine: EmbeddedChat) -> BaseChatModel:  # the shared one: loading costs seconds
        return engine


class DeclaredEndpoint(Declared):
    """Answered by the embedded engine behind a real HTTP server."""

    url = "http://127.0.0.1:9/v1"

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return EndpointChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"base_url": self.url, "model": "tiny", "key": KEY}


class TestEndpointUnit(DeclaredEndpoint, ChatModelUnitTests):
    pass


class TestEndpointIntegration(DeclaredEndpoint, ChatModelIntegrationTests):
    @pytest.fixture(autouse=True)
    def _server(self, engine: EmbeddedChat) -> Iterator[None]:
        with serving(engine) as server:
            self.url = server.url
            yield

    @pytest.fixture
    def model(self) -> BaseChatModel:
        return EndpointChat(base_url=self.url, model="tiny", key=SecretStr(KEY), max_tokens=40)
