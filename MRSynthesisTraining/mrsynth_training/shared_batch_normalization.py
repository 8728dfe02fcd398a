"""Batch normalisation over a mini-batch that several processes share."""

import torch
from torch import Tensor, nn

from mrsynth_training.process_group import SharedSum

AXES = (0, 2, 3, 4)  # of (N, channels, X, Y, Z): all but the channels


class SharedBatchNorm3d(nn.BatchNorm3d):
    """Normalises by the statistics of all processes' patches together, on any device.

    PyTorch's own `SyncBatchNorm` does the same on GPUs only.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, channels, X, Y, Z) patches; in training all processes must call this together."""
        if not self.training:
            return super().forward(x)
        values = x.to(self.weight.dtype)
        own_count = values.new_tensor([values.numel() // values.shape[1]])
        sums = SharedSum.apply(torch.cat([values.sum(AXES), own_count]))  # one message for both
        mean, count = sums[:-1] / sums[-1], sums[-1].detach()
        centred = values - mean[:, None, None, None]
        # Squares of what is left, not the difference of two large sums, which would lose digits.
        variance = SharedSum.apply(centred.square().sum(AXES)) / count
        if self.track_running_stats:
            self._update_averages(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight / (variance + self.eps).sqrt()
        return (centred * scale[:, None, None, None] + self.bias[:, None, None, None]).to(x.dtype)

    def _update_averages(self, mean: Tensor, variance: Tensor) -> None:
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


def share_statistics(network: nn.Module) -> nn.Module:
    """Return the network with each of its batch normalisations replaced by a shared one with the same state."""
    for name, child in network.named_children():
        if type(child) is nn.BatchNorm3d:
            shared = SharedBatchNorm3d(child.num_features, child.eps, child.momentum).to(child.weight)
            shared.load_state_dict(child.state_dict())
            setattr(network, name, shared)
        else:
            share_statistics(child)
    return network
