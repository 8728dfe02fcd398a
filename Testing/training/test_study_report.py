import base64
import re
import shutil
from html.parser import HTMLParser

import pytest
from epoch_examples import shrink_networks
from study_examples import STRIDE, TEST, prepare_head, prepare_heads, reversed_experiment, train_experiment, train_run

from mrsynth.errors import InputError, MissingFile, OutputError, OutputExists
from mrsynth_training import cli, study_report
from mrsynth_training.evaluated_run import read_evaluated_runs
from mrsynth_training.run_evaluation import EvaluationOptions, RunEvaluation
from mrsynth_training.study_plots import plot_courses, plot_spread
from mrsynth_training.study_report import ReportOptions, chosen_subjects, write_study_report
from mrsynth_training.trained_run import read_trained_runs
from mrsynth_training.volume_cache import array_path

RUNS = ("one", "two", "back")
PNG = b"\x89PNG\r\n\x1a\n"
TABLES = {"subjects.csv", "summary.csv", "comparisons.csv", "tissues.csv"}


class Page(HTMLParser):
    """The tags of a page, those that were not closed, and its visible text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)
        self.text = " ".join("".join(f" {word}" for word in self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "title"} & set(self.open):
            self.words.append(data)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A cache and three runs that were measured on it, two of one direction and one of the other."""
    with pytest.MonkeyPatch.context() as patch:
        shrink_networks(patch)
        folder = tmp_path_factory.mktemp("study")
        cache = prepare_heads(folder / "cache")
        for name, seed in (("one", 0), ("two", 1)):
            train_run(cache, folder / name, seed=seed, epochs=2)
        train_experiment(cache, folder / "back", reversed_experiment())
        options = EvaluationOptions(cache, cache / "split.json", STRIDE)
        RunEvaluation(read_trained_runs([folder / name for name in RUNS]), options).evaluate()
        return folder


@pytest.fixture
def study(measured, tmp_path):
    """The same in a folder of its own; its figures know the cache where it was first."""
    return shutil.copytree(measured, tmp_path / "study")


@pytest.fixture(scope="module")
def a_report(measured, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports") / "report"
    write_study_report(folder, runs_of(measured), ReportOptions(energy_kwh={"one": 0.25}))
    return folder


@pytest.fixture
def no_pictures(monkeypatch):
    """Stands for pictures and plots, which take seconds to draw and have tests of their own."""
    for name in ("plot_courses", "plot_spread"):
        monkeypatch.setattr(study_report, name, lambda *_: PNG)
    monkeypatch.setattr(study_report, "draw_subject", lambda *_: [PNG])


def runs_of(study, *names):
    return read_evaluated_runs([study / name for name in names or RUNS])


def test_a_report_is_a_page_its_tables_and_its_pictures(a_report):
    names = {path.name for path in a_report.iterdir()}
    assert {"report.html", "epochs.png", "subjects.png"} | TABLES <= names
    pictures = [name for name in names if name.startswith("picture-")]
    assert len(pictures) == 4 and {name.split("-")[1] for name in pictures} == {"T2", "PD"}


def test_the_page_contains_every_run_and_every_part(a_report):
    text = Page((a_report / "report.html").read_text(encoding="utf-8")).text
    for name in RUNS:
        assert name in text
    for said in (
        *("Synthesis of brain MRI: T2 \N{RIGHTWARDS ARROW} PD and PD \N{RIGHTWARDS ARROW} T2", "What this study shows"),
        *("What it does not show", "All scans are simulated", "Tissue agreement", "Figure 1.", "Table 1."),
        *("0.25 kWh", "not measured", "losses: reconstruction", "north: 2, south: 1", "Research use only"),
        *("Test subjects: 3", *TEST, "PyTorch", "8 \N{MULTIPLICATION SIGN} 8 \N{MULTIPLICATION SIGN} 4"),
    ):
        assert said in text, said


def test_the_page_holds_its_pictures_and_asks_for_nothing(a_report):
    html = (a_report / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    held = {base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True) for source in sources}
    assert held == {path.read_bytes() for path in a_report.glob("*.png")}
    assert not {"script", "link", "iframe", "object", "base", "a"} & {tag for tag, _ in page.tags}
    without_pictures = re.sub('src="data:[^"]*"', "", html)
    assert not re.search(r"https?:|ftp:|file:|url\(|@import|//", without_pictures)


def test_the_page_tells_no_folder_of_this_machine(a_report, measured):
    html = (a_report / "report.html").read_text(encoding="utf-8")
    assert str(measured) not in html and str(measured.parent) not in html


def test_the_page_is_well_formed_and_accessible_to_those_who_cannot_see(a_report):
    page = Page((a_report / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")
    assert all(attributes.get("scope") for tag, attributes in page.tags if tag == "th")


@pytest.mark.usefixtures("no_pictures")
def test_the_subjects_of_the_pictures_can_be_chosen(measured, tmp_path):
    write_study_report(tmp_path / "report", runs_of(measured, "one"), ReportOptions(subjects=("H5",)))
    names = [path.name for path in (tmp_path / "report").glob("picture-*")]
    assert names == ["picture-T2-to-PD-one-H5.png"]
    with pytest.raises(InputError, match="expected names of test subjects such as H3, found H9"):
        write_study_report(tmp_path / "other", runs_of(measured), ReportOptions(subjects=("H5", "H9")))


def test_the_middle_and_the_worst_subject_are_shown_unless_others_are_named(measured):
    group = runs_of(measured, "one", "two")
    means = {
        name: sum(run.subjects[n].metrics["network", "whole volume"].psnr_range for run in group)
        for n, name in enumerate(TEST)
    }
    ranked = sorted(means, key=means.get)
    assert chosen_subjects(group) == [ranked[1], ranked[0]]


@pytest.mark.usefixtures("no_pictures")
def test_one_run_on_one_subject_has_a_report_without_deviations(tmp_path, monkeypatch):
    shrink_networks(monkeypatch)
    cache = prepare_heads(tmp_path / "cache", test=("H3",))
    train_run(cache, tmp_path / "one")
    options = EvaluationOptions(cache, cache / "split.json", STRIDE)
    RunEvaluation(read_trained_runs([tmp_path / "one"]), options).evaluate()
    page = write_study_report(tmp_path / "report", runs_of(tmp_path, "one"), ReportOptions())
    text = Page(page.read_text(encoding="utf-8")).text
    assert "one test subject has no spread" in text and "nan" not in text.lower().split()


@pytest.mark.usefixtures("no_pictures")
def test_a_report_is_replaced_only_if_asked(study, tmp_path):
    runs = runs_of(study, "one")
    page = write_study_report(tmp_path / "report", runs, ReportOptions())
    with pytest.raises(OutputExists, match="expected a folder without a report, found report.html.*--force"):
        write_study_report(tmp_path / "report", runs, ReportOptions())
    write_study_report(tmp_path / "report", runs, ReportOptions(title="Another", replace=True))
    assert "<h1>Another</h1>" in page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("no_pictures")
def test_a_cache_that_moved_can_be_named_and_one_that_changed_is_refused(study, measured, tmp_path):
    runs = runs_of(study, "one")
    moved = (study / "cache").rename(tmp_path / "moved")
    hidden = measured / "cache"
    kept = hidden.rename(measured / "hidden")
    try:
        with pytest.raises(MissingFile, match="subject_H"):
            write_study_report(tmp_path / "report", runs, ReportOptions())
        assert write_study_report(tmp_path / "report", runs, ReportOptions(cache=moved)).is_file()
    finally:
        kept.rename(hidden)
    prepare_head(moved, 9, "H4")
    with pytest.raises(InputError, match="H4: expected the prepared scans that figures were measured on"):
        write_study_report(tmp_path / "other", runs, ReportOptions(cache=moved, subjects=("H4",)))


@pytest.mark.usefixtures("no_pictures")
def test_a_lost_array_or_volume_is_told_and_nothing_is_left(study, tmp_path):
    runs = runs_of(study, "one")
    array_path(study / "cache", "H4").unlink()
    options = ReportOptions(cache=study / "cache", subjects=("H4",))
    with pytest.raises(MissingFile, match="subject_H4.npy"):
        write_study_report(tmp_path / "report", runs, options)
    (study / "one" / "test" / "synthetic_H5.nii.gz").unlink()
    with pytest.raises(MissingFile, match="synthetic_H5"):
        write_study_report(tmp_path / "report", runs, ReportOptions(subjects=("H5",)))
    assert not (tmp_path / "report").exists()


@pytest.mark.usefixtures("no_pictures")
def test_a_full_disk_leaves_no_half_of_a_report(study, tmp_path, monkeypatch):
    def refuse(path, data):
        raise OutputError(f"{path}: full", "disk_full")

    monkeypatch.setattr(study_report, "write_bytes", refuse)
    with pytest.raises(OutputError, match="report.html: full"):
        write_study_report(tmp_path / "report", runs_of(study, "one"), ReportOptions())
    assert not (tmp_path / "report").exists()


@pytest.mark.usefixtures("no_pictures")
def test_energy_is_told_of_runs_that_are_there(study, tmp_path):
    with pytest.raises(InputError, match="expected energy of one of the runs one, found it of three"):
        write_study_report(tmp_path / "report", runs_of(study, "one"), ReportOptions(energy_kwh={"three": 1.0}))


def test_plots_are_drawn_for_each_direction(measured):
    runs = runs_of(measured)
    courses = {run.name: study_report.read_course(run.run.folder) for run in runs}
    assert plot_courses([runs[:2], runs[2:]], courses).startswith(PNG)
    assert plot_spread([runs[:2], runs[2:]]).startswith(PNG)


@pytest.mark.usefixtures("no_pictures")
def test_the_command_writes_a_report_and_names_it(study, tmp_path, capsys):
    arguments = ["report", str(study / "one"), str(study / "two"), str(tmp_path / "report"), "--energy", "two", "1.5"]
    assert cli.main([*arguments, "--title", "Our study"]) == 0
    assert "report.html: report of 2 runs" in capsys.readouterr().out
    text = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<h1>Our study</h1>" in text and "1.5 kWh" in text
    assert cli.main(arguments) == 2
    assert "--force replaces it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["cache", "report"], "expected a run with at least one finished epoch"),
        (["nowhere", "report"], "nowhere: expected the folder of a run"),
        (["one", "report", "--energy", "one", "much"], "--energy one: expected kilowatt-hours of at least 0"),
        (["one", "report", "--energy", "one", "-1"], "expected kilowatt-hours"),
        (["one", "no/such/place"], "expected a folder for the output, found none there"),
        (["fresh", "report"], "fresh: expected a run that was measured on its test subjects"),
    ],
)
def test_wrong_input_to_report_is_one_line_and_exit_code_2(study, monkeypatch, capsys, arguments, expected):
    monkeypatch.chdir(study)
    shutil.copytree("one", "fresh", ignore=shutil.ignore_patterns("test"))
    assert cli.main(["report", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mrsynth-train: ") and error.count("\n") == 1 and expected in error
    assert not (study / "report").exists()
