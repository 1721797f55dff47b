"""The job that writes an adapter out for other programs: a zip, checked before it gets its name.

    peft    the adapter's own folder, for transformers and vLLM
    merged  the base model's folder with the adapter added into its weights, for transformers and vLLM without peft
    q8_0    a GGUF with the adapter merged in, and an Ollama Modelfile
    f16     the same in 16 bits: twice as large, without Q8_0's rounding

All have a model card. What was written is read back: every file of a peft folder against the hash in the registry,
every weight that the adapter changes against the base's plus what is added; and it has to answer as the adapter does
(`likeness`). What does not hold is an error.
"""

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.errors import BadInput, TriptychError
from core.finetuning import as_gguf, cards, checkpoints, likeness, merged_folder, merging
from core.finetuning.incoming import OURS
from core.finetuning.likeness import Asking, Likeness
from core.generation import gguf
from storage.errors import NotFound
from storage.rows import AdapterRow, JobRow

if TYPE_CHECKING:
    from core.jobs.lease import Lease
    from core.workspace import Workspace

Form = Literal["peft", "merged", "q8_0", "f16"]
FORMS: tuple[Form, ...] = ("peft", "merged", "q8_0", "f16")
ENDED = ("candidate", "promoted", "retired")
Q8_0_STEPS = 0.57
"""Of a block's step (largest value / 127): half for rounding, the rest for a scale of 16 bits."""
F16_SHARE = 2.0**-11 * 1.01


def start(ws: "Workspace", adapter_id: int, form: Form) -> JobRow:
    """Queue an export; returns the job.

    Raises:
        BadInput: there is no such form, the adapter is not finished, its base model was changed, or that cannot be
            written in this form.
    """
    adapter = ws.adapters.get(adapter_id)
    if form not in FORMS:
        raise BadInput(f"There is no export of the form {form}.", f"One of: {', '.join(FORMS)}.")
    if adapter.status not in ENDED:
        raise BadInput("That adapter is not finished.", "Wait for its training to end.")
    source = ws.serving.source(adapter)
    if source.folder and form in ("q8_0", "f16"):
        as_gguf.check(source.path)
    job = ws.jobs.enqueue("export", adapter.corpus_id, {"adapter": adapter_id, "form": form})
    ws.wake()
    return job


def run(ws: "Workspace", lease: "Lease") -> None:
    """Write the export that a claimed job asks for; one that is there already is written anew."""
    job = lease.job
    try:
        adapter = ws.adapters.get(int(job.payload["adapter"]))
    except NotFound as error:
        raise TriptychError("The adapter was deleted before it was exported.") from error
    form: Form = job.payload["form"]
    ws.jobs.say(job, f"{adapter.kind} v{adapter.version} as {form}: writing, reading back and asking")
    try:
        found = write(ws, adapter, form, lease.check)
    except FileNotFoundError as error:  # `forgetting` takes exports away, this one under way too
        raise TriptychError("What this export says was deleted while it was written.", "Export it again.") from error
    except OSError as error:
        raise TriptychError(
            f"The export could not be written: {error.strerror or error}.", "Free some disk."
        ) from error
    ws.jobs.progress(job, 1, 1, f"{adapter.kind} v{adapter.version} as {form}: {found.words}")


def give_up(ws: "Workspace", job: JobRow, reason: str) -> None:
    """Nothing is left half written: a zip has its name only when it is whole."""


def target(ws: "Workspace", adapter: AdapterRow, form: str) -> Path:
    """Where an export is, or will be."""
    return ws.serving.folder(adapter) / "exports" / f"{adapter.kind}-v{adapter.version}-{form}.zip"


def write(ws: "Workspace", adapter: AdapterRow, form: Form, check: Callable[[], None]) -> Likeness:
    """Write an export aside, read it back, ask it, and give it its name; returns how it answers.

    Args:
        check: called now and then; may raise to end the work.

    Raises:
        BadInput: the adapter's files are gone, or its base model is another one now.
        TriptychError: what was read back is not what should have been written, or answers otherwise.
    """
    learned = ws.serving.learned(adapter)
    for name, sha256 in adapter.files.items():
        if not (learned / name).is_file() or checkpoints.sha256(learned / name) != sha256:
            raise _not_as_trained(name)
    done = target(ws, adapter, form)
    done.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=done.parent) as scratch:
        content = Path(scratch) / "content"
        content.mkdir()
        licence = _content(ws, adapter, learned, content, form)
        corpus = ws.corpora.get(adapter.corpus_id).name
        found = likeness.compare(form, ws.serving.base(adapter).folder, learned, content, _asking(ws, adapter, check))
        (content / "README.md").write_text(cards.card(adapter, corpus, licence, form, found.words), "utf-8")
        packed = _packed(content, Path(scratch) / done.name)
        if form == "peft":
            check_files(packed, adapter.files)
        packed.replace(done)
    return found


def _asking(ws: "Workspace", adapter: AdapterRow, check: Callable[[], None]) -> Asking:
    domain = ws.domains.get(ws.corpora.get(adapter.corpus_id).domain)
    questions = likeness.questions_of(ws.serving.folder(adapter))
    return Asking(questions, domain, ws.serving.reading(adapter), check)


def _content(ws: "Workspace", adapter: AdapterRow, learned: Path, content: Path, form: Form) -> str:
    """Write all of an export but its card; returns the licence that the base model names, "" when it names none."""
    if form == "merged":
        return _of_folder(ws, adapter, learned, content)
    if form != "peft":
        return _of_gguf(ws, adapter, learned, content, form)
    for file in learned.iterdir():
        if file.is_file() and file.name != "README.md":
            shutil.copy(file, content / file.name)
    extractor = ws.serving.extractor(adapter)
    if extractor and not (content / OURS).exists():
        (content / OURS).write_text(json.dumps({"extractor": extractor.json()}), "utf-8")
    return ""


def _of_folder(ws: "Workspace", adapter: AdapterRow, learned: Path, content: Path) -> str:
    base = ws.serving.base(adapter)
    merged_folder.merge(base, learned, content)
    merged_folder.check(base, learned, content)
    return str(gguf.metadata(base.gguf)("general.license") or "") if base.gguf else ""


def _of_gguf(ws: "Workspace", adapter: AdapterRow, learned: Path, content: Path, form: Form) -> str:
    """The merged GGUF and its Modelfile; returns the licence that the base model names."""
    source = ws.serving.source(adapter)
    if not source.folder:
        return _merged_into(source.path, adapter, learned, content, form)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=content.parent) as scratch:
        whole = Path(scratch) / "base.gguf"
        as_gguf.write(source.path, whole, adapter.base_model)
        return _merged_into(whole, adapter, learned, content, form)


def _merged_into(source: Path, adapter: AdapterRow, learned: Path, content: Path, form: Form) -> str:
    made = content / f"{adapter.kind}-v{adapter.version}-{form}.gguf"
    added = merging.placed(source, learned)
    gguf.rewrite(source, made, added, form.upper())
    check_weights(source, added, made, form)
    value = gguf.metadata(made)
    (content / "Modelfile").write_text(cards.modelfile(made.name, value), "utf-8")
    return str(value("general.license") or "")


def check_weights(source: Path, added: gguf.Added, made: Path, form: Form) -> None:
    """Raises TriptychError: a changed weight is not the base's plus what the adapter adds, to the form's bound."""
    import gguf as package
    import numpy as np

    before, after = ({t.name: t for t in gguf.read(file).tensors} for file in (source, made))
    for name, more in added.items():
        wanted = package.dequantize(before[name].data, before[name].tensor_type) + more()
        found = package.dequantize(after[name].data, after[name].tensor_type)
        if not np.all(np.abs(found - wanted) <= _bound(wanted, form)):
            raise TriptychError(
                f"The export failed its check: {name} is not what the adapter makes of it.", "Report it."
            )


def _bound(wanted: Any, form: Form) -> Any:
    """The largest error of each value, of the same shape; rows that are not of whole blocks stay in 32 bits."""
    import numpy as np

    if form == "f16":
        return np.abs(wanted) * F16_SHARE + 2.0**-24
    if wanted.shape[-1] % 32:
        return np.abs(wanted) * 1e-6 + 1e-12
    largest = np.abs(wanted.reshape(*wanted.shape[:-1], -1, 32)).max(axis=-1)
    return np.repeat(largest / 127 * Q8_0_STEPS, 32, axis=-1) + 127 * 2.0**-24


def check_files(packed: Path, hashes: dict[str, str]) -> None:
    """Raises TriptychError: a file in the zip is not the one that the registry knows (names to sha256)."""
    with zipfile.ZipFile(packed) as archive:
        there = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    for name, sha256 in hashes.items():
        if name != "README.md" and there.get(name) != sha256:
            raise _not_as_trained(name)


def _not_as_trained(name: str) -> TriptychError:
    return TriptychError(f"The export failed its check: {name} is not as it was trained.", "Train it again.")


def _packed(content: Path, file: Path) -> Path:
    """A zip of a folder's files, read back (CRC) before anyone relies on it."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for each in sorted(content.iterdir()):
            archive.write(each, each.name)
    with zipfile.ZipFile(file) as archive:
        if (bad := archive.testzip()) is not None:
            raise TriptychError(f"The export failed its check: {bad} cannot be read back.", "Try again.")
    return file
