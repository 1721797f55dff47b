"""A benchmark that is run again writes its figures anew and keeps what a person wrote about them."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks import report


def test_a_rerun_keeps_all_that_stands_under_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["speed.py"])
    monkeypatch.setattr(os, "getloadavg", lambda: (1.0, 1.0, 1.0))
    file = report.write("speed", "Speed", "| a |\n| --- |\n| 1 |")
    assert report.NOTES not in file.read_text()
    with file.open("a") as old:
        old.write("\n## Notes\n\nLost: everything.\n\n## More\n\nBy hand.\n")
    again = report.write("speed", "Speed", "| a |\n| --- |\n| 2 |").read_text()
    assert "| 2 |" in again
    assert "| 1 |" not in again
    assert again.endswith("\n\n## Notes\n\nLost: everything.\n\n## More\n\nBy hand.\n")
    assert report.write("speed", "Speed", "| a |\n| --- |\n| 2 |").read_text() == again
