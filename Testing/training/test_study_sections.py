import re

import pytest
from study_figures import a_run_of, evaluation_of

from mrsynth_training.study_sections import (
    comparisons_table,
    figures_table,
    has_tissues,
    results_table,
    subjects_table,
    table,
    tissues_table,
)

G1 = [27.0, 28.5, 26.1, 30.2, 25.0, 29.1, 28.0, 27.7]
G2 = [value + 1 for value in G1]


@pytest.fixture
def two_runs():
    return [a_run_of("g1", G1), a_run_of("g2", G2)]


def rows(html):
    """The words of each row, a list of cells."""
    found = []
    for row in re.findall("<tr.*?</tr>", html):
        cells = re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row)
        found.append([" ".join(re.sub("<[^>]*>", " ", cell).split()) for cell in cells])
    return found


def test_the_first_table_is_laid_out_as_the_reports(two_runs):
    head, first, second = rows(results_table(two_runs))
    assert head == ["Direction", "Generator", "Validation MAE SD", "Validation PSNR dB", "Test PSNR dB"]
    # Of one validation subject there is no deviation.
    assert first == ["T2 \N{RIGHTWARDS ARROW} PD", "g1", "0.100", "27.50", "27.70 (1.66)"]
    assert second[-1] == "28.70 (1.66)"
    assert results_table(two_runs).count("<b>") == 1 and "<b>28.70 (1.66)</b>" in results_table(two_runs)


def test_validation_figures_have_their_deviation_where_there_are_several_subjects(two_runs):
    two_runs[0].run.best.subjects["validation"] = ["C", "D"]
    assert rows(results_table(two_runs[:1]))[1][2:4] == ["0.100 (0.020)", "27.50 (3.00)"]


def test_all_figures_stand_beside_the_baselines_in_both_masks(two_runs):
    found = rows(figures_table(two_runs))
    assert found[0][1:] == [
        "MAE SD, lower is better",
        "PSNR dB, range max\N{MINUS SIGN}min",
        "PSNR dB, range 0.5\N{EN DASH}99.5 %",
        "SSIM 1 is identical",
        "Gradient difference SD\N{SUPERSCRIPT TWO}, lower is better",
    ]
    assert [row[0] for row in found if len(row) == 1] == ["Whole volume", "Inside the head"]
    assert found[2][:3] == ["g1", "1.615 (0.083)", "27.70 (1.66)"]
    assert [row[0] for row in found].count("Source, intensity map of the training subjects") == 2
    assert len(found) == 1 + 2 * (1 + 2 + 3)


def test_differences_have_a_sign_an_interval_and_an_adjusted_p(two_runs):
    found = rows(comparisons_table(two_runs))
    assert found[2][0] == "g1 \N{MINUS SIGN} g2" and found[3][0] == "g1 \N{MINUS SIGN} its intensity map"
    assert found[2][2].startswith("\N{MINUS SIGN}1.00 [\N{MINUS SIGN}1.00, \N{MINUS SIGN}1.00]; p = 0.0")
    assert found[3][2].startswith("+4.00 [")
    assert "<b>" in comparisons_table(two_runs)


def test_of_one_subject_only_the_difference_is_given():
    found = rows(comparisons_table([a_run_of("g1", G1[:1]), a_run_of("g2", G2[:1])]))
    assert found[2][1:] == ["0.050", "\N{MINUS SIGN}1.00", "0.000"]


def test_tissues_stand_beside_those_of_the_map(two_runs):
    found = rows(tissues_table(two_runs))
    assert [row[1] for row in found[1:]] == ["g1", "g2", "Source, intensity map of the training subjects"]
    assert found[1][2:] == ["0.900 (0.000)"] * 3 + ["8"]
    assert has_tissues(two_runs)
    assert not has_tissues([a_run_of("g", G1, subjects=[evaluation_of("S0", 1.0, tissues=False)])])


def test_each_subject_has_a_row_with_its_range(two_runs):
    found = rows(subjects_table(two_runs))
    assert found[1] == ["S0", "Guys", "8.00", "1.650", "27.00", "1.600", "28.00"]
    assert len(found) == 1 + len(G1)


def test_a_row_with_too_few_cells_goes_across_the_rest():
    html = table(("a", "b", "c"), [["x", "y"], "heading", ["1", "2", "3"]])
    assert '<td colspan="2">y</td>' in html and 'colspan="3">heading' in html
    assert "<td>2</td><td>3</td>" in html


def test_names_of_runs_cannot_become_markup_in_results():
    runs = [a_run_of("<i>", G1), a_run_of("g2", G2)]
    for html in (results_table(runs), figures_table(runs), comparisons_table(runs), subjects_table(runs)):
        assert "&lt;i&gt;" in html
        assert "<i><" not in html and ">  <i>" not in html
