"""Text that fits its view."""

import pytest

from MRSynthesisLib.ViewText import Place, ViewText, folded


@pytest.mark.parametrize(
    "text, letters, lines",
    (
        ("SYNTHETIC PD - not acquired", 40, "SYNTHETIC PD - not acquired"),
        ("SYNTHETIC PD - not acquired", 20, "SYNTHETIC PD\nnot acquired"),
        ("SYNTHETIC PD - not acquired", 10, "SYNTHETIC\nPD\nnot\nacquired"),
        ("Gradient difference", 12, "Gradient\ndifference"),
        ("one two three four", 9, "one two\nthree\nfour"),
        ("unbreakable", 4, "unbreakable"),
        ("", 4, ""),
    ),
)
def test_a_long_text_is_parted_at_its_dash_and_then_between_words(text, letters, lines):
    assert folded(text, letters) == lines


def test_no_word_is_lost_whatever_the_width():
    text = "Difference: synthetic \N{MINUS SIGN} reference of a long name"
    for letters in range(1, 60):
        assert folded(text, letters).split() == text.split()


@pytest.mark.parametrize("place", [place for place in Place if place is not Place.CENTRE])
def test_a_text_stands_where_it_is_told(a_layout_manager, place):
    view = a_layout_manager.sliceWidget("Yellow").sliceView()
    text = ViewText(view, (place,), (1, 1, 1))
    text.setText("text")
    rows, columns = view.pixels().max(axis=-1).nonzero()
    height, width, _rgb = view.pixels().shape
    text.remove()
    level = {Place.BOTTOM_RIGHT: 0.95, Place.LEFT: 0.5}.get(place, 0.05)
    assert rows.mean() / height == pytest.approx(level, abs=0.05)
    side = {Place.TOP_LEFT: 0.05, Place.LEFT: 0.05, Place.TOP: 0.5}.get(place, 0.95)
    assert columns.mean() / width == pytest.approx(side, abs=0.1)
    assert not view.pixels().any()


def test_a_text_that_is_alone_takes_the_whole_width(a_layout_manager):
    view = a_layout_manager.sliceWidget("Yellow").sliceView()
    text = ViewText(view, (Place.TOP_LEFT,), (1, 1, 1))

    def height():
        rows, _columns = view.pixels().max(axis=-1).nonzero()
        return rows.max() - rows.min()

    text.setText("Reference: DemoHead of somebody with a name")
    folded_ = height()
    text.setText(text.text, isAlone=True)
    assert height() < 0.7 * folded_
    view.cornerAnnotation().SetText(Place.TOP_RIGHT.value, "another's")
    assert height() == folded_
    view.cornerAnnotation().SetText(Place.TOP_RIGHT.value, "")
    text.remove()


def test_only_a_changed_text_asks_for_a_new_picture(a_layout_manager):
    view = a_layout_manager.sliceWidget("Yellow").sliceView()
    text = ViewText(view, (Place.TOP_LEFT,), (1, 1, 1))
    before = view.scheduledRenders
    text.setText("a")
    text.setText("a")
    assert view.scheduledRenders == before + 1
    text.remove()
    assert view.scheduledRenders == before + 2


def test_letters_grow_with_the_view_within_bounds(a_layout_manager):
    view = a_layout_manager.sliceWidget("Yellow").sliceView()
    text = ViewText(view, (Place.TOP_LEFT,), (1, 1, 1))
    text.setText("I")
    heights = []
    for size in ((160, 160), (700, 700), (1600, 1600), (2400, 2400)):
        a_layout_manager.resize(*size)
        rows, _columns = view.pixels().max(axis=-1).nonzero()
        heights.append(rows.max() - rows.min())
    text.remove()
    assert 7 <= heights[0] < heights[1] <= heights[2]
    assert heights[2] == heights[3]
