"""A convolution at frequencies is a convolution, and so are its gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from mrsynth.networks import frequency_convolution as module
from mrsynth.networks.frequency_convolution import frequency_convolution, kernel_spectrum
from mrsynth.networks.frequency_matrices import frequency_matrices, matrices_on

SIDES = st.integers(1, 7)


def plain_convolution(volumes: Tensor, kernel: Tensor) -> Tensor:
    """Do the same as `at_frequencies` with PyTorch."""
    return F.conv3d(volumes.permute(3, 4, 0, 1, 2), kernel, padding=kernel.shape[2] // 2).permute(2, 3, 4, 0, 1)


def at_frequencies(volumes: Tensor, kernel: Tensor) -> Tensor:
    matrices = frequency_matrices(tuple(volumes.shape[:3]), kernel.shape[2], volumes.dtype)
    return frequency_convolution(volumes, kernel_spectrum(kernel, matrices), matrices)


def a_case(sizes, taps, channels=(2, 3), dtype=torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    volumes = torch.randn(*sizes, 2, channels[0], generator=generator, dtype=dtype)
    return volumes, torch.randn(*channels[::-1], taps, taps, taps, generator=generator, dtype=dtype)


@settings(max_examples=40, deadline=None)
@given(sizes=st.tuples(SIDES, SIDES, SIDES), taps=st.sampled_from([1, 3, 5, 7, 9]))
def test_it_is_the_convolution_of_pytorch_for_any_size(sizes, taps):
    volumes, kernel = a_case(sizes, taps)
    torch.testing.assert_close(at_frequencies(volumes, kernel), plain_convolution(volumes, kernel))


@pytest.mark.parametrize("taps", [3, 9])
def test_single_precision_is_as_exact_as_that_of_pytorch(taps):
    volumes, kernel = a_case((16, 16, 16), taps, channels=(8, 8), dtype=torch.float32)
    exact = plain_convolution(volumes.double(), kernel.double())
    error = (at_frequencies(volumes, kernel) - exact).abs().max() / exact.abs().max()
    assert error < 3e-6


@settings(max_examples=20, deadline=None)
@given(sizes=st.tuples(SIDES, SIDES, SIDES), taps=st.sampled_from([1, 3, 5, 9]))
def test_its_gradients_are_those_of_pytorch(sizes, taps):
    volumes, kernel = (tensor.requires_grad_() for tensor in a_case(sizes, taps))
    answer, plain = at_frequencies(volumes, kernel), plain_convolution(volumes, kernel)
    direction = torch.randn(answer.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = torch.autograd.grad(answer, (volumes, kernel), direction)
    for gradient, expected in zip(found, torch.autograd.grad(plain, (volumes, kernel), direction), strict=True):
        torch.testing.assert_close(gradient, expected)


@settings(max_examples=20, deadline=None)
@given(sizes=st.tuples(SIDES, SIDES, SIDES), taps=st.sampled_from([1, 3, 5, 9]))
def test_all_planes_at_once_give_the_same_and_its_gradients(sizes, taps):
    volumes, kernel = (tensor.requires_grad_() for tensor in a_case(sizes, taps))
    direction, found = torch.randn(*sizes, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64), []
    for devices in ((), ("cpu",)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "ALL_PLANES_ON", devices)
            answer = at_frequencies(volumes, kernel)
            found.append((answer, *torch.autograd.grad(answer, (volumes, kernel), direction)))
            with torch.no_grad():
                torch.testing.assert_close(at_frequencies(volumes, kernel), answer)
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("frozen", [0, 1])
def test_all_planes_at_once_give_only_the_gradient_that_is_asked_for(frozen, monkeypatch):
    tensors = a_case((3, 2, 4), 3)
    tensors[1 - frozen].requires_grad_()
    plain_convolution(*tensors).sum().backward()
    expected, tensors[1 - frozen].grad = tensors[1 - frozen].grad, None
    monkeypatch.setattr(module, "ALL_PLANES_ON", ("cpu",))
    at_frequencies(*tensors).sum().backward()
    torch.testing.assert_close(tensors[1 - frozen].grad, expected)


def test_matrices_that_are_kept_serve_gradients_even_if_first_needed_without():
    arguments = (torch.device("cpu"), (2, 3, 4), 5, torch.float64)
    matrices_on.cache_clear()
    with torch.inference_mode():
        kept = matrices_on(*arguments)
    assert matrices_on(*arguments) is kept and not kept.analysis.x.is_inference()
    expected = frequency_matrices((2, 3, 4), 5, torch.float64)
    for part in ("analysis", "synthesis", "kernel"):
        for axis in "xyz":
            assert torch.equal(getattr(getattr(kept, part), axis), getattr(getattr(expected, part), axis))


@pytest.mark.parametrize(("sizes", "taps"), [((2, 3, 1), 3), ((1, 2, 2), 5)])
def test_its_gradients_are_those_of_finite_differences(sizes, taps):
    volumes, kernel = (tensor.requires_grad_() for tensor in a_case(sizes, taps, channels=(2, 1)))
    assert torch.autograd.gradcheck(at_frequencies, (volumes, kernel), fast_mode=True)


@pytest.mark.parametrize("frozen", [0, 1])
def test_only_the_gradient_that_is_asked_for_is_computed(frozen):
    tensors = a_case((3, 2, 4), 3)
    tensors[1 - frozen].requires_grad_()
    at_frequencies(*tensors).sum().backward()
    found = tensors[1 - frozen].grad.clone()
    assert tensors[frozen].grad is None
    tensors[1 - frozen].grad = None
    plain_convolution(*tensors).sum().backward()
    torch.testing.assert_close(found, tensors[1 - frozen].grad)


def test_volumes_need_not_be_contiguous():
    volumes, kernel = a_case((3, 2, 4), 3)
    turned = volumes.permute(1, 0, 2, 3, 4)
    torch.testing.assert_close(at_frequencies(turned, kernel), plain_convolution(turned, kernel))


@settings(max_examples=30, deadline=None)
@given(sizes=st.tuples(SIDES, SIDES, SIDES), taps=st.sampled_from([1, 3, 5, 9]))
def test_what_goes_to_frequencies_and_straight_back_is_unchanged(sizes, taps):
    volumes, _ = a_case(sizes, taps, channels=(1, 1))
    one = torch.zeros(1, 1, taps, taps, taps, dtype=torch.float64)
    one[..., taps // 2, taps // 2, taps // 2] = 1
    torch.testing.assert_close(at_frequencies(volumes, one), volumes)


@pytest.mark.parametrize(("size", "taps", "count"), [(16, 9, 20), (16, 7, 19), (16, 3, 17), (2, 9, 3), (1, 9, 1)])
def test_a_line_needs_no_more_frequencies_than_voxels_and_the_kernels_reach(size, taps, count):
    matrices = frequency_matrices((size, size, size), taps, torch.float32)
    assert matrices.analysis.y.shape == (2 * count, 2 * size)
    assert matrices.analysis.x.shape == (2 * ((count + 1) // 2), size)
