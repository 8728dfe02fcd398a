"""Taking volumes out of a real MRML scene and measuring them away from it."""

import threading

import numpy as np
import pytest
from compared_nodes import addSynthetic, addVolume, headVoxels
from volume_nodes import slicer

from mrsynth.comparison import compare_volumes
from mrsynth.errors import InputError
from MRSynthesisLib.ComparisonMeasurement import measureCompared, measureDifferences, takeCompared
from MRSynthesisLib.SyntheticNode import sourceOf


def test_without_a_reference_there_is_nothing_to_measure(a_synthetic):
    with pytest.raises(InputError, match="choose an acquired volume") as refused:
        takeCompared(a_synthetic, None)
    assert refused.value.code == "no_reference"


def test_a_synthetic_volume_is_no_reference_for_itself(a_synthetic):
    with pytest.raises(InputError, match="itself"):
        takeCompared(a_synthetic, a_synthetic)


def test_a_volume_that_cannot_be_compared_is_named(a_synthetic, a_reference):
    voxels = headVoxels(3)
    voxels[1, 2, 3] = np.nan
    slicer.util.updateVolumeFromArray(a_reference, voxels)
    compared = takeCompared(a_synthetic, a_reference)  # where nobody looks at voxels, which takes time
    with pytest.raises(InputError, match="PD: expected finite voxels") as refused:
        measureCompared(compared)
    assert refused.value.code == "not_finite"


def test_volumes_apart_from_each_other_are_refused(a_synthetic, a_reference):
    a_reference.SetOrigin(900, 0, 0)
    with pytest.raises(InputError) as refused:
        measureCompared(takeCompared(a_synthetic, a_reference))
    assert refused.value.code == "no_overlap"


def test_volumes_of_one_contrast_need_no_warning(a_synthetic, a_reference):
    assert takeCompared(a_synthetic, a_reference).warnings == ()


def test_a_reference_of_another_contrast_is_warned_of(a_synthetic, a_reference):
    a_reference.SetName("patient t2w")
    (warning,) = takeCompared(a_synthetic, a_reference).warnings
    assert "patient t2w is PD-weighted" in warning and "T2, by its name" in warning


def test_a_reference_that_is_the_source_is_warned_of(a_synthetic):
    (warning,) = takeCompared(a_synthetic, sourceOf(a_synthetic)).warnings
    assert "was made from" in warning


def test_a_reference_that_is_synthetic_is_warned_of(a_synthetic):
    other = addSynthetic(sourceOf(a_synthetic), headVoxels(4), "another")
    (warning,) = takeCompared(a_synthetic, other).warnings
    assert "another is itself synthetic" in warning


def test_measuring_gives_the_cores_figures_and_differences(a_synthetic, a_reference):
    compared = takeCompared(a_synthetic, a_reference)
    measured = measureCompared(compared)
    volumes = compared.synthetic, compared.reference, compared.source
    assert measured.comparison == compare_volumes(*volumes)
    assert {row.image for row in measured.comparison.rows} == {"synthetic", "linear", "intensity map"}
    alone = measureDifferences(compared)
    for one, other in ((measured.differences, alone),):
        np.testing.assert_array_equal(one.difference.voxels, other.difference.voxels)
        np.testing.assert_array_equal(one.gradientDifference.voxels, other.gradientDifference.voxels)
    assert measured.differences.difference.voxels.flags.c_contiguous
    assert measured.differences.difference.shownRange[0] == -measured.differences.difference.shownRange[1]
    assert [each.index for each in measured.slices.slices]


def test_without_a_source_there_are_no_baselines(a_scene, a_synthetic, a_reference):
    a_scene.RemoveNode(sourceOf(a_synthetic))
    measured = measureCompared(takeCompared(a_synthetic, a_reference))
    assert {row.image for row in measured.comparison.rows} == {"synthetic"}


def test_a_source_that_is_named_takes_the_place_of_the_recorded_one(a_synthetic, a_reference):
    other = addVolume(headVoxels(7), "T2 again")
    taken = takeCompared(a_synthetic, a_reference, other)
    np.testing.assert_array_equal(taken.source.voxels, headVoxels(7).transpose())


def test_measuring_on_a_thread_is_not_disturbed_by_changes_in_the_scene(a_scene, a_synthetic, a_reference):
    compared = takeCompared(a_synthetic, a_reference)
    expected, found = measureCompared(compared), []
    thread = threading.Thread(target=lambda: found.append(measureCompared(compared)))
    slicer.util.updateVolumeFromArray(a_synthetic, headVoxels(8))
    a_scene.RemoveNode(a_reference)
    thread.start()
    thread.join()
    assert found[0].comparison == expected.comparison
    np.testing.assert_array_equal(found[0].differences.difference.voxels, expected.differences.difference.voxels)


def test_warnings_of_volumes_and_of_figures_come_together(a_synthetic, a_reference):
    a_reference.SetName("t2")
    a_reference.SetOrigin(a_reference.GetOrigin()[0] + 6, *a_reference.GetOrigin()[1:])
    warnings = measureCompared(takeCompared(a_synthetic, a_reference)).warnings
    assert "PD-weighted" in warnings[0] and "% of the synthetic volume" in warnings[1]
