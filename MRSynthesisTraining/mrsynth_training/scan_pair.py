"""The two scans of a subject that a network learns to turn into one another, and whether they fit together."""

from dataclasses import dataclass

from mrsynth.errors import InputError
from mrsynth.resampling import Lattice
from mrsynth.volume import Volume, require_variation
from mrsynth_training.data_origin import OWN
from mrsynth_training.plain_name import require_plain_name
from mrsynth_training.scan_file import ScanFile
from mrsynth_training.subject_table import OTHER_PLACE, OTHER_SHAPE


@dataclass(frozen=True)
class ScanPair:
    """Source and target of one subject.

    Attributes:
        subject: Name of the subject: letters, digits and ``. _ + -``.
        site: Where the scans were made; may be empty.
        source: The one contrast.
        target: The other, on the same grid.
        origin: A key of `data_origin.ORIGINS`.

    Raises:
        InputError: If the subject's name cannot be part of a file name.
    """

    subject: str
    site: str
    source: ScanFile
    target: ScanFile
    origin: str = OWN

    def __post_init__(self) -> None:
        require_plain_name(self.subject, "the name of a subject")

    def read(self) -> tuple[Volume, Volume]:
        """Return source and target, which lie on one grid to a hundredth of a voxel.

        Raises:
            InputError: Code ``other_shape`` or ``other_place`` if the grids differ, ``constant`` if a scan holds no
                image, and the codes of reading if a file is not one intact volume.
            MissingFile: If a file is gone.
        """
        volumes = self.source.read(), self.target.read()
        for scan, volume in zip((self.source, self.target), volumes, strict=True):
            require_variation(volume, scan.name)
        _require_one_grid(*volumes, self.target.name)
        return volumes


def _require_one_grid(source: Volume, target: Volume, name: str) -> None:
    if source.shape != target.shape:
        raise InputError(f"{name}: expected shape {source.shape}, as the source has, found {target.shape}", OTHER_SHAPE)
    if not Lattice.of(source).coincides_with(Lattice.of(target)):
        expected, found = (_rounded(volume) for volume in (source, target))
        raise InputError(f"{name}: expected the source's affine {expected}, found {found}", OTHER_PLACE)


def _rounded(volume: Volume) -> list[list[float]]:
    return volume.affine[:3].round(4).tolist()
