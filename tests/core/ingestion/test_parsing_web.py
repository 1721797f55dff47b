"""Pages as fetched: the text without what stands around it, or all of it when that cannot be told."""

from core.ingestion.limits import Limits
from core.ingestion.parsing.html import parse_html
from core.ingestion.parsing.web import parse_web

STORY = " ".join(
    f"Paragraph {number} explains in a full sentence how the {word} of the pump is serviced by a trained person."
    for number, word in enumerate(["filter", "valve", "seal", "motor", "housing", "gauge"])
)
LINKS = "".join(f'<li><a href="/{word}">{word}</a></li>' for word in ["Shop", "Careers", "Investors", "Press", "Legal"])
PAGE = f"""<html><head><title>Servicing the pump</title></head><body>
<div class="cookie-banner"><p>We use cookies. Accept all cookies to go on.</p></div>
<div class="menu"><ul>{LINKS}</ul></div>
<article><h1>Servicing the pump</h1><h2>Every month</h2><p>{STORY}</p>
<h2>Torques</h2><table><tr><th>Bolt</th><th>Torque</th></tr><tr><td>M8</td><td>25 Nm</td></tr></table>
<p>Tighten the bolts crosswise and check each of them again after ten hours of running time.</p></article>
<div class="footer"><h3>Follow us</h3><ul>{LINKS}</ul></div></body></html>"""


def test_menus_and_banners_are_left_out_and_said_to_be() -> None:
    page = parse_web(PAGE, Limits())
    text = page.pages[0].text
    assert "Paragraph 5 explains" in text
    assert "cookies" not in text
    assert "Careers" not in text
    assert "Follow us" not in text
    assert any("navigation" in item.why and "Careers" in item.what for item in page.dropped)


def test_headings_and_table_rows_survive_with_their_headers() -> None:
    page = parse_web(PAGE, Limits()).pages[0]
    headings = [(page.text[b.start : b.end], b.level) for b in page.blocks if b.kind == "heading"]
    assert headings == [("Servicing the pump", 1), ("Every month", 2), ("Torques", 2)]
    rows = [(page.text[b.start : b.end], b.header) for b in page.blocks if b.kind == "table_row"]
    assert rows[-1] == ("| M8 | 25 Nm |", "| Bolt | Torque |")


def test_a_page_of_which_little_is_prose_stays_whole() -> None:
    table = "".join(f"<tr><td>Part {number}</td><td>{number * 7} euro</td></tr>" for number in range(60))
    page = f"<html><body><p>Prices.</p><div>{LINKS}</div><table>{table}</table></body></html>"
    assert parse_web(page, Limits()).pages[0].text.count("euro") == 60


def test_no_page_however_odd_is_lost() -> None:
    for odd in ("", "<html></html>", "<p>one", "<table><tr><td>1</table>", "\x00<html><body>\ud800 x", "<div>" * 5000):
        text = parse_web(odd.encode("utf-8", "replace").decode(), Limits()).pages[0].text
        assert text == parse_html(odd.encode("utf-8", "replace").decode(), Limits()).pages[0].text
