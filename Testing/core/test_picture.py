import numpy as np
import pytest

from mrsynth.errors import InputError, OutputError
from mrsynth.picture import write_comparison_picture
from mrsynth.picture_layout import SYNTHETIC_LABEL, Column, Row, draw_figure
from mrsynth.planes import Plane
from mrsynth.volume import Volume


@pytest.fixture
def a_head():
    grid = np.indices((24, 28, 6)) - np.array([12, 14, 3]).reshape(3, 1, 1, 1)
    inside = (grid[0] / 9) ** 2 + (grid[1] / 11) ** 2 + (grid[2] / 2.6) ** 2 < 1
    return Volume(inside * (100 + 5 * np.sin(grid[0])), np.diag([-8.0, 8, 30, 1]))


@pytest.fixture
def a_synthetic(a_head):
    return a_head.with_voxels(a_head.voxels + np.random.default_rng(11).random(a_head.shape))


def texts(figure):
    return [text.get_text() for text in figure.texts] + [t.get_text() for axes in figure.axes for t in axes.texts]


@pytest.fixture
def drawn(monkeypatch):
    """What a picture would have been drawn from: each call's columns and rows."""
    calls = []
    monkeypatch.setattr("mrsynth.picture.draw_figure", lambda columns, rows: calls.append((columns, rows)))
    monkeypatch.setattr("mrsynth.picture._save", lambda figure, path: None)
    return calls


def test_the_picture_has_a_column_for_everything_there_is(drawn, a_head, a_synthetic):
    for source, reference in [(None, None), (a_head, None), (None, a_head), (a_head, a_head)]:
        write_comparison_picture("picture.png", source, a_synthetic, reference)
    compared = ["Synthetic", "Reference", "Difference", "Gradient difference"]
    expected = [["Synthetic"], ["Source", "Synthetic"], compared, ["Source", *compared]]
    assert [[column.title for column in columns] for columns, _ in drawn] == expected


def test_a_single_slice_has_one_row(drawn, a_head, a_synthetic):
    slices = [Volume(v.voxels[:, :, 3:4], v.affine) for v in (a_synthetic, a_head)]
    for volumes in ([a_synthetic, a_head], slices):
        write_comparison_picture("picture.png", None, *volumes)
    assert [[row.plane.name for row in rows] for _, rows in drawn] == [["axial", "coronal", "sagittal"], ["axial"]]


def test_planes_run_through_the_centre_of_the_head_and_are_cut_to_it(drawn, a_synthetic, a_head):
    write_comparison_picture("picture.png", None, a_synthetic, a_head)
    _, (axial, *_) = drawn[0]
    # The head's voxels span 4..20 and 4..24 in plane; the first axis is flipped, and 6 mm is one voxel of 8 mm.
    assert axial.index == 3 and axial.box[:2] == (slice(2, 21), slice(3, 26))


def test_identical_volumes_make_a_picture(tmp_path, a_head):
    write_comparison_picture(tmp_path / "same.png", a_head, a_head, a_head)
    assert [path.name for path in tmp_path.iterdir()] == ["same.png"], "whole, and nothing beside it"


def test_a_volume_without_a_head_makes_a_picture(tmp_path, a_head):
    write_comparison_picture(tmp_path / "air.png", None, a_head.with_voxels(np.zeros(a_head.shape)), None)
    assert (tmp_path / "air.png").stat().st_size > 0


def test_a_reference_on_another_grid_makes_a_picture(tmp_path, a_head, a_synthetic):
    moved = a_head.affine.copy()
    moved[:3, 3] += 3
    write_comparison_picture(tmp_path / "moved.png", None, a_synthetic, Volume(a_head.voxels, moved))
    assert (tmp_path / "moved.png").stat().st_size > 0


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".PNG"])
def test_a_picture_has_the_format_of_its_name(tmp_path, a_synthetic, suffix):
    write_comparison_picture(tmp_path / f"picture{suffix}", None, a_synthetic, None)
    start = (tmp_path / f"picture{suffix}").read_bytes()[:5]
    assert start == {".svg": b"<?xml", ".pdf": b"%PDF-", ".PNG": b"\x89PNG\r"}[suffix]


def test_a_name_that_is_no_picture_is_refused(tmp_path, a_synthetic):
    with pytest.raises(InputError, match="picture.txt: expected a picture") as refusal:
        write_comparison_picture(tmp_path / "picture.txt", None, a_synthetic, None)
    assert refusal.value.code == "unsupported_format" and not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_reported(tmp_path, a_synthetic):
    with pytest.raises(OutputError, match=r"picture\.png"):
        write_comparison_picture(tmp_path / "nowhere" / "picture.png", None, a_synthetic, None)


AXIAL, CORONAL, SAGITTAL = Plane("axial", 2), Plane("coronal", 1), Plane("sagittal", 0)


def a_row(plane=AXIAL):
    return Row(plane, 0, (slice(0, 10), slice(0, 8), slice(0, 3)), "S 0 mm", (1.0, 2.0, 5.0))


def a_column(**changes):
    return Column(**{"title": "T", "subtitle": "", "voxels": np.zeros((12, 8, 4)), "window": (0.0, 1.0)} | changes)


def test_a_plane_is_as_large_as_it_is_in_the_patient():
    assert a_row().size_mm((12, 8, 4)) == (10, 16)
    assert a_row(SAGITTAL).size_mm((12, 8, 4)) == (16, 15)


def test_an_image_has_the_proportions_of_the_patient():
    figure = draw_figure([a_column()], [a_row(), a_row(CORONAL)])
    width, height = figure.get_size_inches()
    boxes = [axes.get_position() for axes in figure.axes[:2]]
    assert [box.height * height / (box.width * width) for box in boxes] == pytest.approx([16 / 10, 15 / 10])
    assert boxes[0].width == pytest.approx(boxes[1].width), "both show the same extent, at the same scale"


def test_every_synthetic_image_says_so_and_no_other_does():
    figure = draw_figure([a_column(synthetic=True), a_column()], [a_row(), a_row(CORONAL)])
    assert [text.replace("\n", " - ") for text in texts(figure)].count(SYNTHETIC_LABEL) == 2
    assert {"R", "L", "A", "P", "S", "I", "5 cm"} <= set(texts(figure))


def test_synthetic_and_reference_share_a_window_and_the_difference_is_symmetric(drawn, a_head, a_synthetic):
    write_comparison_picture("picture.png", a_head, a_synthetic, a_head)
    columns, _ = drawn[0]
    _, synthetic, reference, difference, gradient = columns
    assert synthetic.window == reference.window and difference.window[0] == -difference.window[1]
    assert gradient.window[0] == 0 and [column.synthetic for column in columns] == [False, True, False, False, False]


def test_nothing_different_is_black():
    figure = draw_figure([a_column(colours="difference", window=(-1.0, 1.0))], [a_row()])
    (image,) = figure.axes[0].images
    assert image.cmap(0.5)[:3] == pytest.approx((0, 0, 0), abs=0.02)


def test_a_window_upside_down_is_refused():
    with pytest.raises(ValueError, match="lower value first"):
        a_column(window=(1.0, 1.0))


def test_unknown_colours_are_refused():
    with pytest.raises(ValueError, match="found 'jet'"):
        a_column(colours="jet")
