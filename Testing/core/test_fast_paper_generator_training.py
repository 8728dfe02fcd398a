"""The fast way through the paper's generator trains it as its layers would."""

import copy

import pytest
import torch
from paper_generator_examples import TOLERANCE, a_generator, a_source, layer_by_layer, relative_error


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("shape", [(2, 2, 2, 2), (2, 6, 4, 2)])
def test_gradients_and_batch_statistics_are_those_of_the_layers(residual, shape):
    generator = a_generator(residual, dtype=torch.float64).train()
    reference, source = copy.deepcopy(generator), a_source(shape, torch.float64)
    sources = [source.clone().requires_grad_() for _ in range(2)]
    answer, expected = generator(sources[0]), layer_by_layer(reference, sources[1])
    torch.testing.assert_close(answer, expected)
    weights = torch.linspace(-1, 2, answer.numel(), dtype=torch.float64).view(answer.shape)
    for result in (answer, expected):
        (weights * result).sum().backward()
    torch.testing.assert_close(sources[0].grad, sources[1].grad)
    for found, wanted in zip(generator.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(found.grad, wanted.grad)
    for found, wanted in zip(generator.buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_gradients_are_those_of_finite_differences(training, residual):
    generator = a_generator(residual, dtype=torch.float64).train(training)
    generator.requires_grad_(False)
    last = generator.layers[-1].convolution.weight.requires_grad_()
    source = a_source((2, 2, 2, 2), torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda source, _: generator(source), (source, last), fast_mode=True)


def test_a_step_of_training_in_single_precision_goes_where_the_layers_go():
    generator = a_generator().train()
    reference, source = copy.deepcopy(generator), a_source((2, 8, 8, 8))
    generator(source).square().mean().backward()
    layer_by_layer(reference, source).square().mean().backward()
    for found, wanted in zip(generator.parameters(), reference.parameters(), strict=True):
        assert relative_error(found.grad, wanted.grad) < 1e-4


@pytest.mark.parametrize("training", [False, True])
def test_one_layer_may_be_in_another_mode_than_the_generator(training):
    generator, source = a_generator().train(training), a_source((1, 4, 4, 4))
    generator.layers[2].normalization.train(not training)
    reference = copy.deepcopy(generator).requires_grad_(False)
    with torch.no_grad():
        assert relative_error(generator(source), layer_by_layer(reference, source)) < TOLERANCE
