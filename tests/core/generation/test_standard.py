"""LangChain's own conformance suite. Tool calling and structured output are declared unsupported."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from core.generation.embedded import EmbeddedChat

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
