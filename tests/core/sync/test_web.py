"""Fetching from a real server on this machine: tags, robots, redirects, and servers that behave badly."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.domains import domain
from core.errors import BadInput, Conflict
from core.ingestion import intake
from core.sync import looking, reach, sources
from core.sync.fetching import Fetcher, Fetching, NotFetched
from core.sync.looking import look
from core.sync.reach import Backend, Deadline, Refused, kind_of_host
from core.sync.robots import Pace
from core.sync.watching import look_once
from core.sync.web import look_at_urls
from core.workspace import Workspace
from tests.core.sync.conftest import names, rows, work

GUIDE = """<html><head><title>Guide</title></head><body><ul class="menu"><li>Shop</li><li>Careers</li></ul>
<article><h1>Guide</h1><p>The pump is serviced every ninety days by a trained person, who notes it in the log.</p>
<p>After each service the pressure is checked twice and the valve is opened slowly to let the air out.</p></article>
</body></html>"""


@dataclass
class Site:
    """What the server answers, by path: (status, headers, body), or a function of the request handler."""

    url: str = ""
    pages: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def says(self, path: str, body: str | bytes = GUIDE, status: int = 200, **headers: str) -> str:
        sent = {"Content-Type": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.pages[path] = (status, sent, body.encode() if isinstance(body, str) else body)
        return self.url + path

    def count(self, path: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == path)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, dict(self.headers)))
            page = made.pages.get(self.path, (404, {}, b""))
            if callable(page):
                page(self)
                return
            status, headers, body = page
            if status == 200 and headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
                status, body = 304, b""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def get(tmp_path: Path) -> Callable[..., object]:
    fetcher = Fetcher(Fetching(seconds=2.0, wait_s=1.0, most=100_000, redirects=3))
    return lambda url, **more: fetcher.get(url, tmp_path / "page", **more)


def follow(ws: Workspace, corpus: int, *urls: str, **more: object) -> int:
    source_id = sources.add_urls(ws, corpus, urls, **more).id  # type: ignore[arg-type]
    sources.sync_now(ws, source_id)
    work(ws)
    return source_id


def test_a_page_becomes_answerable_without_its_menu(ws: Workspace, corpus: int, site: Site) -> None:
    follow(ws, corpus, site.says("/guide"))
    (document,) = ws.corpora.documents(corpus)
    assert document.name == f"{site.url.removeprefix('http://')}/guide"
    assert document.source == f"{site.url}/guide"
    assert (document.status, document.media_type) == ("ready", "text/html")
    text = ws.corpora.page(document.id, 1).text
    assert "every ninety days" in text
    assert "Careers" not in text


def test_an_unchanged_page_is_answered_with_a_tag_and_writes_nothing(ws: Workspace, corpus: int, site: Site) -> None:
    source_id = follow(ws, corpus, site.says("/guide", ETag='"one"'))
    before = rows(ws)
    for _ in range(3):
        look_once(ws, ws.sources.get(source_id))
    assert rows(ws) == before
    assert site.asked[-1][1]["If-None-Match"] == '"one"'
    assert site.asked[-1][1]["User-Agent"].startswith("Triptych/")


def test_a_page_without_tags_is_compared_by_content(ws: Workspace, corpus: int, site: Site) -> None:
    source_id = follow(ws, corpus, site.says("/guide"))
    assert not look(ws, ws.sources.get(source_id)).work
    site.says("/guide", GUIDE.replace("ninety", "thirty"))
    assert look(ws, ws.sources.get(source_id)).changed
    sources.sync_now(ws, source_id)
    work(ws)
    assert "thirty days" in ws.retriever.search(corpus, "How often is the pump serviced?", 1)[0].text
    assert len(names(ws, corpus)) == 1


def test_a_pdf_is_read_as_one_whatever_its_address(ws: Workspace, corpus: int, site: Site) -> None:
    pdf = next(domain("legal").sample_folder.glob("*.pdf")).read_bytes()
    follow(ws, corpus, site.says("/download?id=7", pdf, Content_Type="application/octet-stream"))
    (document,) = ws.corpora.documents(corpus)
    assert (document.media_type, document.status) == ("application/pdf", "ready")


def test_what_robots_forbid_is_not_fetched(ws: Workspace, corpus: int, site: Site) -> None:
    site.says("/robots.txt", "User-agent: *\nDisallow: /private/\nAllow: /\n", Content_Type="text/plain")
    secret, guide = site.says("/private/x"), site.says("/guide")
    source_id = follow(ws, corpus, secret, guide)
    assert site.count("/private/x") == 0
    assert len(names(ws, corpus)) == 1
    assert "robots.txt" in ws.sources.get(source_id).last_error


def test_no_hop_of_a_redirect_is_fetched_that_robots_forbid(ws: Workspace, corpus: int, site: Site) -> None:
    site.says("/robots.txt", "User-agent: *\nDisallow: /private/\nAllow: /\n", Content_Type="text/plain")
    site.says("/open", "", status=302, Location="/private/x")
    site.says("/private/x", "", status=302, Location="/guide")
    site.says("/guide")
    source_id = follow(ws, corpus, f"{site.url}/open")
    assert site.count("/open") == 1
    assert site.count("/private/x") == site.count("/guide") == 0
    assert site.count("/robots.txt") == 1
    assert names(ws, corpus) == []
    assert "robots.txt" in ws.sources.get(source_id).last_error


def test_a_redirect_to_another_kind_of_host_asks_nothing_there(site: Site, tmp_path: Path) -> None:
    """Not its robots.txt either: no page may make us connect to what only this machine can reach."""
    site.says("/in", "", status=302, Location="http://192.168.7.7/admin")
    found = look_at_urls([f"{site.url}/in"], {}, Fetcher(Fetching(seconds=5.0)), tmp_path)
    assert "from a local address to a private one" in found.unreached[f"{site.url}/in"]


def test_the_pause_that_a_host_wants_is_kept_shown_and_can_be_broken_off(site: Site, tmp_path: Path) -> None:
    site.says("/robots.txt", "User-agent: *\nCrawl-delay: 30\n", Content_Type="text/plain")
    urls, said = [site.says("/one"), site.says("/two")], []

    def check() -> None:
        if said:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        look_at_urls(urls, {}, Fetcher(), tmp_path, check=check, told=said.append)
    assert (site.count("/one"), site.count("/two")) == (1, 0)
    assert said == [f"waiting: {site.url.removeprefix('http://')} wants 30 s between two pages (robots.txt)"]


def test_both_pages_come_when_the_pause_is_over(ws: Workspace, corpus: int, site: Site) -> None:
    site.says("/robots.txt", "User-agent: *\nCrawl-delay: 0.3\n", Content_Type="text/plain")
    follow(ws, corpus, site.says("/one"), site.says("/two", GUIDE.replace("pump", "valve")))
    assert len(names(ws, corpus)) == 2


def test_turns_at_a_host_are_as_far_apart_as_it_wants_whoever_asks() -> None:
    pace = Pace()
    assert pace.turn("here", 30, now=100.0) == 0
    assert pace.turn("here", 30, now=110.0) == 20
    assert pace.turn("here", 30, now=111.0) == 49
    assert pace.turn("elsewhere", 30, now=111.0) == 0
    assert pace.turn("here", 30, now=500.0) == 0


def test_a_host_that_wants_a_longer_pause_than_anybody_waits_is_left_out_with_a_line(
    ws: Workspace, corpus: int, site: Site
) -> None:
    site.says("/robots.txt", "User-agent: *\nCrawl-delay: 3600\n", Content_Type="text/plain")
    source_id = follow(ws, corpus, site.says("/guide"))
    assert site.count("/guide") == 0
    assert "wants 3,600 s between two pages" in ws.sources.get(source_id).last_error


def test_a_host_whose_robots_cannot_be_read_is_left_alone(ws: Workspace, corpus: int, site: Site) -> None:
    site.says("/robots.txt", "", status=503)
    source_id = follow(ws, corpus, site.says("/guide"))
    assert site.count("/guide") == 0
    assert "nothing is allowed" in ws.sources.get(source_id).last_error


def test_a_page_that_is_gone_is_removed_as_the_source_says_and_trouble_is_not_gone(
    ws: Workspace, corpus: int, site: Site
) -> None:
    urls = [site.says(f"/{name}", GUIDE.replace("pump", name)) for name in ("pump", "valve", "motor")]
    source_id = follow(ws, corpus, *urls, on_removal="remove")
    assert len(names(ws, corpus)) == 3
    site.says("/pump", "", status=500)
    site.says("/valve", "", status=403)
    sources.sync_now(ws, source_id)
    work(ws)
    assert len(names(ws, corpus)) == 3
    assert "and 1 more" in ws.sources.get(source_id).last_error
    site.says("/pump", GUIDE)
    site.says("/valve", "", status=410)
    sources.sync_now(ws, source_id)
    work(ws)
    assert len(names(ws, corpus)) == 2


def test_redirects_are_followed_to_the_end_but_not_for_ever(site: Site, get: Callable[..., object]) -> None:
    site.says("/a", "", status=302, Location="/b")
    site.says("/b", "", status=301, Location="/c")
    site.says("/c")
    assert get(f"{site.url}/a").url == f"{site.url}/c"  # type: ignore[attr-defined]
    site.says("/loop", "", status=302, Location="/loop")
    with pytest.raises(NotFetched, match="redirects more than 3"):
        get(f"{site.url}/loop")
    site.says("/file", "", status=302, Location="file:///etc/passwd")
    with pytest.raises(NotFetched, match="no web address"):
        get(f"{site.url}/file")


def test_a_redirect_to_another_kind_of_host_is_refused(site: Site, get: Callable[..., object]) -> None:
    site.says("/in", "", status=302, Location="http://192.168.7.7/admin")
    with pytest.raises(NotFetched, match="from a local address to a private one"):
        get(f"{site.url}/in")
    site.says("/cloud", "", status=302, Location="http://169.254.169.254/latest/meta-data/")
    with pytest.raises(NotFetched, match="link-local"):
        get(f"{site.url}/cloud")


def test_the_address_that_was_checked_is_the_one_connected_to(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"], ["10.0.0.1", "127.0.0.1"]])
    port = int(site.url.rpartition(":")[2])
    monkeypatch.setattr(reach, "resolved", lambda *_: next(answers))
    backend = Backend(Deadline(5))
    backend.connect_tcp("rebinding.example", port).close()
    with pytest.raises(Refused, match="private"):
        backend.connect_tcp("rebinding.example", port)
    backend.connect_tcp("rebinding.example", port).close()  # to the one that is of the same kind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "local"), ("::1", "local"), ("0.0.0.0", "local"), ("::ffff:127.0.0.1", "local"),
        ("10.1.2.3", "private"), ("fd00::1", "private"), ("100.64.0.1", "private"),
        ("169.254.169.254", "link-local"), ("fe80::1%eth0", "link-local"),
        ("93.184.216.34", "public"), ("2606:2800:220:1::1", "public"),
    ],
)  # fmt: skip
def test_kinds_of_hosts(address: str, kind: str) -> None:
    assert kind_of_host(address) == kind


def test_what_is_too_large_is_not_taken_said_or_unsaid(site: Site, get: Callable[..., object]) -> None:
    with pytest.raises(NotFetched, match="larger than"):
        get(site.says("/big", b"x" * 200_000))

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"x" * 10_000)
        except OSError:
            pass

    site.pages["/endless"] = endless
    with pytest.raises(NotFetched, match="larger than"):
        get(f"{site.url}/endless")
    bomb = gzip.compress(b"\0" * 50_000_000)
    with pytest.raises(NotFetched, match="larger than"):
        get(site.says("/bomb", bomb, Content_Encoding="gzip"))


def test_a_packed_page_is_unpacked(site: Site, get: Callable[..., object], tmp_path: Path) -> None:
    get(site.says("/packed", gzip.compress(GUIDE.encode()), Content_Encoding="gzip"))
    assert (tmp_path / "page").read_text() == GUIDE
    with pytest.raises(NotFetched, match="packed as 'br'"):
        get(site.says("/br", b"..", Content_Encoding="br"))


def test_a_server_that_trickles_is_given_up(site: Site, get: Callable[..., object]) -> None:
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(100):
                handler.wfile.write(f"X-{number}: slow\r\n".encode())
                time.sleep(0.1)
        except OSError:
            pass

    site.pages["/slow"] = trickle
    with pytest.raises(NotFetched, match="in time"):
        get(f"{site.url}/slow")


def test_a_host_that_is_not_there_is_told_in_a_line(get: Callable[..., object]) -> None:
    with pytest.raises(NotFetched, match="connected to"):
        get("http://127.0.0.1:1/")
    with pytest.raises(NotFetched, match="there is no host"):
        get("http://no-such-host.invalid/")


def test_addresses_that_are_followed_already_are_not_taken_twice(ws: Workspace, corpus: int) -> None:
    sources.add_urls(ws, corpus, ["http://127.0.0.1:1/a"])
    with pytest.raises(Conflict):
        sources.add_urls(ws, corpus, ["http://127.0.0.1:1/a#top"])
    with pytest.raises(BadInput):
        sources.add_urls(ws, corpus, [" ", ""])
    second = sources.add_urls(ws, corpus, ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"])
    assert second.location["urls"] == ["http://127.0.0.1:1/b"]


def test_a_dry_run_keeps_nothing_of_what_it_fetched(ws: Workspace, corpus: int, site: Site) -> None:
    source = sources.add_urls(ws, corpus, [site.says("/guide")])
    assert len(looking.look(ws, source).added) == 1
    assert not [path for path in (ws.home / "files").rglob("*") if path.is_file()]
    assert not list(ws.scratch.iterdir())


def test_a_page_with_other_bytes_each_time_and_the_same_text_is_no_change(
    ws: Workspace, corpus: int, site: Site
) -> None:
    number = iter(range(1000))

    def page(handler: BaseHTTPRequestHandler) -> None:
        text = GUIDE if handler.path == "/guide" else GUIDE.replace("pump", "valve")
        body = text.replace("<body>", f"<body><script nonce='{next(number)}'>track({next(number)})</script>").encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        if handler.path == "/guide":
            handler.send_header("ETag", f'"{next(number)}"')
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    site.pages["/guide"] = site.pages["/other"] = page
    source_id = follow(ws, corpus, f"{site.url}/guide", f"{site.url}/other")
    before, ids = rows(ws), ws.corpora.document_ids(corpus)
    for _ in range(3):
        look_once(ws, ws.sources.get(source_id))
    assert rows(ws) == before
    sources.sync_now(ws, source_id)
    assert work(ws) == ["sync"]
    assert ws.corpora.document_ids(corpus) == ids


def test_another_title_is_a_change(ws: Workspace, corpus: int, site: Site) -> None:
    source_id = follow(ws, corpus, site.says("/guide"))
    site.says("/guide", GUIDE.replace("<title>Guide", "<title>Guide of May"))
    assert look(ws, ws.sources.get(source_id)).changed


def test_a_tag_that_changed_once_is_asked_with_from_then_on(ws: Workspace, corpus: int, site: Site) -> None:
    source_id = follow(ws, corpus, site.says("/guide", ETag='"one"'))
    site.says("/guide", ETag='"two"')
    for _ in range(2):
        look_once(ws, ws.sources.get(source_id))
    assert site.asked[-1][1]["If-None-Match"] == '"two"'
    assert [job.kind for job in ws.jobs.list()].count("sync") == 1


def test_an_address_that_leaves_the_list_goes_as_a_removed_file_does(ws: Workspace, corpus: int, site: Site) -> None:
    urls = [site.says(f"/{name}", GUIDE.replace("pump", name)) for name in ("pump", "valve", "motor")]
    source_id = follow(ws, corpus, *urls[:2], on_removal="remove")
    sources.add_urls(ws, corpus, ["http://127.0.0.1:1/elsewhere"])
    assert sources.addresses(ws, corpus, [urls[2], "http://127.0.0.1:1/elsewhere"], but=source_id) == (
        [urls[2]],
        ["http://127.0.0.1:1/elsewhere"],
    )
    sources.set_up(ws, source_id, urls=[urls[0], urls[2], "http://127.0.0.1:1/elsewhere"])
    assert ws.sources.get(source_id).location == {"urls": [urls[0], urls[2]]}
    plan = look(ws, ws.sources.get(source_id))
    assert ([each.path for each in plan.added], [each.path for each in plan.removed]) == ([urls[2]], [urls[1]])
    sources.sync_now(ws, source_id)
    work(ws)
    assert [name.rpartition("/")[2] for name in names(ws, corpus)] == ["motor", "pump"]
    with pytest.raises(BadInput):
        sources.set_up(ws, source_id, urls=["docs.example.org"])
    with pytest.raises(BadInput):
        sources.set_up(ws, source_id, urls=[])


def test_a_redacted_page_with_other_bytes_and_the_same_text_is_no_change(ws: Workspace, site: Site) -> None:
    ws.domains.add(replace(domain("legal"), name="mine", title="Mine", sample_corpus="", personal="redact"))
    corpus = intake.create_corpus(ws, "letters", "mine").id
    page = GUIDE.replace("in the log", "in the log of Ada, social security number 123-45-6789")
    source_id = follow(ws, corpus, site.says("/guide", page))
    assert "123-45-6789" not in ws.corpora.page(ws.corpora.document_ids(corpus)[0], 1).text
    site.says("/guide", page.replace("<body>", "<body><script nonce='2'>track()</script>"))
    assert not look(ws, ws.sources.get(source_id)).work
    site.says("/guide", page.replace("ninety", "thirty"))
    assert look(ws, ws.sources.get(source_id)).changed
