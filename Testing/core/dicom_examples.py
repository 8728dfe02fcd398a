"""DICOM series for tests: one file per slice, as a scanner exports them."""

from pathlib import Path

import numpy as np
import SimpleITK

POSITION, ORIENTATION, SERIES, ECHO_TIME = "0020|0032", "0020|0037", "0020|000e", "0018|0081"
REPETITION_TIME = "0018|0080"
SERIES_UID = "1.2.826.0.1.3680043.2.1125.1"


def write_series(folder: Path, voxels: np.ndarray, affine: np.ndarray, left_out=(), **tags: str) -> None:
    """Write one file per slice (k), named so that the order of names is not that of the positions."""
    folder.mkdir(exist_ok=True)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    series = tags.get("series", SERIES_UID)
    writer = SimpleITK.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for k in set(range(voxels.shape[2])) - set(left_out):
        image = SimpleITK.GetImageFromArray(voxels[None, :, :, k].transpose(0, 2, 1))
        image.SetSpacing(spacing_mm.tolist())
        metadata = {
            "0008|0060": "MR",
            "0008|0018": f"{series}.{k}{tags.get('echo_time', '')}",
            SERIES: series,
            ORIENTATION: "\\".join(f"{x:.8f}" for x in (lps[:3, :2] / spacing_mm[:2]).T.ravel()),
            POSITION: "\\".join(f"{x:.6f}" for x in (lps @ (0, 0, k, 1))[:3]),
            ECHO_TIME: tags.get("echo_time", "100"),
            REPETITION_TIME: tags.get("repetition_time", "4500"),
            "0018|0050": "1",
        }
        for key, value in metadata.items():
            image.SetMetaData(key, value)
        writer.SetFileName(str(folder / f"{tags.get('prefix', 'image')}{(k * 7) % 10}"))
        writer.SetImageIO("GDCMImageIO")
        writer.Execute(image)
