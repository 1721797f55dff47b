"""More than one machine: a Ray cluster of several nodes, started here, with PostgreSQL, Chroma and shared files."""

import io
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.assistants.answer import Mode
from core.assistants.ask import Voice
from core.assistants.reading import GROUNDED
from core.errors import BadInput, StoreDown
from core.evaluation import elsewhere, running
from core.evaluation.answering import Asked
from core.evaluation.questions import Gold
from core.finetuning import importing
from core.generation.scripted import ScriptedChat
from core.ingestion import intake, reindexing, spreading
from core.ingestion.embedders import Choice
from core.jobs import placing, ray_joining, resources
from core.jobs.own_home import home_with
from core.jobs.resources import Resources
from core.settings import Settings
from core.workspace import Workspace
from storage.errors import LeaseLost
from storage.rows import AdapterRow, EvaluationRow, IndexRow, JobRow
from tests.core.generation.tiny_folder import make_adapter, make_tiny
from tests.core.ingestion.scanning import LINES, drawn
from tests.core.ingestion.small_model import DIMENSION, small_model

PATIENCE_S = 300  # until a test gives up on a busy machine
ROOT = Path(__file__).resolve().parents[3]


def silent_head(home: Path) -> dict[str, str]:
    """What keeps a Ray head from calling out: as in `compose.yaml` and its image."""
    home.mkdir()
    (home / "ray_bootstrap_config.yaml").write_text("provider: {type: local}")
    report = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9/"}
    return report | {"HOME": str(home)}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A head without CPUs, so that jobs run on the nodes that a test adds."""
    ray = pytest.importorskip("ray", reason="Ray is not tested: it is not installed (the extra `ray`)")
    from ray.cluster_utils import Cluster

    for name, value in silent_head(tmp_path / "ray-home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 80 << 20}
    started = Cluster(initialize_head=True, head_node_args=head)
    yield started
    ray.shutdown()
    started.shutdown()


def node(cluster: Any) -> Any:
    return cluster.add_node(num_cpus=1, object_store_memory=80 << 20)


@pytest.fixture
def settings(tmp_path: Path, postgres_url: str, chroma_url: str, cluster: Any) -> Settings:
    return Settings(
        tmp_path / "home", postgres_url, chroma_url=chroma_url, files_url=str(tmp_path / "shared"),
        ray_address=cluster.address,
    )  # fmt: skip


def wait_for(condition: Any) -> None:
    pause = threading.Event()
    for _ in range(PATIENCE_S * 5):
        if condition():
            return
        pause.wait(0.2)
    raise AssertionError("it did not happen")


def manual(sections: int = 900) -> bytes:
    """About as many chunks."""
    paragraph = "Section {0}. The fee for item {0} is {0} euro, payable on receipt of the goods, " * 8
    return "\n\n".join(paragraph.format(number) for number in range(sections)).encode()


def runs_job(job: JobRow, nodes: list[Any]) -> Any:
    """The node of which a job's process is: its parent is the node's own."""
    host, pid = job.worker.rsplit(":", 1)
    assert (host, int(pid) != os.getpid()) == (os.uname().nodename, True)
    parents = {parent.pid for parent in psutil.Process(int(pid)).parents()}
    (found,) = [each for each in nodes if parents & {each.all_processes["raylet"][0].process.pid}]
    return found


def lose_in_mid_job(ws: Workspace, job_id: int, cluster: Any, nodes: list[Any]) -> None:
    """Wait until both machines have embedded something for a job, and kill the one that runs it."""
    wait_for(lambda: "on 2 machines" in ws.jobs.get(job_id).message)
    job = ws.jobs.get(job_id)
    assert (job.status, job.attempt) == ("running", 1)
    cluster.remove_node(runs_job(job, nodes), allow_graceful=False)


def test_a_job_over_two_machines_of_which_one_is_lost_finishes_once(settings: Settings, cluster: Any) -> None:
    nodes = [node(cluster), node(cluster)]
    scan = io.BytesIO()
    drawn(*LINES).save(scan, "PNG")
    with Workspace.open(settings) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        took = intake.add_files(ws, corpus, [("scan.png", scan.getvalue()), ("manual.txt", manual())])
        assert took.job_id is not None
        ws.dispatcher.start()
        lose_in_mid_job(ws, took.job_id, cluster, nodes)
        wait_for(lambda: ws.jobs.get(took.job_id).status == "done")
        assert ws.jobs.get(took.job_id).attempt > 1
        rows, index = ws.corpora.documents(corpus), ws.corpora.indexes()[0]
        assert {row.name: (row.status, row.error) for row in rows} == dict.fromkeys(
            ("scan.png", "manual.txt"), ("ready", "")
        )
        chunks = sum(len(ws.corpora.chunks(row.id)) for row in rows)
        counts = {ws.indexes.count_ready(index.id), ws.vectors.count(index.collection), ws.lexical.count(corpus)}
        assert counts == {chunks}
        assert ws.lexical.search(corpus, "the fee for item 899", 1)
        (scanned,) = [row for row in rows if row.name == "scan.png"]
        assert "page 1 was read by OCR" in scanned.notes  # by a worker, whose sandbox is its own
        assert ws.corpora.page(scanned.id, 1).text.split() == " ".join(LINES).split()


def test_a_corpus_is_embedded_anew_by_two_machines_of_which_one_is_lost(settings: Settings, cluster: Any) -> None:
    """With a model whose folder is among the shared files; what serves changes at the swap alone."""
    nodes = [node(cluster), node(cluster)]
    folder = small_model(Path(settings.files_url) / "models" / "small")
    with Workspace.open(settings) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        intake.add_files(ws, corpus, [("manual.txt", manual())])
        assert ws.dispatcher.run_one()  # here
        before = ws.corpora.active_index(corpus)
        assert before is not None
        index = reindexing.begin(ws, corpus, ws.embedders.probe(Choice("folder", str(folder))))
        (job,) = ws.jobs.list(corpus, statuses=("queued",))
        ws.dispatcher.start()
        lose_in_mid_job(ws, job.id, cluster, nodes)
        wait_for(lambda: ws.jobs.get(job.id).status == "done")
        assert ws.jobs.get(job.id).attempt > 1
        assert ws.corpora.active_index(corpus) == before
        reindexing.swap(ws, index.id)
        serves = ws.corpora.active_index(corpus)
        assert serves is not None
        assert (serves.id, serves.dimension) == (index.id, DIMENSION)
        chunks = ws.indexes.count_chunks(corpus)
        assert {ws.indexes.count_ready(index.id), ws.vectors.count(index.collection)} == {chunks}
        assert ws.retriever.search(corpus, "What is the fee for item 899?", 1)


def test_a_job_is_cancelled_while_no_machine_has_room_for_it(settings: Settings, cluster: Any) -> None:
    with Workspace.open(settings) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        took = intake.add_files(ws, corpus, [("lease.md", b"# Lease\n\nThe rent is 4,200 euro.\n")])
        assert took.job_id is not None
        ws.dispatcher.start()
        wait_for(lambda: ws.jobs.get(took.job_id).message == "waits: no machine of the cluster has 1 CPU")
        intake.cancel_job(ws, took.job_id)
        wait_for(lambda: ws.jobs.get(took.job_id).status == "cancelled")
        assert [row.status for row in ws.corpora.documents(corpus)] == ["cancelled"]
        intake.add_files(ws, corpus, [("other.md", b"# Lease\n\nThe rent is 5,200 euro.\n")])
        node(cluster)  # the cancelled one takes none of its room
        wait_for(lambda: ws.jobs.list(corpus)[0].status == "done")


def evaluated(ws: Workspace, corpus: int, modes: list[str], first: int) -> EvaluationRow:
    """A run of eight questions that waits for its machine."""
    asked = [
        Gold(f"q{number}", f"What is the fee for item {number}?", f"{number} euro", True, ("manual.txt",))
        for number in range(first, first + 8)
    ]
    return running.start(ws, corpus, asked, modes)


def test_an_evaluation_whose_machine_is_lost_goes_on_on_another_with_what_was_answered(
    settings: Settings, cluster: Any
) -> None:
    nodes = [node(cluster), node(cluster)]
    with Workspace.open(settings) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        intake.add_files(ws, corpus, [("manual.txt", manual(40))])
        assert ws.dispatcher.run_one()  # here
        ws.assistants.choose_reading(corpus, "words")  # a quotation alone would be there at once
        row = evaluated(ws, corpus, ["quote", "rag"], first=0)
        (job,) = ws.jobs.list(corpus, statuses=("queued",))
        ws.dispatcher.start()
        wait_for(lambda: ws.jobs.get(job.id).progress_done >= 6)
        before, running_there = ws.evaluations.answers(row.id), ws.jobs.get(job.id)
        assert running_there.attempt == 1
        assert running_there.message.endswith(" left")
        cluster.remove_node(runs_job(running_there, nodes), allow_graceful=False)
        later: list[int] = []

        def done() -> bool:
            at = ws.jobs.get(job.id)
            later.extend([at.progress_done] if at.attempt > 1 and at.message.endswith(" left") else [])
            return at.status == "done"

        wait_for(done)
        assert min(later) >= running_there.progress_done  # what was answered is not asked again
        ended, answers = ws.jobs.get(job.id), ws.evaluations.answers(row.id)
        assert (ended.attempt > 1, ended.progress_done, ended.progress_total) == (True, 16, 16)
        assert len({(each.question_id, each.mode) for each in answers}) == len(answers) == 16
        assert len(before) < 16
        assert [each for each in answers if each in before] == before
        assert set(ws.evaluations.get(row.id).summary["modes"]) == {"quote", "rag"}

        other = evaluated(ws, corpus, ["base"], first=20)
        (job,) = ws.jobs.list(corpus, statuses=("queued", "running"))
        wait_for(lambda: ws.evaluations.answers(other.id))
        intake.cancel_job(ws, job.id)
        wait_for(lambda: ws.jobs.get(job.id).status in ("cancelled", "done"))
        assert ws.jobs.get(job.id).status == "cancelled"
        assert ws.evaluations.get(other.id).summary["modes"]["base"]


def test_a_cluster_needs_stores_that_it_can_reach(tmp_path: Path, sqlite_url: str) -> None:
    alone = Settings(tmp_path / "home", sqlite_url, ray_address="127.0.0.1:9")
    with Workspace.open(alone) as ws, pytest.raises(BadInput, match=r"DATABASE_URL.*CHROMA_URL.*FILES_URL"):
        _ = ws.dispatcher


def test_without_ray_installed_the_address_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(StoreDown, match=r"triptych\[ray\]"):
        ray_joining.connect("127.0.0.1:9")


HERE = "on this machine: "


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        (Choice(), ""),
        (Choice("folder", "/shared/files/models/e5"), ""),
        (Choice("folder", "/models/e5"), f"{HERE}/models/e5 is not among the shared files (TRIPTYCH_FILES_URL)"),
        (Choice("folder", "/shared/files/../e5"), f"{HERE}/shared/files/../e5 is not among the shared files "
                                                  "(TRIPTYCH_FILES_URL)"),
        (Choice("endpoint", "http://gpu:8000/v1", "e5"), ""),
        (Choice("endpoint", "http://gpu:8000/v1", "e5", "MY_KEY"), f"{HERE}the endpoint's key is in its MY_KEY"),
        (Choice("endpoint", "http://localhost:11434/v1", "e5"), f"{HERE}no other reaches localhost:11434"),
        (Choice("endpoint", "http://[::1]:11434/v1", "e5"), f"{HERE}no other reaches [::1]:11434"),
    ],
)  # fmt: skip
def test_an_embedding_model_that_workers_cannot_use_is_used_here_and_the_line_says_why(
    tmp_path: Path, choice: Choice, why: str
) -> None:
    index = IndexRow(1, 1, "", "m", 48, "", "c", True, choice.stored(), datetime.now(UTC))
    alone = Settings(tmp_path, "postgresql://rows/triptych", files_url="/shared/files")
    assert spreading.why_here(replace(alone, ray_address="head:6379"), index) == why
    assert spreading.why_here(alone, index) == ""  # there is no cluster that one could miss


def test_a_job_for_a_folder_that_is_here_alone_stays_here_and_says_so(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_model(tmp_path / "small")
    with Workspace.open(Settings(tmp_path / "home", sqlite_url)) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        intake.add_files(ws, corpus, [("lease.md", b"# Lease\n\nThe rent is 4,200 euro.\n")])
        index_job = ws.dispatcher.run_one()
        assert index_job is not None
        reindexing.begin(ws, corpus, ws.embedders.probe(Choice("folder", str(folder))))
        (job,) = ws.jobs.list(corpus, statuses=("queued",))
        ws.settings = replace(ws.settings, ray_address="head:6379", files_url=str(tmp_path / "shared"))
        assert [placing.stays(ws, each) for each in (index_job, job)] == [False, True]
        said: list[str] = []
        monkeypatch.setattr(ws.jobs, "say", lambda _, message: said.append(message))
        assert ws.dispatcher.run_one() is not None
        assert f"({HERE}{folder} is not among the shared files (TRIPTYCH_FILES_URL))" in said[-1]
        assert ws.jobs.get(job.id).status == "done"


SHARED = "/shared/files/models/chat.gguf"


@pytest.mark.parametrize(
    ("kind", "location", "key", "why"),
    [
        ("gguf", SHARED, "", ""),
        (
            "gguf",
            "/models/chat.gguf",
            "",
            f"{HERE}/models/chat.gguf is not among the shared files (TRIPTYCH_FILES_URL)",
        ),
        ("endpoint", "http://gpu:8000/v1", "", ""),
        ("endpoint", "http://gpu:8000/v1", "env:MY_KEY", f"{HERE}the endpoint's key is in its MY_KEY"),
        ("endpoint", "http://gpu:8000/v1", "fernet:gAAA", f"{HERE}the endpoint's key is in its workspace"),
        ("endpoint", "http://localhost:11434/v1", "", f"{HERE}no other reaches localhost:11434"),
    ],
)
@pytest.mark.parametrize("judges", [False, True])
def test_an_evaluation_stays_with_a_model_that_is_here_alone_and_says_why(
    tmp_path: Path, sqlite_url: str, kind: str, location: str, key: str, why: str, judges: bool
) -> None:
    with Workspace.open(Settings(tmp_path / "home", sqlite_url)) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        model = ws.base_models.create("m", kind, location, secret=key).id
        if not judges:
            ws.assistants.choose_base_model(corpus, model)
        facts = {"name": "", "fingerprints": {}, "created_by": "", "options": {"judge": model if judges else None}}
        row = ws.evaluations.begin(corpus, ["rag"], [], {}, **facts)
        (job,) = ws.jobs.list(corpus)
        assert (elsewhere.why_here(ws, row), placing.stays(ws, job)) == ("", False)  # there is no cluster
        ws.settings = replace(ws.settings, ray_address="head:6379", files_url="/shared/files")
        assert (elsewhere.why_here(ws, row), placing.stays(ws, job)) == (why, bool(why))
        ws.base_models.delete(model)
        assert elsewhere.why_here(ws, row) == ""


class Adapters:
    """Adapters whose engines say what they were told to say."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def voice(self, _corpus_id: int, _mode: Mode) -> Voice:
        return Voice(lambda: ScriptedChat(answers=["4,200 euro"]), GROUNDED, "scripted")

    def folder(self, adapter: AdapterRow) -> Path:
        return self.home / "adapters" / adapter.folder


def test_the_files_of_adapters_go_along_with_an_evaluation_but_not_what_they_learned_from(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"engine": ScriptedChat(answers=["4,200 euro"]), "serving": Adapters(tmp_path / "home")}
    with Workspace.open(Settings(tmp_path / "home", sqlite_url), given=given) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        intake.add_files(ws, corpus, [("lease.md", b"# Lease\n\nThe rent is 4,200 euro.\n")])
        assert ws.dispatcher.run_one()
        served = ws.adapters.take_in(corpus, "grounded", "vllm", "", result={"served_as": "lease"})
        ws.adapters.promote(served.id)
        asked = [Gold("q", "What is the rent?", "4,200 euro")]
        row = running.start(ws, corpus, asked, ["quote", "hybrid"])
        ws.settings = replace(ws.settings, ray_address="head:6379", files_url=str(tmp_path / "shared"))
        (job,) = ws.jobs.list(corpus, statuses=("queued",))
        assert (placing.stays(ws, job), placing.carried(ws, job)) == (False, {})  # its endpoint is asked by its name
        own = ws.adapters.take_in(corpus, "grounded", "SmolLM2", "x")
        ws.adapters.promote(own.id)
        assert (placing.stays(ws, job), placing.carried(ws, job)) == (False, {})  # gone: whoever answers says so
        learned = ws.serving.folder(own) / "adapter"
        learned.mkdir(parents=True)
        (learned / "adapter_config.json").write_bytes(b"{}")
        assert placing.carried(ws, job) == {own.folder: {"adapter_config.json": b"{}"}}
        why = f"{HERE}what grounded v2 learned from is in its workspace"
        for options, said in ({}, ""), ({"freshness": True}, why):
            facts = {"name": "", "fingerprints": {}, "created_by": "", "options": options}
            of_quotes = ws.evaluations.begin(corpus, ["quote"], [], {}, **facts)
            assert elsewhere.why_here(ws, of_quotes) == said
            assert elsewhere.carried(ws, of_quotes) == {}
            ws.jobs.request_cancel(of_quotes.job_id or 0)
        monkeypatch.setattr(elsewhere, "why_here", lambda *_: why)
        told: list[str] = []
        monkeypatch.setattr(ws.jobs, "say", lambda _, message: told.append(message))
        assert ws.dispatcher.run_one() is not None
        assert f"loading what answers ({why})" in told
        assert ws.jobs.get(job.id).message.endswith(f"({why})")
        assert set(ws.evaluations.get(row.id).summary["modes"]) == {"quote", "hybrid"}
        ws.evaluations.delete(row.id)
        assert (placing.stays(ws, job), placing.carried(ws, job)) == (True, {})


def test_an_adapter_answers_on_another_machine_as_it_does_here(
    settings: Settings, cluster: Any, tmp_path: Path
) -> None:
    node(cluster)
    base = make_tiny(tmp_path / "shared" / "models" / "Tiny", window=1024)
    with Workspace.open(settings) as ws:
        corpus = intake.create_corpus(ws, "contracts", "legal").id
        intake.add_files(ws, corpus, [("manual.txt", manual(12))])
        assert ws.dispatcher.run_one()  # here
        ws.assistants.choose_base_model(corpus, ws.base_models.create("Tiny", "transformers", str(base)).id)
        taken = importing.take_in(ws, corpus, "grounded", make_adapter(base, tmp_path / "adapter", 4))
        ws.adapters.promote(taken.id)
        row = evaluated(ws, corpus, ["hybrid"], first=0)
        gold = [Gold.of(each) for each in ws.evaluations.get(row.id).questions]
        asked = Asked(ws, corpus, ["hybrid"])
        here = {each.id: asked.answer(each, "hybrid").text for each in gold}
        (job,) = ws.jobs.list(corpus, statuses=("queued",))
        ws.dispatcher.start()
        wait_for(lambda: ws.jobs.get(job.id).status in ("done", "failed"))
        ended = ws.jobs.get(job.id)
        assert (ended.status, ended.worker.endswith(f":{os.getpid()}")) == ("done", False)
        answers = ws.evaluations.answers(row.id)
        assert {each.base_model for each in answers} == {"Tiny + grounded v1"}
        # Several are asked at once there, so that the last bits differ, and random weights soon write something else.
        begins_alike = [each.text[:3] == here[each.question_id][:3] for each in answers]
        assert (len(answers), sum(begins_alike) >= 6) == (8, True)
        worker = tmp_path / "cache" / "triptych" / "worker"
        assert (worker / "models").is_dir()
        wait_for(lambda: list(worker.glob("job-*")) == [])  # its row says done a moment before


def test_a_job_s_folder_goes_with_it_and_so_does_what_a_killed_one_left(tmp_path: Path) -> None:
    left, alive = tmp_path / "job-999999999-x", tmp_path / f"job-{os.getppid()}-x"
    for each in (left, alive):
        each.mkdir()
    with home_with(tmp_path, {}) as home:
        assert home == tmp_path
    assert (left.exists(), alive.exists()) == (False, True)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "base").write_text("kept")
    with suppress(LeaseLost), home_with(tmp_path, {"7": {"a.json": b"{}"}}) as home:
        assert (home / "adapters" / "7" / "adapter" / "a.json").read_bytes() == b"{}"
        assert (home / "models" / "base").read_text() == "kept"
        raise LeaseLost
    assert not home.exists()
    assert (tmp_path / "models" / "base").read_text() == "kept"


def test_what_each_kind_takes_of_the_cluster_can_be_set() -> None:
    found = resources.read('{"index": {"cpus": 2, "memory_mb": 4096}, "embedding": {"gpus": 0.5}}')
    assert found == {
        "index": Resources(2, 0, 4096), "reindex": Resources(), "evaluate": Resources(), "embedding": Resources(1, 0.5),
    }  # fmt: skip
    assert found["index"].options() == {"num_cpus": 2, "num_gpus": 0.0, "memory": 4 << 30}
    assert found["embedding"].options() == {"num_cpus": 1.0, "num_gpus": 0.5}
    assert found["embedding"].fit({"CPU": 16.0, "GPU": 3.0}) == 6  # the GPUs are fewer
    assert found["embedding"].fit({"CPU": 16.0}) == 1
    apart = [{"CPU": 16.0}, {"CPU": 0.5, "GPU": 1.0}]  # no one of them has all
    assert found["embedding"].lacking(apart) == "no machine of the cluster has 1 CPU and 0.5 GPU"
    assert found["embedding"].lacking([{"CPU": 16.0}]) == "no machine of the cluster has 0.5 GPU"
    assert found["index"].lacking([]) == "no machine of the cluster has 2 CPUs and 4096 MB of memory"
    assert found["index"].lacking([*apart, {"CPU": 2.0, "memory": float(8 << 30)}]) == ""
    assert resources.read("") == resources.USUAL


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("index=2", "it is no JSON"),
        ("[]", "it is not an object"),
        ('{"finetune": {}}', "there is no 'finetune', only index, reindex, evaluate, embedding"),
        ('{"index": 2}', "'index' takes cpus, gpus and memory_mb"),
        ('{"index": {"ram": 2}}', "'index' takes cpus, gpus and memory_mb"),
        ('{"index": {"cpus": "2"}}', "cpus of 'index' is not a number from 0 up"),
        ('{"index": {"cpus": true}}', "cpus of 'index' is not a number from 0 up"),
        ('{"index": {"cpus": NaN}}', "cpus of 'index' is not a number from 0 up"),
        ('{"index": {"memory_mb": -1}}', "memory_mb of 'index' is not a number from 0 up"),
        ('{"embedding": {"gpus": 1.5}}', "gpus of 'embedding' is to be a whole number"),
        ('{"index": {"memory_mb": 0.5}}', "memory_mb of 'index' is to be a whole number"),
    ],
)
def test_resources_that_cannot_be_are_refused_in_one_line(
    text: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRIPTYCH_RAY_RESOURCES", text)
    with pytest.raises(BadInput, match="TRIPTYCH_RAY_RESOURCES cannot be used") as told:
        Settings.load(tmp_path)
    assert why in str(told.value)
    assert "\n" not in str(told.value)
