"""Which files are DICOM images, found out without a DICOM library, which would take long to import."""

from pathlib import Path

_DIRECTORY_FILE = "DICOMDIR"
_MAGIC_OFFSET, _MAGIC = 128, b"DICM"


def is_dicom_image(path: Path) -> bool:
    """Whether a path is a DICOM file (PS3.10: ``DICM`` after 128 bytes) and not the directory of a disc.

    Raises:
        OSError: The file cannot be read.
    """
    if path.name == _DIRECTORY_FILE or not path.is_file():
        return False
    with path.open("rb") as file:
        file.seek(_MAGIC_OFFSET)
        return file.read(len(_MAGIC)) == _MAGIC
