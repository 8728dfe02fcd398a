"""The discriminator is the one that the report prints, number by number."""

import pytest
import torch

from mrsynth.networks.discriminator import Discriminator
from mrsynth.networks.parameter_count import count_parameters


@pytest.fixture(scope="module")
def a_discriminator() -> Discriminator:
    torch.manual_seed(0)
    return Discriminator().eval()


@pytest.fixture(scope="module")
def a_pair() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(1, 1, 32, 32, 32), torch.randn(1, 1, 32, 32, 32)


def test_the_total_is_the_one_that_keras_printed(a_discriminator):
    assert count_parameters(a_discriminator).total == 2_280_225


def test_each_stage_has_the_weights_of_the_report(a_discriminator):
    convolutions = [count_parameters(stage.convolution).total for stage in a_discriminator.stages]
    normalizations = [count_parameters(stage.normalization).total for stage in a_discriminator.stages]
    assert convolutions == [1_760, 55_360, 221_312, 884_992]
    assert normalizations == [128, 256, 512, 1_024]


def test_each_dense_layer_has_the_weights_of_the_report(a_discriminator):
    counts = [count_parameters(layer).total for layer in a_discriminator.dense]
    assert [count for count in counts if count] == [1_049_088, 65_664, 129]


def test_four_stages_bring_a_patch_of_32_voxels_to_two():
    stages = Discriminator().to("meta").stages
    hidden = torch.empty(3, 2, 32, 32, 32, device="meta")
    shapes = [tuple((hidden := stage(hidden)).shape[1:]) for stage in stages]
    assert shapes == [(32, 16, 16, 16), (64, 8, 8, 8), (128, 4, 4, 4), (256, 2, 2, 2)]


def test_a_convolution_sees_zeros_beyond_the_edge(a_discriminator):
    convolution = a_discriminator.stages[0].convolution
    answer = convolution(torch.ones(1, 2, 3, 3, 3))
    expected = convolution.weight[:, :, 1:, 1:, 1:].sum((1, 2, 3, 4)) + convolution.bias
    torch.testing.assert_close(answer[0, :, 0, 0, 0], expected)


def test_there_is_one_probability_a_pair(a_discriminator, a_pair):
    with torch.no_grad():
        probability = a_discriminator(*a_pair)
        torch.testing.assert_close(probability, torch.sigmoid(a_discriminator.logits(*a_pair)))
    assert probability.shape == (1, 1)
    assert 0 < probability.item() < 1


def test_it_matters_which_patch_is_the_source(a_discriminator, a_pair):
    with torch.no_grad():
        assert a_discriminator(*a_pair).item() != a_discriminator(*reversed(a_pair)).item()


@pytest.mark.parametrize("source, target, name", [(16, 32, "source"), (32, 16, "target")])
def test_a_patch_of_another_size_is_refused_with_both_shapes_named(a_discriminator, source, target, name):
    patches = [torch.zeros(1, 1, size, size, size) for size in (source, target)]
    with pytest.raises(ValueError, match=rf"expected {name} patches of shape .*32, 32, 32.*found \(1, 1, 16, 16, 16\)"):
        a_discriminator(*patches)


def test_all_hidden_activations_keep_three_tenths_of_negative_numbers(a_discriminator):
    activations = [stage.activation for stage in a_discriminator.stages] + [
        layer for layer in a_discriminator.dense if not hasattr(layer, "weight")
    ]
    assert [activation(torch.tensor(-1.0)).item() for activation in activations] == pytest.approx([-0.3] * 6)


def test_another_size_is_as_asked_for():
    small = Discriminator((8, 16, 4), stage_filters=(2, 3), dense_units=(5,)).eval()
    assert [tuple(layer.weight.shape) for layer in small.dense if hasattr(layer, "weight")] == [(5, 3 * 8), (1, 5)]
    assert small(*torch.randn(2, 3, 1, 8, 16, 4)).shape == (3, 1)
    with pytest.raises(ValueError, match=r"shape \(N, 1, 8, 16, 4\), found \(3, 1, 8, 8, 8\)"):
        small(*torch.randn(2, 3, 1, 8, 8, 8))


@pytest.mark.parametrize("patch, filters", [((32, 32), ()), ((32, 32, 24), ()), ((2, 2, 2), (4, 4)), ((8, 8, 0), (4,))])
def test_a_patch_that_cannot_be_halved_so_often_is_refused(patch, filters):
    with pytest.raises(ValueError, match="expected a patch in multiples of|at least 1"):
        Discriminator(patch, filters)


def test_sizes_below_one_are_refused():
    with pytest.raises(ValueError, match="whole numbers of at least 1"):
        Discriminator(stage_filters=(32, 0))
