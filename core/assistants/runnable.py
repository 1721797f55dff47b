"""An assistant as a LangChain Runnable, so that it can be a step of anyone's chain.

Only the face; `ask.py` does the work.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import Runnable, RunnableConfig

from core.assistants.answer import Answer, Delta

if TYPE_CHECKING:
    from core.assistants.ask import Assistant


class AnswerRunnable(Runnable[str, Any]):
    """A question in; `invoke` gives the `Answer`, `stream` its deltas and then the `Answer`."""

    def __init__(self, assistant: "Assistant") -> None:
        self._assistant = assistant

    def invoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> Answer:
        """The whole answer."""
        answer: Answer = self._call_with_config(self._answer, input, config)
        return answer

    def stream(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator["Delta | Answer"]:
        """The pieces of the answer as they arrive, then the whole of it."""
        yield from self._assistant.ask(input, **kwargs)

    def _answer(self, question: str) -> Answer:
        *_, answer = self._assistant.ask(question)
        assert isinstance(answer, Answer)
        return answer
