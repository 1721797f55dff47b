"""Pages of other sites cannot speak to the server; its own and programs here can."""

import socket

import pytest
from starlette.datastructures import Headers

from dashboard.guard import allowed, own_names

NAMES = own_names()


def asked(**headers: str) -> bool:
    return allowed(Headers({name.replace("_", "-"): value for name, value in headers.items()}), NAMES)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8501", "localhost:8501", "[::1]:8501", "192.168.1.20", socket.gethostname()]
)
def test_this_machine_may_be_asked_by_its_addresses_and_names(host: str) -> None:
    assert asked(host=host)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::1"]
)
def test_a_foreign_host_name_is_refused_since_it_may_be_rebound(host: str) -> None:
    assert not asked(host=host)


def test_a_page_of_another_site_is_refused() -> None:
    assert not asked(host="127.0.0.1:8501", origin="https://evil.example")
    assert not asked(host="127.0.0.1:8501", origin="null")
    assert not asked(host="127.0.0.1:8501", origin="http://localhost:3000")
    assert not asked(
        host="127.0.0.1:8501", sec_fetch_site="cross-site", sec_fetch_mode="no-cors", sec_fetch_dest="image"
    )


def test_a_page_of_this_server_is_served() -> None:
    assert asked(host="127.0.0.1:8501", origin="http://127.0.0.1:8501", sec_fetch_site="same-origin")


def test_following_a_link_from_elsewhere_is_served() -> None:
    assert asked(
        host="localhost:8501", sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="document"
    )


def test_being_framed_by_another_site_is_refused() -> None:
    assert not asked(
        host="localhost:8501", sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="iframe"
    )
