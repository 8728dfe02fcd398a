"""The way of graphics cards through the paper's generator, on the CPU, gives what its layers give."""

import copy

import pytest
import torch
from paper_generator_examples import TOLERANCE, a_generator, a_source, layer_by_layer, relative_error

from mrsynth.networks import sublattice_layers as module
from mrsynth.networks.paper_generator import PaperGenerator
from mrsynth.networks.sublattice_layers import _apart, _together, is_split, through_sublattices

SHAPES = [(1, 2, 2, 2), (2, 4, 2, 6), (1, 8, 6, 4)]
SMALL = (4, 3, 4, 5, 4, 3, 4, 2)


@pytest.fixture
def cards_are_here(monkeypatch):
    """Let the CPU be taken for a graphics card."""
    monkeypatch.setattr(module, "DEVICES", ("cpu",))
    monkeypatch.setattr("mrsynth.networks.paper_generator.is_fast", lambda layers, source: False)


def test_sublattices_as_channels_are_those_in_the_batch_with_channels_last_in_memory():
    apart = torch.randn(16, 3, 2, 4, 6)
    together = _together(apart)
    assert torch.equal(together[1, 3 * 5 : 3 * 6], apart[8 + 5])
    assert torch.equal(_apart(together), apart)
    for volumes in (together, _apart(together)):
        assert volumes.is_contiguous(memory_format=torch.channels_last_3d)


def test_large_kernels_are_taken_to_frequencies_where_volumes_are_small(monkeypatch):
    seen, at_frequencies = [], module._at_frequencies

    def looking(hidden, weight, shift):
        seen.append(weight.shape[2])
        return at_frequencies(hidden, weight, shift)

    monkeypatch.setattr(module, "_at_frequencies", looking)
    generator, source = a_generator(), a_source((1, 4, 2, 2))
    with torch.inference_mode():
        found = through_sublattices(generator.layers, source)
        assert seen == [9, 7]
        monkeypatch.setattr(module, "LARGEST_SUBLATTICE", 1)
        assert relative_error(through_sublattices(generator.layers, source), found) < TOLERANCE
    assert seen == [9, 7]


def test_frequencies_are_in_single_precision_and_only_their_answer_is_rounded():
    weight = a_generator().layers[4].convolution.weight
    hidden = torch.randn(8, 64, 2, 2, 2)
    with torch.inference_mode():
        expected = module._at_frequencies(hidden, weight, None)
        with torch.autocast("cpu", torch.bfloat16):
            found = module._at_frequencies(hidden, weight, None)
            of_half = module._at_frequencies(hidden.bfloat16(), weight, None)
    assert expected.dtype == torch.float32 and found.dtype == of_half.dtype == torch.bfloat16
    assert torch.equal(found, expected.bfloat16())
    assert not torch.equal(of_half, found) and relative_error(of_half.float(), expected) < 0.02
    for answer in (expected, found):
        assert answer.is_contiguous(memory_format=torch.channels_last_3d)


def test_no_convolution_is_dilated_or_has_a_single_channel(monkeypatch):
    seen, convolve = [], module.F.conv3d

    def looking(volumes, weight, *arguments, **options):
        seen.append((*weight.shape[:2], weight.shape[2], options.get("dilation", 1)))
        return convolve(volumes, weight, *arguments, **options)

    monkeypatch.setattr(module.F, "conv3d", looking)
    with torch.inference_mode():
        through_sublattices(a_generator().layers, a_source((1, 2, 2, 2)))
    assert seen[0] == (256, 8, 5, 1) and seen[-1] == (8, 256, 3, 1)
    assert {dilation for *_, dilation in seen} == {1}


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_evaluation_gives_what_the_layers_give(trained, shape):
    generator, source = a_generator(trained=trained), a_source(shape)
    with torch.inference_mode():
        found = through_sublattices(generator.layers, source)
        assert relative_error(found, layer_by_layer(generator, source)) < TOLERANCE


@pytest.mark.parametrize("training", [False, True])
def test_gradients_and_statistics_are_those_of_the_layers(training):
    torch.manual_seed(0)
    generator = PaperGenerator(filters=SMALL).double().train(training)
    reference, source = copy.deepcopy(generator), a_source((2, 4, 6, 2), torch.float64)
    found, expected = through_sublattices(generator.layers, source), reference.layer_by_layer(source)
    torch.testing.assert_close(found, expected)
    for answer in (found, expected):
        answer.square().sum().backward()
    for mine, theirs in zip(generator.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)
    for mine, theirs in zip(generator.buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("residual", [False, True])
def test_a_generator_on_a_card_takes_this_way(cards_are_here, residual, monkeypatch):
    generator, source = a_generator(residual), a_source((1, 4, 4, 4))
    with torch.inference_mode():
        expected = layer_by_layer(generator, source)
        monkeypatch.setattr(PaperGenerator, "layer_by_layer", None)
        assert relative_error(generator(source), expected) < TOLERANCE


def test_odd_sides_go_through_the_layers(cards_are_here):
    generator, source = a_generator(), a_source((1, 3, 4, 4))
    with torch.inference_mode():
        assert torch.equal(generator(source), layer_by_layer(generator, source))


def test_half_precision_with_sums_in_float32_stays_close(cards_are_here):
    generator, source = a_generator(), a_source((1, 8, 8, 8))
    with torch.inference_mode():
        exact = generator(source)
        with torch.autocast("cpu", torch.bfloat16):
            found = generator(source).float()
    error = (found - exact).square().mean().sqrt() / exact.std()
    assert 0 < error < 0.02


def test_only_cards_are_given_sublattices(monkeypatch):
    source = a_source((1, 4, 4, 4))
    assert not is_split(source)
    monkeypatch.setattr(module, "DEVICES", ("cpu",))
    assert is_split(source)
    assert not is_split(source[0])
    assert not is_split(source.expand(-1, 2, -1, -1, -1))
    assert not is_split(source[:0])
    for graph in ((torch.compiler, "is_compiling"), (torch.jit, "is_tracing")):
        with monkeypatch.context() as patch:
            patch.setattr(*graph, lambda: True)
            assert not is_split(source)
