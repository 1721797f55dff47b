import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from core.errors import BadInput
from core.generation.secrets import FILE, Secrets, described, in_environment


def test_a_key_comes_back_from_its_seal_and_stands_nowhere_in_the_clear(tmp_path: Path) -> None:
    sealed = Secrets(tmp_path).seal(" sk-very-secret ")
    assert Secrets(tmp_path).open(sealed) == "sk-very-secret"
    assert "sk-very" not in sealed
    assert "sk-very" not in described(sealed)
    assert b"sk-very" not in (tmp_path / FILE).read_bytes()


def test_the_workspace_s_secret_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    Secrets(tmp_path).seal("x")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_without_the_secret_a_stored_key_asks_to_be_entered_again(tmp_path: Path) -> None:
    sealed = Secrets(tmp_path).seal("x")
    (tmp_path / FILE).unlink()
    with pytest.raises(BadInput, match="Enter it again"):
        Secrets(tmp_path).open(sealed)


def test_the_secret_can_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPTYCH_SECRET_KEY", Fernet.generate_key().decode())
    sealed = Secrets(tmp_path).seal("x")
    assert Secrets(tmp_path).open(sealed) == "x"
    assert not (tmp_path / FILE).exists()
    monkeypatch.setenv("TRIPTYCH_SECRET_KEY", "short")
    with pytest.raises(BadInput, match="not hold a Fernet key"):
        Secrets(tmp_path).open(sealed)


def test_a_key_can_stay_in_an_environment_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = in_environment("MY_CLOUD_KEY")
    with pytest.raises(BadInput, match="MY_CLOUD_KEY is not set"):
        Secrets(tmp_path).open(secret)
    monkeypatch.setenv("MY_CLOUD_KEY", "sk-env")
    assert Secrets(tmp_path).open(secret) == "sk-env"
    assert described(secret) == "from MY_CLOUD_KEY"
    with pytest.raises(BadInput, match="no name of an environment variable"):
        in_environment("sk-live; rm -rf")


@pytest.mark.parametrize("key", ["sk-\u201cabc\u201d", "sk-a\nb", "sk-a b", "sk-\x00", "sk-\u00e9"])
def test_what_no_header_can_carry_is_no_key_and_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    secrets = Secrets(tmp_path)
    with pytest.raises(BadInput, match="no key has") as refused:
        secrets.seal(key)
    assert "sk-" not in str(refused.value)
    assert not (tmp_path / FILE).exists()
    older = secrets._fernet(create=True).encrypt(key.encode()).decode()  # as it was sealed before this was looked at
    with pytest.raises(BadInput, match="no key has"):
        secrets.open(f"fernet:{older}")
    if "\0" not in key:  # which no environment variable can hold
        monkeypatch.setenv("MY_CLOUD_KEY", key)
        with pytest.raises(BadInput, match="environment variable MY_CLOUD_KEY") as refused:
            secrets.open("env:MY_CLOUD_KEY")
        assert "sk-" not in str(refused.value)


def test_a_line_break_behind_a_key_is_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_CLOUD_KEY", "sk-env\n")
    assert Secrets(tmp_path).open("env:MY_CLOUD_KEY") == "sk-env"
