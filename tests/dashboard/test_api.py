"""The HTTP routes answer like the command line, and refuse what they do not understand in one line."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from core.domains import domain
from core.workspace import Workspace
from dashboard import api
from dashboard.guard import Guard
from storage.rows import CorpusRow


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    app = Starlette(routes=api.routes(workspace), middleware=[Middleware(Guard)])
    with TestClient(app, base_url="http://127.0.0.1:8501") as opened:
        yield opened


def test_health_says_that_it_is_up(client: TestClient, corpus: CorpusRow) -> None:
    assert client.get("/api/health").json() == {"status": "ok", "corpora": 1, "jobs": 0}


def test_a_search_answers_with_rank_document_page_and_text(client: TestClient, indexed: CorpusRow) -> None:
    found = client.post("/api/search", json={"corpus": "Leases", "question": "notice of the tenant", "top": 3}).json()
    first = found["results"][0]
    assert (first["rank"], first["document"], first["page"]) == (1, "lease.md", 1)
    assert "six months" in first["text"]


def test_many_questions_are_answered_under_their_ids(client: TestClient, indexed: CorpusRow) -> None:
    asked = [{"id": "a", "question": "What is the rent?"}, {"id": 2, "question": "When can it end?"}]
    found = client.post("/api/search", json={"corpus": "Leases", "questions": asked}).json()
    assert [each["id"] for each in found["questions"]] == ["a", "2"]
    assert all(each["results"] for each in found["questions"])


def test_an_answer_has_the_shape_of_the_command_line(client: TestClient, indexed: CorpusRow) -> None:
    answer = client.post("/api/ask", json={"corpus": "Leases", "question": "How much notice must the tenant give?"})
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {
        "answer",
        "refused",
        "mode",
        "citations",
        "passages",
        "timings",
        "disclaimer",
        "checks",
    }
    assert answer.json()["disclaimer"] == domain("legal").disclaimer


def test_an_answer_can_be_followed_as_it_is_written(client: TestClient, indexed: CorpusRow) -> None:
    asked = {"corpus": "Leases", "question": "How much notice must the tenant give?"}
    told = client.post("/api/ask", json=asked, headers={"Accept": "text/event-stream"}).text
    assert "event: delta" in told or "event: answer" in told
    assert told.rstrip().splitlines()[-2] == "event: answer"


def test_an_answer_of_the_chat_is_told_from_its_beginning_and_ends(
    client: TestClient, workspace: Workspace, indexed: CorpusRow
) -> None:
    talk = workspace.conversations.create(indexed.id)
    message = workspace.live.start(talk.id, "How much notice must the tenant give?", "rag")
    told = client.get(f"/api/answers/{message}/events").text
    assert told.endswith("event: end\ndata: {}\n\n")
    assert workspace.conversations.message(message).status == "done"


def test_following_an_answer_that_is_not_there_just_ends(client: TestClient) -> None:
    assert client.get("/api/answers/4711/events").text == "event: end\ndata: {}\n\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"corpus": "No such", "question": "x"}, 404),
        ({"question": "x"}, 400),
        ({"corpus": "Leases"}, 400),
        ({"corpus": "Leases", "question": " "}, 400),
        ({"corpus": "Leases", "question": ["x"]}, 400),
        ({"corpus": "Leases", "question": "x", "top": 0}, 400),
        ({"corpus": "Leases", "question": "x", "top": True}, 400),
        ({"corpus": "Leases", "questions": ["x"]}, 400),
        ([1], 400),
    ],
)
def test_what_is_not_understood_is_refused_in_one_line(
    client: TestClient, corpus: CorpusRow, sent: object, status: int
) -> None:
    answer = client.post("/api/search", json=sent)
    assert answer.status_code == status
    assert answer.json()["error"].count("\n") == 0


def test_a_mode_that_does_not_exist_is_refused(client: TestClient, corpus: CorpusRow) -> None:
    answer = client.post("/api/ask", json={"corpus": "Leases", "question": "x", "mode": "magic"})
    assert answer.status_code == 400


def test_only_json_is_read(client: TestClient, corpus: CorpusRow) -> None:
    assert client.post("/api/ask", content="{}", headers={"Content-Type": "text/plain"}).status_code == 400
    headers = {"Content-Type": "application/json"}
    assert client.post("/api/ask", content="[" * 100_000, headers=headers).status_code == 400
    assert client.post("/api/ask", content=b"x" * 2_000_000, headers=headers).status_code == 400


def test_pages_of_other_sites_are_refused(client: TestClient, indexed: CorpusRow) -> None:
    asked = {"corpus": "Leases", "question": "rent"}
    assert client.post("/api/search", json=asked, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/api/search", json=asked, headers={"Host": "evil.example"}).status_code == 403
