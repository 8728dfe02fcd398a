"""A double of Slicer's SampleData module: it records in slicer.modules.sampleDataSources and fetches nothing."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import slicer

categories: dict[str, str] = {}


@dataclass(frozen=True)
class SampleDataSource:
    """One sample as the module lists it."""

    sampleName: str | None = None
    uris: str | list[str] | None = None
    fileNames: str | list[str] | None = None
    nodeNames: str | list[str] | None = None
    customDownloader: Callable | None = None
    thumbnailFileName: str | None = None
    loadFileType: str | list[str] | None = None
    loadFiles: bool | list[bool] | None = None
    loadFileProperties: dict | None = None
    checksums: str | list[str] | None = None

    def __post_init__(self) -> None:
        given = (self.uris, self.fileNames, self.nodeNames, self.checksums)
        lengths = {1 if isinstance(value, str) else len(value) for value in given if value is not None}
        if len(lengths) > 1:
            raise ValueError(
                f"sample {self.sampleName}: expected as many addresses as files and nodes, found {lengths}"
            )


class SampleDataLogic:
    """The part of the logic that other modules register with."""

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", **details: object) -> None:
        """Remember a source; one that is known is not added again."""
        if not hasattr(slicer.modules, "sampleDataSources"):
            slicer.modules.sampleDataSources = {}
        sources = slicer.modules.sampleDataSources.setdefault(category, [])
        source = SampleDataSource(**details)
        if asdict(source) not in [asdict(known) for known in sources]:
            sources.append(source)

    @staticmethod
    def registerCustomSampleDataCategory(category: str, title: str) -> None:
        """Remember how a category is shown."""
        categories[category] = title
