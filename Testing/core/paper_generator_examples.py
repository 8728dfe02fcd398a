"""Paper's generators and sources to try them on, and what their layers make of them one after the other."""

import torch
from torch import Tensor, nn

from mrsynth.networks.paper_generator import PaperGenerator

# Of the largest value, in single precision.
TOLERANCE = 1e-5


def a_generator(residual: bool = False, trained: bool = True, dtype: torch.dtype = torch.float32) -> PaperGenerator:
    """Return a generator in evaluation, with or without batch statistics such as training leaves."""
    torch.manual_seed(0)
    generator = PaperGenerator(residual)
    for layer in generator.layers[:-1] if trained else []:
        normalization = layer.normalization
        normalization.running_mean.normal_(0, 0.3)
        normalization.running_var.uniform_(0.3, 3)
        nn.init.uniform_(normalization.weight, 0.5, 2)
        nn.init.normal_(normalization.bias, 0, 0.3)
    return generator.to(dtype).eval()


def a_source(shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape[0], 1, *shape[1:], generator=generator, dtype=dtype)


def layer_by_layer(generator: PaperGenerator, source: Tensor) -> Tensor:
    answer = nn.Sequential(*generator.layers)(source)
    return source + answer if generator.residual else answer


def relative_error(found: Tensor, expected: Tensor) -> float:
    return ((found - expected).abs().max() / expected.abs().max()).item()
