"""The generator is the one of the report, number by number, and does what its table says."""

import numpy as np
import pytest
import torch
from torch import nn

from mrsynth.networks.paper_generator import PaperGenerator
from mrsynth.networks.parameter_count import count_parameters

# The report's table, written out once more: kernel, filters, dilation, weights.
TABLE = [
    (9, 32, 1, 23_328),
    (3, 32, 2, 27_648),
    (3, 32, 2, 27_648),
    (3, 64, 2, 55_296),
    (9, 64, 2, 2_985_984),
    (3, 64, 2, 110_592),
    (3, 32, 2, 55_296),
    (7, 32, 2, 351_232),
    (3, 1, 1, 864),
]


@pytest.fixture(scope="module")
def a_generator() -> PaperGenerator:
    torch.manual_seed(0)
    return PaperGenerator().eval()


def convolution_along_a_line(line: np.ndarray, taps: np.ndarray, dilation: int) -> np.ndarray:
    """Correlate (channels in, length) with (channels out, channels in, taps), with zeros beyond both ends."""
    length, kernel = line.shape[1], taps.shape[2]
    answer = np.zeros((taps.shape[0], length))
    for tap in range(kernel):
        shift = dilation * (tap - kernel // 2)
        for place in range(max(0, -shift), min(length, length - shift)):
            answer[:, place] += taps[:, :, tap] @ line[:, place + shift]
    return answer


def test_the_totals_are_those_that_keras_printed(a_generator):
    count = count_parameters(a_generator)
    assert (count.total, count.trainable, count.not_trainable) == (3_639_296, 3_638_592, 704)


def test_each_layer_has_the_weights_of_the_table(a_generator):
    assert [layer.convolution.weight.numel() for layer in a_generator.layers] == [row[3] for row in TABLE]


def test_batch_normalisation_has_four_numbers_a_channel_and_the_last_layer_has_none(a_generator):
    counts = [count_parameters(layer.normalization).total for layer in a_generator.layers[:-1]]
    assert counts == [4 * filters for _, filters, _, _ in TABLE[:-1]]
    assert sum(counts) == 1_408
    assert [type(module) for module in a_generator.layers[-1]] == [nn.Conv3d]


def test_other_numbers_of_filters_leave_the_rest_of_the_table():
    filters = (2, 3, 4, 5, 6, 7, 8, 9)
    generator = PaperGenerator(filters=filters)
    found = [tuple(layer.convolution.weight.shape[:3]) for layer in generator.layers]
    kernels = [kernel for kernel, *_ in TABLE]
    assert found == list(zip((*filters, 1), (1, *filters), kernels, strict=True))
    assert [layer.convolution.dilation[0] for layer in generator.layers] == [dilation for _, _, dilation, _ in TABLE]
    with torch.inference_mode():
        assert generator.eval()(torch.randn(1, 1, 8, 8, 8)).shape == (1, 1, 8, 8, 8)


@pytest.mark.parametrize("filters", [(4,) * 7, (4,) * 9, (4,) * 7 + (0,), (4,) * 7 + (2.5,)])
def test_numbers_of_filters_that_do_not_suit_the_table_are_refused(filters):
    with pytest.raises(ValueError, match="expected 8 numbers of filters of at least 1"):
        PaperGenerator(filters=filters)


def test_no_convolution_has_a_bias(a_generator):
    assert all(layer.convolution.bias is None for layer in a_generator.layers)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("number", range(1, 10))
def test_each_convolution_has_the_dilation_of_the_table_and_sees_zeros_beyond_the_edge(a_generator, number, axis):
    _, _, dilation, _ = TABLE[number - 1]
    convolution = a_generator.layers[number - 1].convolution
    line = np.random.default_rng(number).normal(size=(convolution.in_channels, 21))
    shape = [1, convolution.in_channels, 1, 1, 1]
    shape[2 + axis] = 21
    with torch.no_grad():
        answer = convolution(torch.tensor(line, dtype=torch.float32).reshape(shape))
    middle = convolution.kernel_size[0] // 2
    others = [2 + other for other in range(3) if other != axis]
    taps = convolution.weight.detach().numpy().take(middle, others[1]).take(middle, others[0])
    np.testing.assert_allclose(
        answer.numpy().reshape(-1, 21), convolution_along_a_line(line, taps, dilation), atol=1e-4
    )


def test_the_receptive_field_is_59_voxels(a_generator):
    lines = torch.randn(1, 1, 101, 1, 1).repeat(2, 1, 1, 1, 1)
    lines[1, 0, 50] += 100
    with torch.no_grad():
        one, other = a_generator(lines)
    changed = torch.nonzero((one - other).flatten()).flatten()
    assert (changed.min().item(), changed.max().item()) == (50 - 29, 50 + 29)


@pytest.mark.parametrize("shape", [(1, 1, 32, 32, 32), (7, 1, 32, 32, 32), (2, 1, 5, 6, 1)])
def test_the_output_has_the_shape_of_the_input(shape):
    generator = PaperGenerator().to("meta")
    assert generator(torch.empty(shape, device="meta")).shape == shape


def test_the_residual_variant_adds_its_input_and_has_the_same_parameters(a_generator):
    residual = PaperGenerator(residual=True).eval()
    residual.load_state_dict(a_generator.state_dict())
    source = torch.randn(1, 1, 4, 3, 5)
    with torch.no_grad():
        torch.testing.assert_close(residual(source), source + a_generator(source))
    assert count_parameters(residual) == count_parameters(a_generator)


def test_batch_normalisation_moves_and_divides_as_in_keras(a_generator):
    normalization = PaperGenerator().layers[0].normalization
    normalization(torch.full((1, 32, 2, 2, 2), 5.0))
    torch.testing.assert_close(normalization.running_mean, torch.full((32,), 0.05))  # 0.99 * 0 + 0.01 * 5
    normalization.eval().running_mean.zero_()
    normalization.running_var.zero_()
    answer = normalization(torch.ones(1, 32, 1, 1, 1))
    torch.testing.assert_close(answer.flatten(), torch.full((32,), 1e-3**-0.5))


def test_every_hidden_layer_keeps_three_tenths_of_negative_numbers(a_generator):
    slopes = [layer.activation(torch.tensor(-1.0)).item() for layer in a_generator.layers[:-1]]
    assert slopes == pytest.approx([-0.3] * 8)
