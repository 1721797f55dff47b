"""The fine-tune page takes examples, says what is wrong with them, starts and steers a training, and lists adapters."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.finetuning.recipe import Recipe
from core.finetuning.uploads import read_file
from core.generation.scripted import ScriptedChat
from core.models import CHAT
from core.workspace import Workspace
from dashboard.components import retraining, training
from dashboard.components.example_table import as_csv
from dashboard.components.modes import look
from storage.examples import ExampleDraft
from storage.gold import GoldDraft
from storage.rows import CorpusRow
from tests.core.generation.openai_server import KEY, serving
from tests.dashboard.conftest import words

Open = Callable[..., AppTest]
CSV = b"question,answer\nWhen may the tenant leave?,On 1 March 2027.\nWhat is the rent?,\n"


@pytest.fixture
def taught(workspace: Workspace, indexed: CorpusRow) -> CorpusRow:
    drafts = [ExampleDraft(f"What does clause {n} say?", f"It says {n}.", "lease.md") for n in range(12)]
    workspace.examples.add(indexed.id, drafts)
    return indexed


def test_without_examples_the_page_says_what_they_are_and_how_many_it_takes(open_page: Open, corpus: CorpusRow) -> None:
    app = open_page("finetune", corpus=corpus.id)
    assert not app.exception
    assert "No examples yet" in words(app)
    assert "None yet. A training ends with one adapter" in words(app)


def test_a_file_is_read_its_bad_row_named_and_the_rest_added(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    app = open_page("finetune", corpus=corpus.id)
    app.file_uploader[0].upload("pairs.csv", CSV)
    app.run()
    assert "Row 2 is left out: the answer is empty" in words(app)
    next(button for button in app.button if button.label == "Add 1 example").click().run()
    assert not app.exception
    assert [row.question for row in workspace.examples.list(corpus.id)] == ["When may the tenant leave?"]
    assert "1 example added" in words(app)


def test_columns_that_are_not_recognised_can_be_mapped(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    app = open_page("finetune", corpus=corpus.id)
    app.file_uploader[0].upload("pairs.csv", b"ask;reply\nHow much?;2,400 pounds\n")
    app.run()
    boxes = {box.label: box for box in app.selectbox}
    boxes["Column of the question"].select("ask")
    boxes["Column of the answer"].select("reply").run()
    next(button for button in app.button if button.label == "Add 1 example").click().run()
    assert [row.answer for row in workspace.examples.list(corpus.id)] == ["2,400 pounds"]


def test_a_file_that_cannot_be_read_is_one_line(open_page: Open, corpus: CorpusRow) -> None:
    app = open_page("finetune", corpus=corpus.id)
    app.file_uploader[0].upload("pairs.xlsx", b"not a workbook")
    app.run()
    assert not app.exception
    assert "pairs.xlsx is damaged and could not be read" in words(app)


def test_a_leak_of_gold_is_found_and_one_click_rejects_it(
    open_page: Open, workspace: Workspace, taught: CorpusRow
) -> None:
    workspace.gold.add(taught.id, GoldDraft("What does clause 3 say?", "Three."))
    app = open_page("finetune", corpus=taught.id)
    assert "1 example ask what a gold question asks" in words(app).replace("1 examples", "1 example")
    app.button(key="mend-gold leaks").click().run()
    assert "No leakage" in words(app)
    assert workspace.examples.counts(taught.id) == {"accepted": 11, "rejected": 1}


def test_examples_are_saved_as_csv_without_formulas_and_can_be_uploaded_again(
    open_page: Open, workspace: Workspace, corpus: CorpusRow, tmp_path: Path
) -> None:
    drafts = [ExampleDraft("=1+1", "@SUM(A1)", "-lease.md", 3, "\t=2"), ExampleDraft("What, and\nwhy?", 'The "rent".')]
    workspace.examples.add(corpus.id, drafts)
    app = open_page("finetune", corpus=corpus.id)
    assert "2 examples as CSV" in [each.label for each in app.get("download_button")]
    (tmp_path / "examples.csv").write_text(as_csv(workspace.examples.list(corpus.id)), newline="")
    found = read_file(tmp_path / "examples.csv", sandbox=workspace.sandbox).drafts
    assert [(each.question, each.answer) for each in found] == [
        ("'=1+1", "'@SUM(A1)"),
        ("What, and\nwhy?", 'The "rent".'),
    ]
    assert (found[0].document, found[0].evidence) == ("'-lease.md", "'\t=2")


def test_every_number_of_a_recipe_is_explained() -> None:
    assert set(training.NUMBERS) == {field.name for field in fields(Recipe)}


def test_a_base_model_that_cannot_be_trained_says_so_in_place_of_the_form(
    open_page: Open, workspace: Workspace, taught: CorpusRow
) -> None:
    row = workspace.base_models.create("Cloud", "endpoint", "http://127.0.0.1:9/v1", model="big")
    workspace.assistants.choose_base_model(taught.id, row.id)
    app = open_page("finetune", corpus=taught.id)
    assert not app.exception
    assert "Cloud is an endpoint: its weights are not here" in words(app)
    assert "Start training" not in [each.label for each in app.button]


def test_starting_queues_one_job_that_can_be_paused_resumed_and_cancelled(
    open_page: Open, workspace: Workspace, taught: CorpusRow
) -> None:
    app = open_page("finetune", corpus=taught.id)
    button(app, "Start training").click().run()
    assert not app.exception
    (job,) = [job for job in workspace.jobs.list() if job.kind == "finetune"]
    assert job.payload["kinds"] == ["closed-book", "grounded"]
    assert "Waiting for its turn" in progress(app)
    button(app, "Pause").click().run()
    assert workspace.jobs.get(job.id).status == "paused"
    button(app, "Resume").click().run()
    assert workspace.jobs.get(job.id).status == "queued"
    button(app, "Cancel").click().run()
    assert workspace.jobs.get(job.id).cancel_requested


def test_an_adapter_shows_what_the_gate_said_and_how_far_behind_it_is(
    open_page: Open, workspace: Workspace, taught: CorpusRow
) -> None:
    job = workspace.jobs.enqueue("finetune", taught.id, {"kinds": ["grounded"]})
    adapter = workspace.adapters.begin(taught.id, "grounded", job.id, "SmolLM2", documents={"gone.pdf": "a" * 64})
    gate = {"passed": True, "words": "Promoted: +19 points of F1."}
    workspace.adapters.change(adapter.id, gate=gate, result={"gold_left_out": 2})
    workspace.adapters.promote(adapter.id)
    workspace.jobs.request_cancel(job.id)
    app = open_page("finetune", corpus=taught.id)
    assert not app.exception
    assert "grounded v1" in words(app)
    assert "+19 points of F1" in words(app)
    assert "2 left out that ask what a gold question asks" in words(app)
    assert "1 went" in words(app)
    app.button(key=f"withdraw-{adapter.id}").click().run()
    assert workspace.adapters.get(adapter.id).status == "retired"


def test_an_adapter_is_chosen_at_the_endpoint_and_tried_before_and_after(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    with serving(ScriptedChat(answers=["Six months."])) as server:
        server.adapters = {"leases": ("tiny", ScriptedChat(answers=["Otherwise."]))}
        key = workspace.secrets.seal(KEY)
        row = workspace.base_models.create("Office vLLM", "endpoint", server.url, model="tiny", secret=key)
        workspace.assistants.choose_base_model(corpus.id, row.id)
        app = open_page("finetune", corpus=corpus.id)
        button(app, "Choose at the endpoint").click().run()
        app.button(key="served-test").click().run()
        assert not app.exception
        assert "It writes otherwise than the base model does" in words(app)
        app.button(key="served-go").click().run()
        (made,) = workspace.adapters.list(corpus.id)
        assert (made.kind, made.status, made.result["served_as"]) == ("closed-book", "candidate", "leases")
        assert "chosen at the endpoint" in words(app)
        app.button(key=f"try-{made.id}").click().run()
        assert not app.exception
        assert "It wrote: Otherwise." in words(app)


def test_the_exports_of_an_adapter_trained_here_show_the_line_that_starts_vllm(
    open_page: Open, workspace: Workspace, taught: CorpusRow, tmp_path: Path
) -> None:
    (tmp_path / "base").mkdir()
    adapter = workspace.adapters.take_in(taught.id, "grounded", "Tiny", "trained", recipe={"rank": 16})
    (workspace.serving.folder(adapter) / "adapter").mkdir(parents=True)
    (workspace.serving.folder(adapter) / "plan.json").write_text(json.dumps({"base": str(tmp_path / "base")}))
    app = open_page("finetune", corpus=taught.id)
    assert not app.exception
    assert f"vllm serve {tmp_path / 'base'} --enable-lora --max-lora-rank 16" in app.code[0].value


def button(app: AppTest, name: str) -> object:
    return next(each for each in app.button if each.label == name)


def progress(app: AppTest) -> str:
    return "\n".join(json.dumps(str(each.proto)) for each in app.get("progress"))


def test_chat_offers_a_mode_once_its_adapter_serves(open_page: Open, workspace: Workspace, taught: CorpusRow) -> None:
    app = open_page("chat", corpus=taught.id)
    assert not app.exception
    assert app.segmented_control[0].options == modes_shown("rag", "base")
    job = workspace.jobs.enqueue("finetune", taught.id, {"kinds": ["grounded"]})
    adapter = workspace.adapters.begin(taught.id, "grounded", job.id, "SmolLM2")
    workspace.adapters.promote(adapter.id)
    workspace.jobs.request_cancel(job.id)
    app.run()
    assert app.segmented_control[0].options == modes_shown("rag", "hybrid", "base")
    app.segmented_control[0].set_value("base").run()
    app.chat_input[0].set_value("What is the rent?").run()
    assert [talk.mode for talk in workspace.conversations.list(taught.id)] == ["base"]


def modes_shown(*names: str) -> list[str]:
    return [look(name).title for name in names]


def test_generate_queues_one_job_that_is_followed_and_its_proposals_are_reviewed(
    open_page: Open, workspace: Workspace, indexed: CorpusRow
) -> None:
    app = open_page("finetune", corpus=indexed.id)
    button(app, "Generate").click().run()
    assert not app.exception
    assert button(app, "Generate").disabled
    assert "Waiting for its turn" in progress(app)
    workspace.dispatcher.run_one()
    app.run()
    assert not app.exception
    assert workspace.examples.counts(indexed.id).keys() == {"proposed"}
    assert "to review" in words(app)
    button(app, "Accept").click().run()
    assert workspace.examples.counts(indexed.id).get("accepted")


def test_generate_without_documents_says_what_to_do(open_page: Open, workspace: Workspace, corpus: CorpusRow) -> None:
    app = open_page("finetune", corpus=corpus.id)
    button(app, "Generate").click().run()
    assert not app.exception
    assert "Add documents on the Corpus page." in words(app)
    assert not workspace.jobs.list(corpus.id)


def test_an_export_is_asked_for_once_and_its_failure_is_seen(
    open_page: Open, workspace: Workspace, taught: CorpusRow
) -> None:
    job = workspace.jobs.enqueue("finetune", taught.id, {"kinds": ["grounded"]})
    workspace.jobs.request_cancel(job.id)
    workspace.dispatcher.run_one()
    adapter = workspace.adapters.begin(taught.id, "grounded", job.id, "SmolLM2")
    workspace.adapters.change(adapter.id, status="candidate", base_sha256=CHAT.sha256)
    app = open_page("finetune", corpus=taught.id)
    app.button(key=f"export-peft-{adapter.id}").click().run()
    assert not app.exception
    assert "PEFT folder: being written and read back" in words(app)
    workspace.dispatcher.run_one()
    app.run()
    assert not app.exception
    assert "The files of grounded v1 are gone" in words(app)


def test_deleting_a_document_names_the_adapters_that_learned_from_it(
    open_page: Open, workspace: Workspace, taught: CorpusRow
) -> None:
    job = workspace.jobs.enqueue("finetune", taught.id, {"kinds": ["grounded"]})
    workspace.adapters.begin(taught.id, "grounded", job.id, "SmolLM2", documents={"lease.md": "a" * 64})
    workspace.jobs.request_cancel(job.id)
    app = open_page("corpus", corpus=taught.id)
    app.checkbox(key=f"tick-page-{taught.id}").check().run()
    app.button(key="delete-ticked").click().run()
    assert not app.exception
    assert any("grounded v1" in warning.value for warning in app.warning)


def test_an_adapter_from_elsewhere_is_refused_with_the_reason_in_the_dialog(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("adapter_model.bin", b"cos")
    app = open_page("finetune", corpus=corpus.id)
    button(app, "Import adapter").click().run()
    app.file_uploader(key="import-file").upload("mine.zip", packed.getvalue())
    app.run()
    app.button(key="import-go").click().run()
    assert not app.exception
    assert "is a pickle" in words(app)
    assert not workspace.adapters.list(corpus.id)


def test_an_imported_adapter_can_be_put_before_the_gate_once_there_are_examples(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    row = workspace.adapters.take_in(corpus.id, "grounded", "SmolLM2", "x", result={"imported": True}, note="imported.")
    app = open_page("finetune", corpus=corpus.id)
    assert "imported just now" in words(app)
    app.button(key=f"judge-{row.id}").click().run()
    assert "Accept examples about at least three documents" in words(app)
    drafts = [ExampleDraft(f"What does clause {n} say?", f"It says {n}.", f"{n % 6}.md") for n in range(48)]
    workspace.examples.add(corpus.id, drafts)
    app.button(key=f"judge-{row.id}").click().run()
    assert not app.exception
    assert "is before the gate" in words(app)
    assert [job.kind for job in workspace.jobs.list(corpus.id)] == ["judge"]


def test_when_to_train_again_is_chosen_beside_the_adapters(
    open_page: Open, workspace: Workspace, corpus: CorpusRow
) -> None:
    app = open_page("finetune", corpus=corpus.id)
    app.number_input(key=f"retrain-days-{corpus.id}").set_value(7)
    app.number_input(key=f"retrain-share-{corpus.id}").set_value(20).run()
    app.button(key=f"retrain-save-{corpus.id}").click().run()
    assert not app.exception
    chosen = workspace.assistants.of(corpus.id)
    assert (chosen.retrain_days, chosen.retrain_share) == (7, 20)
    assert retraining.words(chosen) == "Train again: every 7 days or once 20 % changed"
