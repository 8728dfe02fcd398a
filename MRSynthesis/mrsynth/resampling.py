"""Bringing one volume onto the grid of another in physical space; the grid on which two scans compare fairly."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from scipy import ndimage

from mrsynth.volume import Volume, checked_affine

SAME_PLACE_VOXELS = 0.01
"""Corners this near, in voxels, are the same place: headers store affines as float32 or as decimals."""

COARSER = 1.25
"""A spacing this many times another is a different resolution, not a rounding or a slightly different field of view."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """The places of a volume's voxels without the voxels.

    Attributes:
        shape: Number of voxels along (i, j, k).
        affine: 4x4 float64, voxel index to RAS mm, as in ``Volume``.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(f"expected a shape of three numbers above 0, found {self.shape}")
        object.__setattr__(self, "affine", checked_affine(self.affine))

    @classmethod
    def of(cls, volume: Volume) -> Lattice:
        """The lattice that a volume's voxels lie on."""
        return cls(volume.shape, volume.affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbours along (i, j, k), in mm."""
        return tuple(float(length) for length in np.linalg.norm(self.affine[:3, :3], axis=0))

    def coincides_with(self, other: Lattice) -> bool:
        """Whether both have the same shape and the same corners, to ``SAME_PLACE_VOXELS``."""
        if self.shape != other.shape:
            return False
        return _is_same_map(np.linalg.inv(self.affine) @ other.affine, np.eye(4), self.shape)


@dataclass(frozen=True, eq=False)
class Resampled:
    """A volume on another lattice.

    Attributes:
        volume: The values; where the original has none, its minimum.
        covered: Boolean (i, j, k): where the original has a value.
    """

    volume: Volume
    covered: np.ndarray


def resample_onto(volume: Volume, lattice: Lattice) -> Resampled:
    """Bring a volume onto a lattice.

    On its own lattice the volume comes back untouched. A lattice that is the volume's own up to flips, permutations and
    shifts by whole voxels is served by indexing, exactly. Otherwise the values are interpolated linearly between voxel
    centres, after an average over the lattice's voxel along every axis on which that is wider than the volume's: a
    thick slice is the mean of the tissue in it, not a sample of its middle.
    """
    if Lattice.of(volume).coincides_with(lattice):
        return Resampled(volume, np.ones(volume.shape, dtype=bool))
    index_map = np.linalg.inv(volume.affine) @ lattice.affine  # (i, j, k) of the lattice -> (i, j, k) of the volume
    whole = np.rint(index_map)
    if _is_signed_permutation(whole[:3, :3]) and _is_same_map(index_map, whole, lattice.shape):
        voxels, covered = _taken(volume.voxels, whole.astype(int), lattice.shape)
    else:
        voxels, covered = _interpolated(_averaged(volume, lattice), index_map, lattice.shape)
    filled = np.where(covered, voxels, volume.voxels.min())
    return Resampled(Volume(filled, lattice.affine), covered)


def common_lattice(one: Volume, other: Volume) -> Lattice:
    """The finest lattice on which two scans have one resolution: that of ``one``, coarsened where ``other`` is.

    Two scans with thick slices in different planes share no voxel size; interpolating either to the other's fine axis
    would charge the missing resolution to the synthesis. Along each axis of ``one`` on which ``other`` is ``COARSER``
    times coarser, the lattice therefore takes the spacing and the slice positions of ``other``. The axes of ``other``
    are paired with those of ``one`` by direction. With equal resolution the lattice is that of ``one``.
    """
    to_one = np.linalg.inv(one.affine) @ other.affine
    centre_of_other = to_one @ np.append((np.array(other.shape) - 1) / 2, 1)
    scale, start, shape = np.ones(3), np.zeros(3), list(one.shape)
    for axis, other_axis in enumerate(_paired_axes(one.affine, other.affine)):
        step = other.spacing_mm[other_axis] / one.spacing_mm[axis]
        if step < COARSER:
            continue
        # An even number of slices has its centre between two of them.
        slice_place = centre_of_other[axis] + (step / 2 if other.shape[other_axis] % 2 == 0 else 0.0)
        first = slice_place + step * np.ceil((-0.5 - slice_place) / step)
        count = int(np.floor((one.shape[axis] - 0.5 - first) / step - 1e-6)) + 1
        if count >= 1:
            scale[axis], start[axis], shape[axis] = step, first, count
    coarsened = np.diag(np.append(scale, 1.0))
    coarsened[:3, 3] = start
    return Lattice(tuple(shape), one.affine @ coarsened)


def _is_same_map(one: np.ndarray, other: np.ndarray, shape: tuple[int, int, int]) -> bool:
    """Whether two 4x4 index maps send every corner of a shape to the same place."""
    corners = np.array([(*corner, 1.0) for corner in product(*((0, size - 1) for size in shape))]).T
    # The direction of an axis with one voxel shows in no corner, yet a slice turned about it is another slice.
    same_steps = np.abs((one - other)[:3, :3]).max() < SAME_PLACE_VOXELS
    return bool(same_steps and np.abs(((one - other) @ corners)[:3]).max() < SAME_PLACE_VOXELS)


def _is_signed_permutation(matrix: np.ndarray) -> bool:
    return np.array_equal(np.abs(matrix).sum(axis=0), (1, 1, 1)) and np.array_equal(
        np.abs(matrix) @ (1, 1, 1), (1, 1, 1)
    )


def _taken(voxels: np.ndarray, index_map: np.ndarray, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Values at whole-voxel places: ``(taken, covered)``, both of ``shape``."""
    axes = tuple(int(np.abs(index_map[:3, column]).argmax()) for column in range(3))
    places = [index_map[a, c] * np.arange(shape[c]) + index_map[a, 3] for c, a in enumerate(axes)]
    inside = [(place >= 0) & (place < voxels.shape[a]) for place, a in zip(places, axes, strict=True)]
    clipped = [np.clip(place, 0, voxels.shape[a] - 1) for place, a in zip(places, axes, strict=True)]
    covered = inside[0][:, None, None] & inside[1][:, None] & inside[2]
    return voxels.transpose(axes)[np.ix_(*clipped)], covered


def _averaged(volume: Volume, lattice: Lattice) -> np.ndarray:
    """The volume's voxels, each the mean over the extent of the lattice's voxel around it."""
    voxels = volume.voxels
    for axis, lattice_axis in enumerate(_paired_axes(volume.affine, lattice.affine)):
        width = lattice.spacing_mm[lattice_axis] / volume.spacing_mm[axis]
        if width >= COARSER:
            voxels = ndimage.convolve1d(voxels, _box(width), axis=axis, mode="nearest")
    return voxels


def _box(width: float) -> np.ndarray:
    """Weights of the voxels around one that a centred box of ``width`` voxels covers; they add up to 1."""
    reach = int(np.ceil(width / 2 - 0.5))
    offsets = np.abs(np.arange(-reach, reach + 1))
    return np.clip(width / 2 + 0.5 - offsets, 0, 1) / width


def _interpolated(
    voxels: np.ndarray, index_map: np.ndarray, shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Linear interpolation at the places ``index_map`` gives: ``(values, covered)``, both of ``shape``.

    The geometry is left in voxel units, as ITK would refuse a sheared affine as an image direction.
    """
    import SimpleITK as sitk  # here, as no other way onto a lattice needs it

    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.T, dtype=np.float32))  # SimpleITK arrays are (k, j, i)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(index_map[:3, :3].ravel().tolist())
    transform.SetTranslation(index_map[:3, 3].tolist())
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(size) for size in shape])
    resampler.SetTransform(transform)
    resampler.SetInterpolator(sitk.sitkLinear)
    resampler.SetDefaultPixelValue(float("nan"))
    values = sitk.GetArrayFromImage(resampler.Execute(image)).T
    return values, np.isfinite(values)


def _paired_axes(affine: np.ndarray, other: np.ndarray) -> tuple[int, int, int]:
    """For each axis of ``affine`` the axis of ``other`` that runs most nearly along it."""
    one = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    two = other[:3, :3] / np.linalg.norm(other[:3, :3], axis=0)
    cosines = np.abs(one.T @ two)
    return max(permutations(range(3)), key=lambda axes: round(sum(cosines[a, b] for a, b in enumerate(axes)), 6))
