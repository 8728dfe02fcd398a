"""The page about the report's networks: its tables are those of the CSV beside it, and what it says of them holds."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def the_benchmarks_folder(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)


@pytest.fixture
def the_tables():
    from study import TABLES, sections

    return sections(BENCHMARKS / TABLES)


def rows_of(section):
    """The rows by their direction (or figure) and image (or pair)."""
    return {tuple(row[:2]): dict(zip(section.columns, row, strict=True)) for row in section.rows}


def test_the_pages_tables_are_those_of_the_study(the_tables):
    from study import PAGE, with_tables

    page = (BENCHMARKS / PAGE).read_text(encoding="utf-8")
    assert with_tables(page, the_tables) == page
    assert all(f"<!-- table: {name} -->" in page for name in the_tables)


def test_tables_are_written_between_their_markers_and_nowhere_else(the_tables):
    from study import with_tables

    page = with_tables("before\n<!-- table: tissues -->\nold\n<!-- end -->\nafter\n", the_tables)
    assert page.startswith("before\n<!-- table: tissues -->\n\n## Tissues") and page.endswith("\n<!-- end -->\nafter\n")
    assert "old" not in page
    with pytest.raises(KeyError):
        with_tables("<!-- table: other -->\n<!-- end -->\n", the_tables)


def test_every_network_stands_beside_the_baselines_of_its_direction(the_tables):
    rows = rows_of(the_tables["whole"])
    for direction, networks in (("T2 → PD", {"G1", "G2", "G3", "G4"}), ("PD → T2", {"G4 residual"})):
        images = {image for found, image in rows if found == direction}
        assert images - networks == {
            "intensity map of the training subjects",
            "linear fit that knows the answer",
            "intensity map that knows the answer",
        }
        assert networks <= images
    assert rows["T2 → PD", "G4"]["PSNR, max - min"] == "21.81 (1.02)"


def test_the_best_epoch_is_the_one_in_bold(the_tables):
    rows = {row[0]: row[1:] for row in the_tables["validation"].rows}
    assert [value for value in rows["G4"] if value.startswith("**")] == ["**20.95**"]
    assert rows["G4"][4:] == ["–"] * 4 and rows["G1"][-1] == "**23.63**"


def test_the_page_says_which_networks_a_plain_map_of_intensities_beats(the_tables):
    rows = rows_of(the_tables["comparisons"])
    differences = {
        pair.split(" - ")[0]: (float(row["difference"].replace("\N{MINUS SIGN}", "-")), row["p"])
        for (figure, pair), row in rows.items()
        if figure == "PSNR, max - min" and pair.endswith("the intensity map")
    }
    below = {run for run, (difference, p) in differences.items() if difference < 0 and p == "< 0.001"}
    above = {run for run, (difference, p) in differences.items() if difference > 0 and p == "< 0.001"}
    assert (below, above) == ({"G2", "G3", "G4"}, {"G1"})
    text = " ".join((BENCHMARKS / "STUDY.md").read_text(encoding="utf-8").split())
    assert (
        "has a higher PSNR than G2, G3 and G4, and the same PSNR as the residual generator; only G1 is above it" in text
    )
