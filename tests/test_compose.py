"""compose.yaml says nothing that the code does not know; its parts run in test_larger_form.py and test_ray.py."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from sqlalchemy import make_url

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    return services


def test_every_variable_of_ours_is_one_that_the_settings_read(services: dict[str, Any]) -> None:
    named = {name for service in services.values() for name in service.get("environment", {})}
    known = set(re.findall(r'"(TRIPTYCH_\w+)"', (ROOT / "core" / "settings.py").read_text("utf-8")))
    ours = {name for name in named if name.startswith("TRIPTYCH_")}
    assert {"TRIPTYCH_DATABASE_URL", "TRIPTYCH_CHROMA_URL", "TRIPTYCH_FILES_URL", "TRIPTYCH_RAY_ADDRESS"} <= ours
    assert ours - known == set()


def test_addresses_name_services_that_are_there(services: dict[str, Any]) -> None:
    dashboard = services["dashboard"]["environment"]
    hosts = {
        make_url(dashboard["TRIPTYCH_DATABASE_URL"]).host,
        dashboard["TRIPTYCH_CHROMA_URL"].split("/")[2].split(":")[0],
        dashboard["TRIPTYCH_RAY_ADDRESS"].split(":")[0],
    }
    assert hosts == {"postgres", "chroma", "ray-head"}
    assert hosts - set(services) == set()


def test_workers_reach_what_the_dashboard_tells_them_of(services: dict[str, Any]) -> None:
    """Settings go along with each job; keys do not, and a folder is one place only when all have it mounted."""
    dashboard, worker = services["dashboard"], services["ray-worker"]
    assert {name for name in worker["environment"] if name.startswith("TRIPTYCH_")} == set()  # they would not be read
    assert dashboard["environment"]["PGPASSWORD"] == worker["environment"]["PGPASSWORD"]
    for service in (dashboard, worker):
        assert f"files:{dashboard['environment']['TRIPTYCH_FILES_URL']}" in service["volumes"]


def test_a_password_may_hold_what_means_something_in_a_url(services: dict[str, Any]) -> None:
    url = make_url(services["dashboard"]["environment"]["TRIPTYCH_DATABASE_URL"])
    assert (url.username, url.password, url.host) == ("triptych", None, "postgres")
    asked = "${POSTGRES_PASSWORD:?choose one}"
    assert services["dashboard"]["environment"]["PGPASSWORD"] == asked
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == asked


def test_the_image_holds_what_runs_and_nothing_else_of_the_folder_it_is_built_in() -> None:
    """`.env`, in which `compose.yaml` has people put their password, lies in that folder."""
    dockerfile = (ROOT / ".ci" / "Dockerfile").read_text("utf-8")
    copied = {name for line in re.findall(r"^(?:COPY|ADD) (.*)$", dockerfile, re.M) for name in line.split()[:-1]}
    needed = {"pyproject.toml", "README.md", "LICENSE", ".ci/constraints.txt", ".streamlit"}
    assert copied == needed | {"core", "dashboard", "storage"}
    assert {name for name in copied if not (ROOT / name).exists()} == set()


def test_nothing_is_published_but_the_dashboard_to_this_machine(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"dashboard": ["127.0.0.1:8501:8501"]}


def test_the_chroma_server_is_of_the_clients_version(services: dict[str, Any]) -> None:
    assert services["chroma"]["image"] == f"chromadb/chroma:{version('chromadb')}"


def test_nothing_reports_to_anybody(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if service.get("image") == "triptych":
            assert service["environment"]["RAY_USAGE_STATS_ENABLED"] == "0", name
    assert urlsplit(services["ray-head"]["environment"]["RAY_USAGE_STATS_REPORT_URL"]).hostname == "127.0.0.1"
    assert services["chroma"]["environment"]["ANONYMIZED_TELEMETRY"] == "False"


def test_the_image_installs_what_its_parts_are_said_to_do() -> None:
    dockerfile = (ROOT / ".ci" / "Dockerfile").read_text("utf-8")
    (installed,) = re.findall(r"--editable '\.\[([a-z0-9,]+)\]'", dockerfile)
    offered = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(installed.split(",")) == {"ocr", "postgres", "ray", "s3"}  # OCR on the workers, s3:// for the files
    assert set(installed.split(",")) <= set(offered)
