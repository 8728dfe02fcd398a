import base64

from mrsynth.html_document import document, figure


def test_a_page_forbids_everything_that_is_not_within_it():
    page = document("Title", "<p>body</p>")
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert "http://" not in page and "https://" not in page and "url(" not in page
    assert "<p>body</p>" in page and page.startswith("<!DOCTYPE html>")


def test_a_pages_own_rules_come_after_those_of_every_page():
    page = document("Title", "", "h1 { color: red }")
    assert page.index("h1 { margin") < page.index("h1 { color: red }") < page.index("</style>")


def test_a_title_and_a_description_cannot_become_markup():
    assert "<b>" not in document("<b>", "") and "&lt;b&gt;" in document("<b>", "")
    assert figure(b"", "", '"><script>').count("<") == figure(b"", "", "").count("<")


def test_a_figure_carries_its_picture():
    html = figure(b"\x89PNG", "a <em>caption</em>", "what it shows")
    assert base64.b64encode(b"\x89PNG").decode() in html
    assert 'alt="what it shows"' in html and "a <em>caption</em>" in html
