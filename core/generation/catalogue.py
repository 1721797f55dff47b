"""Adds, changes, deletes and chooses base models: every one is checked before it is stored.

The pages and the command line call this; `checking` has the reasons for refusing, `trial` says how one does.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.assistants.reading import READINGS
from core.errors import BadInput, Conflict, NotFound
from core.generation import checking
from core.generation.secrets import in_environment
from storage.errors import Exists
from storage.errors import NotFound as RowNotFound
from storage.rows import BaseModelRow

if TYPE_CHECKING:
    from core.workspace import Workspace

KINDS = {
    "endpoint": "An OpenAI-compatible endpoint (Ollama, LM Studio, vLLM, a cloud)",
    "gguf": "A GGUF file, on this machine's processor",
    "transformers": "A folder of safetensors, or a hub id that is on this machine (CPU, CUDA)",
}
LONGEST_NAME = 80
WINDOW_AT_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class Described:
    """A base model as a person describes it.

    Attributes:
        location: path of a GGUF file or of a folder, a hub id, or an endpoint's base URL.
        model: its name at the endpoint.
        window: tokens it reads and writes together, where it runs here the most of them; 0 is as it says itself.
        key: the endpoint's key; "" keeps the one that is stored.
        variable: the environment variable that holds the key, instead of a stored one.
    """

    name: str
    kind: str
    location: str
    model: str = ""
    window: int = 0
    key: str = ""
    variable: str = ""

    def __repr__(self) -> str:
        """Without the key."""
        return f"Described({self.name!r}, {self.kind!r}, {self.location!r}, {self.model!r})"


def add(workspace: "Workspace", described: Described) -> BaseModelRow:
    """Check and store a base model; nothing is loaded.

    Raises:
        BadInput: it cannot or must not be used; the message says why.
        Conflict: the name is taken.
    """
    columns = _columns(described)
    secret = _secret(workspace, described)
    try:
        return workspace.base_models.create(**columns, secret=secret)
    except Exists as error:
        raise _taken(described.name) from error


def change(workspace: "Workspace", base_model_id: int, described: Described, *, forget_key: bool = False) -> None:
    """Store it as it is described now; the next question uses it so.

    Raises:
        NotFound: it was deleted.
        BadInput, Conflict: as `add`.
    """
    columns = _columns(described)
    if described.key or described.variable or forget_key:
        columns["secret"] = _secret(workspace, described)
    elif described.location != _row(workspace, base_model_id).location:
        columns["secret"] = ""  # a key goes nowhere but where it was entered for
    try:
        workspace.base_models.update(base_model_id, **columns)
    except Exists as error:
        raise _taken(described.name) from error
    except RowNotFound as error:
        raise _gone() from error
    workspace.engines.forget(base_model_id)


def delete(workspace: "Workspace", base_model_id: int) -> None:
    """Forget a base model; its corpora are answered by the embedded one from now on. Files stay where they are."""
    try:
        workspace.base_models.delete(base_model_id)
    except RowNotFound as error:
        raise _gone() from error
    workspace.engines.forget(base_model_id)


def use(workspace: "Workspace", corpus_id: int, base_model_id: int | None) -> None:
    """Answer a corpus with a base model from the next question on; None is the embedded one."""
    try:
        workspace.assistants.choose_base_model(corpus_id, base_model_id)
    except RowNotFound as error:
        raise _gone() from error


def read_as(workspace: "Workspace", corpus_id: int, reading: str) -> None:
    """Choose how a corpus's base model is shown evidence: "auto" or one of `READINGS`."""
    if reading != "auto" and reading not in READINGS:
        raise BadInput(f"There is no way of reading called {reading!r}.", "Choose auto, quote, words or passages.")
    try:
        workspace.assistants.choose_reading(corpus_id, reading)
    except RowNotFound as error:
        raise NotFound("That corpus does not exist any more.", "Choose another one.") from error


def _columns(described: Described) -> dict[str, Any]:
    name = " ".join(described.name.split())
    if not name or len(name) > LONGEST_NAME:
        raise BadInput(f"A base model needs a name of at most {LONGEST_NAME} characters.", "Give it one.")
    if not 0 <= described.window <= WINDOW_AT_MOST:
        raise BadInput("The context length is out of all proportion.", "Give it in tokens, for example 8192.")
    if described.kind == "gguf":
        location = str(checking.gguf_file(described.location))
    elif described.kind == "transformers":
        from core.generation.torch_chat import folder_of

        hub_id = checking.is_hub_id(described.location)
        location = described.location if folder_of(described.location) and hub_id else ""
        location = location or str(checking.local_path(described.location))
    elif described.kind == "endpoint":
        location = checking.base_url(described.location)
        if not described.model.strip():
            raise BadInput("An endpoint needs the name of the model there.", "For example: qwen2.5:7b.")
    else:
        raise BadInput(f"There is no kind of base model called {described.kind!r}.", f"Choose: {', '.join(KINDS)}.")
    return {
        "name": name,
        "kind": described.kind,
        "location": location,
        "model": described.model.strip(),
        "window": described.window,
    }


def _secret(workspace: "Workspace", described: Described) -> str:
    if described.variable.strip():
        return in_environment(described.variable)
    return workspace.secrets.seal(described.key)


def _row(workspace: "Workspace", base_model_id: int) -> BaseModelRow:
    try:
        return workspace.base_models.get(base_model_id)
    except RowNotFound as error:
        raise _gone() from error


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a base model named {name!r} already.", "Choose another name.")


def _gone() -> NotFound:
    return NotFound("That base model or corpus does not exist any more.", "Choose another one.")
