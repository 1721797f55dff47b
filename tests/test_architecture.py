"""The plan of the house, enforced: which floor may import which, and where the heavy libraries are."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("dashboard", "core", "storage")  # from the roof down
TOP = {
    *("pyproject.toml", "README.md", "dashboard", "core", "storage", "tests", ".streamlit"),
    *("LICENSE", "CHANGELOG.md", "SECURITY.md", "Makefile", ".gitignore", ".ci", "benchmarks", "compose.yaml"),
}
HOMES = {"streamlit": "dashboard", "sqlalchemy": "storage", "alembic": "storage", "chromadb": "storage"}
FORBIDDEN = {"utils", "util", "helpers", "helper", "manager", "service", "processor"}


def sources() -> list[Path]:
    return sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imported(path: Path, only_at_import: bool = False) -> Iterator[str]:
    """Full names of the modules a file imports; with `only_at_import`, those that importing it imports."""
    nodes = at_import(tree(path)) if only_at_import else ast.walk(tree(path))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full here"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from at_import(child)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_point_down(path: Path) -> None:
    floor = path.relative_to(ROOT).parts[0]
    above = FLOORS[: FLOORS.index(floor)]
    assert [name for name in imported(path) if name.split(".")[0] in above] == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_library_stays_on_its_floor(path: Path) -> None:
    floor = path.relative_to(ROOT).parts[0]
    assert [name for name in imported(path) if HOMES.get(name.split(".")[0], floor) != floor] == []


def test_no_module_needs_itself_to_be_imported() -> None:
    modules = {module_name(path): path for path in sources()}
    needs = {
        name: {other for other in imported(path, only_at_import=True) if other in modules} - {name}
        for name, path in modules.items()
    }
    assert cycle(needs) == []


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def cycle(needs: dict[str, set[str]]) -> list[str]:
    """One circle of modules that import each other, or nothing."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in sorted(needs[name]):
            if found := visit(other, [*path, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(needs) if (found := visit(name, []))), [])


def test_the_top_level_is_the_one_agreed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout, so generated files cannot be told from kept ones")
    assert {line.split("/")[0] for line in listed.stdout.splitlines()} - TOP == set()


def test_no_name_says_nothing() -> None:
    assert [str(path) for path in sources() if path.stem in FORBIDDEN or path.parent.name in FORBIDDEN] == []


def test_asking_for_help_loads_nothing_heavy() -> None:
    code = "import sys, core.cli; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {
        "torch",
        "transformers",
        "chromadb",
        "openvino",
        "openvino_genai",
        "streamlit",
        "sqlalchemy",
        "langchain_core",
    }
    assert heavy & set(run.stdout.split()) == set()


def test_no_two_test_modules_have_the_same_name() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names)), "one worker imports both: pytest then refuses the second"


def test_what_security_names_as_proof_is_there() -> None:
    said = set(re.findall(r"`([^`\s]+)`", (ROOT / "SECURITY.md").read_text("utf-8")))
    tests = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert {name for name in said if name.startswith("test_")} <= tests
    folders = ("core/", "tests/", "benchmarks/")
    assert [name for name in sorted(said) if name.startswith(folders) and not (ROOT / name).exists()] == []
