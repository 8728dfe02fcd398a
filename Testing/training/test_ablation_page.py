"""The page of the ablations says what their records say."""

import json
import re
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
IXI, LESIONS, REAL = "simulated, IXI", "error in lesions", "real IXI040"


@pytest.fixture(autouse=True)
def the_benchmarks_folder(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)


@pytest.fixture
def the_records():
    """Those of the repository."""
    return json.loads((BENCHMARKS / "ablations.json").read_text(encoding="utf-8"))


def records_of(values, figure=IXI):
    """Records of one direction from the two seeds' values of each variant."""
    return [
        {"variant": name, "direction": "t2-to-pd", "seed": seed, "figures": {figure: value}}
        for name, seeds in values.items()
        for seed, value in enumerate(seeds)
    ]


def test_a_difference_is_clear_where_seeds_do_not_explain_it():
    from ablation_records import Ablation

    values = {"as shipped": (20.0, 20.2), "told neither TE nor TR": (20.1, 20.3), "absolute error alone": (19.0, 19.4)}
    ablation = Ablation.of(reversed(records_of(values)), "t2-to-pd")
    assert list(ablation.figures) == list(values)
    assert ablation.spread(IXI) == pytest.approx(((0.02 + 0.02 + 0.08) / 3) ** 0.5)
    assert ablation.difference("absolute error alone", IXI) == pytest.approx(-0.9)
    assert ablation.difference("absolute error alone", IXI, "told neither TE nor TR") == pytest.approx(-1.0)
    assert ablation.is_clear("absolute error alone", IXI) and not ablation.is_clear("told neither TE nor TR", IXI)
    assert ablation.difference("absolute error alone", REAL) is None and not ablation.is_clear("as shipped", REAL)


def test_the_direction_is_kept_apart():
    from ablation_records import Ablation

    assert Ablation.of(records_of({"as shipped": (1.0, 2.0)}), "pd-to-t2").figures == {}


def test_cells_give_mean_spread_and_difference_bold_where_it_is_clear(the_records):
    from ablation_page import COLUMNS, direction_table
    from ablation_records import Ablation

    changes = {"as shipped": (20.0, 20.2), "no emphasis on lesions": (18.0, 18.2), "absolute error alone": (20.1, 20.3)}
    for record in the_records:
        seeds = changes.get(record["variant"], (20.0, 20.2))
        record["figures"] = {IXI: seeds[record["seed"]], LESIONS: 0.1 + seeds[record["seed"]] / 1000}
    table = direction_table("T2 to PD", Ablation.of(the_records, "t2-to-pd"))
    rows = {row[0]: dict(zip(("", *COLUMNS), row, strict=True)) for row in table.rows}
    assert rows["as shipped"][IXI] == "20.10 ± 0.10"
    assert rows["no emphasis on lesions"][IXI] == "18.10 ± 0.10 (**-2.00**)"
    assert rows["absolute error alone"][IXI] == "20.20 ± 0.10 (+0.10)"
    assert rows["no emphasis on lesions"][LESIONS] == "0.118 ± 0.000 (**-0.002**)"
    assert rows["as shipped"][REAL] == rows["target at its own TE, less told neither"][REAL] == "not measured"
    assert rows["spread between seeds"][IXI] == "0.14" and rows["spread between seeds"][REAL] == "not measured"


def test_files_are_merged_into_the_records_the_later_one_counting(tmp_path, the_records):
    from ablation_page import main
    from ablation_records import read_records, write_records

    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_text(json.dumps(the_records[::-1]))
    assert main([str(first), "--folder", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "ablations.json").read_text()) == the_records
    assert (tmp_path / "ABLATIONS.md").read_text(encoding="utf-8") == page()
    changed = the_records[0] | {"figures": the_records[0]["figures"] | {REAL: 77.5}}
    write_records(second, [changed])
    main([str(second), "--folder", str(tmp_path)])
    assert read_records([tmp_path / "ablations.json"]) == [changed, *the_records[1:]]
    assert (tmp_path / "ABLATIONS.md").read_text(encoding="utf-8") != page()


def page():
    return (BENCHMARKS / "ABLATIONS.md").read_text(encoding="utf-8")


def test_every_variant_was_trained_in_both_directions_with_both_seeds_and_has_a_finding(the_records):
    from ablation_findings import FINDINGS
    from ablation_records import key_of
    from ablation_variants import DIRECTIONS, SEEDS, SHIPPED, VARIANTS

    assert {key_of(each) for each in the_records} == {(v, d, s) for v in VARIANTS for d in DIRECTIONS for s in SEEDS}
    assert [SHIPPED, *FINDINGS] == list(VARIANTS)


def test_every_signed_figure_in_words_stands_in_a_table():
    from ablation_findings import FINDINGS

    tables = "\n".join(line for line in page().splitlines() if line.startswith("|"))
    named = [figure for found in FINDINGS.values() for figure in re.findall(r"[+-]\d+\.\d+", found.why)]
    assert len(named) > 5 and [figure for figure in named if figure not in tables] == []
