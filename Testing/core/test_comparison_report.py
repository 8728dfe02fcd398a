import base64
import errno
import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from mrsynth.comparison import compare_volumes
from mrsynth.comparison_report import (
    Report,
    ReportedImages,
    ReportedOrigin,
    slice_chart,
    write_report,
)
from mrsynth.errors import MissingFile, OutputError, OutputExists
from mrsynth.slice_metrics import measure_slices
from mrsynth.volume import Volume

FILES = ["comparison.png", "metrics.csv", "report.html"]
PNG = b"\x89PNG\r\n\x1a\n"
OUTSIDE = ("http:", "https:", "ftp:", "file:", "//")


class Page(HTMLParser):
    """The tags of a page, those that were not closed, and its visible text."""

    EMPTY = ("meta", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "title"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(f" {word}" for word in self.words).split())


def head(seed):
    i, j, k = (index / size - 0.5 for index, size in zip(np.indices((20, 24, 8)), (20, 24, 8), strict=True))
    texture = 300 + 90 * np.sin(8 * i + seed) + 40 * j
    voxels = (i**2 + j**2 + k**2 < 0.16) * texture + np.random.default_rng(seed).uniform(0, 9, (20, 24, 8))
    return Volume(voxels, np.diag([8.0, 8, 20, 1]))


@pytest.fixture(scope="module")
def measured():
    synthetic, reference, source = head(1), head(0), head(2)
    comparison = compare_volumes(synthetic, reference, source)
    return (synthetic, reference, source), comparison, measure_slices(synthetic, reference)


@pytest.fixture
def a_report(measured):
    images = ReportedImages("T2 synthetic PD", "PD acquired", "T2 scan", "PD")
    options = {"mode": "smooth", "device": "cpu"}
    origin = ReportedOrigin("t2-to-pd", "1.2.3", "ab" * 32, "2026-08-01T12:00:00+00:00", "run7", options)
    return Report(*measured, images, origin, ("the reference covers half",), "2026-08-02T09:30:00+00:00")


@pytest.fixture
def quick_picture(monkeypatch):
    """Stands for the comparison's picture, which takes seconds to draw and has tests of its own."""
    monkeypatch.setattr("mrsynth.comparison_report.write_comparison_picture", lambda path, *_: path.write_bytes(PNG))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def page_of(report, folder):
    return write_report(folder, report).read_text(encoding="utf-8")


def test_a_report_is_a_page_a_table_and_a_picture(tmp_path, a_report):
    page = write_report(tmp_path / "report", a_report)
    assert page == tmp_path / "report" / "report.html" and names(page.parent) == FILES
    assert (page.parent / "metrics.csv").read_text(encoding="utf-8") == a_report.comparison.to_csv()
    assert (page.parent / "comparison.png").read_bytes().startswith(PNG)


@pytest.mark.usefixtures("quick_picture")
def test_the_page_says_that_the_image_is_synthetic_and_how_it_was_made(tmp_path, a_report):
    text = Page(page_of(a_report, tmp_path)).text
    for said in (
        *("SYNTHETIC IMAGE: not acquired, not for diagnosis", "Research use only"),
        *("T2 synthetic PD (PD-weighted)", "PD acquired", "T2 scan", "t2-to-pd version 1.2.3", "ab" * 32),
        *("2026-08-01 12:00:00 UTC", "2026-08-02 09:30:00 UTC", "run7", "mode: smooth, device: cpu", "mrsynth 0"),
        *("The reference covers half", a_report.comparison.grid),
    ):
        assert said in text, said


@pytest.mark.usefixtures("quick_picture")
def test_the_page_holds_the_figures_of_the_command_line(tmp_path, a_report):
    text = Page(page_of(a_report, tmp_path)).text
    labels = {"synthetic": "Synthetic", "linear": "Source, rescaled", "intensity map": "Source, intensity map"}
    lines = a_report.comparison.to_table().splitlines()[2:8]
    for row, line in zip(a_report.comparison.rows, lines, strict=True):
        assert " ".join([labels[row.image], *line.split()[-6:]]) in text
    assert text.index("Inside the head") < text.index("Whole volume")


@pytest.mark.usefixtures("quick_picture")
def test_the_page_holds_its_pictures_and_asks_for_nothing_else(tmp_path, a_report):
    html = page_of(a_report, tmp_path)
    page = Page(html)
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    pictures = [base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True) for source in sources]
    assert pictures[0] == (tmp_path / "comparison.png").read_bytes() and pictures[1].startswith(PNG)
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.tags}
    values = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert not [value for value in values if value.startswith(OUTSIDE)]
    style = re.search("<style>(.*)</style>", html, re.DOTALL).group(1)
    assert "url(" not in style and "@import" not in style
    policy = next(attributes for _, attributes in page.tags if attributes.get("http-equiv"))
    assert policy["content"].startswith("default-src 'none'")


@pytest.mark.usefixtures("quick_picture")
def test_the_page_is_well_formed_and_accessible(tmp_path, a_report):
    page = Page(page_of(a_report, tmp_path))
    assert page.open == []
    assert all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")
    assert all(attributes.get("scope") for tag, attributes in page.tags if tag == "th")
    assert ("html", {"lang": "en"}) in page.tags


@pytest.mark.usefixtures("quick_picture")
def test_names_cannot_become_markup(tmp_path, a_report):
    evil = "<script>alert('\"&amp;')</script>"
    images = ReportedImages(evil, evil, evil, evil)
    report = replace(
        a_report, images=images, origin=ReportedOrigin(*[evil] * 5, {evil: evil}), warnings=(evil,), written=evil
    )
    page = Page(page_of(report, tmp_path))
    assert "script" not in {tag for tag, _ in page.tags} and page.open == []
    assert page.text.count(evil) >= 10


@pytest.mark.usefixtures("quick_picture")
def test_what_is_not_known_is_said_to_be_unrecorded(tmp_path, a_report):
    report = replace(a_report, images=ReportedImages("made", "seen"), origin=ReportedOrigin(), warnings=())
    text = Page(page_of(report, tmp_path)).text
    assert text.count("not recorded") == 6 and "Before reading" not in text and "computed from" not in text


@pytest.mark.usefixtures("quick_picture")
def test_without_a_source_there_is_no_word_of_baselines(tmp_path, a_report):
    volumes = (*a_report.volumes[:2], None)
    alone = replace(a_report, volumes=volumes, comparison=compare_volumes(*volumes))
    text = Page(page_of(alone, tmp_path)).text
    assert "rescaled" not in text and "Synthetic" in text


@pytest.mark.usefixtures("quick_picture")
def test_a_report_that_is_there_is_kept_unless_asked(tmp_path, a_report):
    (tmp_path / "metrics.csv").write_text("mine")
    with pytest.raises(OutputExists, match=r"found metrics\.csv"):
        write_report(tmp_path, a_report)
    assert names(tmp_path) == ["metrics.csv"] and (tmp_path / "metrics.csv").read_text() == "mine"
    write_report(tmp_path, a_report, replace=True)
    assert names(tmp_path) == FILES and (tmp_path / "metrics.csv").read_text() != "mine"


@pytest.mark.usefixtures("quick_picture")
def test_a_failure_halfway_leaves_what_was_there(tmp_path, a_report, monkeypatch):
    write_report(tmp_path, a_report)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    rename, renamed = os.replace, []

    def fail_at_the_table(source, target):
        if target == tmp_path / "metrics.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        renamed.append(target)
        rename(source, target)

    monkeypatch.setattr(os, "replace", fail_at_the_table)
    with pytest.raises(OutputError) as refused:
        write_report(tmp_path, replace(a_report, written="2027-01-01"), replace=True)
    assert refused.value.code == "disk_full" and tmp_path / "report.html" in renamed
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.usefixtures("quick_picture")
def test_a_folder_that_does_not_exist_is_made_if_only_it_is_missing(tmp_path, a_report):
    with pytest.raises(MissingFile):
        write_report(tmp_path / "none" / "report", a_report)
    assert names(tmp_path) == []


@pytest.mark.usefixtures("quick_picture")
def test_a_file_in_the_folders_place_is_refused(tmp_path, a_report):
    (tmp_path / "report").write_text("a file")
    with pytest.raises(OutputError, match="expected a place"):
        write_report(tmp_path / "report", a_report)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
@pytest.mark.usefixtures("quick_picture")
def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, a_report):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError):
        write_report(tmp_path, a_report)


def test_the_chart_of_slices_is_a_picture_even_where_nothing_differs(measured):
    reference = measured[0][1]
    for slices in (measured[2], measure_slices(reference, reference)):
        assert slice_chart(slices).startswith(PNG)
