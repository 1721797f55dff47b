import threading

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_tests.unit_tests import ChatModelUnitTests

from core.generation.scripted import ScriptedChat


class TestScriptedIsAChatModel(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ScriptedChat

    @property
    def chat_model_params(self) -> dict[str, object]:
        return {"answers": ["One two three."]}

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False


def test_it_streams_word_by_word_and_says_it_is_no_model() -> None:
    chat = ScriptedChat(answers=["The first  answer.\nIt ends.", "Another."])
    chunks = list(chat.stream("?"))
    assert "".join(chunk.text for chunk in chunks) == "The first  answer.\nIt ends."
    assert sum(bool(chunk.text) for chunk in chunks) == 5
    assert "not a language model" in str(chat.name)
    assert chat.invoke("?").text == "Another."
    assert chat.invoke("?").text.startswith("The first")


def test_an_answer_may_depend_on_the_messages() -> None:
    chat = ScriptedChat(answers=lambda messages: messages[-1].text.upper())
    assert chat.invoke([HumanMessage("loud")]).text == "LOUD"


def test_it_stops_when_asked_and_at_a_stop_string() -> None:
    stopping = threading.Event()
    stream = ScriptedChat(answers=["one two three four"], pause_s=0.01).stream("?", stopping=stopping)
    said = next(stream).text
    stopping.set()
    rest = list(stream)
    assert said + "".join(chunk.text for chunk in rest) == "one"
    assert any(chunk.response_metadata.get("finish_reason") == "stopped" for chunk in rest)
    assert ScriptedChat(answers=["one two three"]).invoke("?", stop=["two"]).text == "one "
