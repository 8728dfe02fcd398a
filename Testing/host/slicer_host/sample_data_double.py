"""A double of Slicer's SampleData module: it records in slicer.modules.sampleDataSources and fetches nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import slicer

categories: dict[str, str] = {}
_FIELDS = ("fileNames", "nodeNames", "checksums", "loadFiles", "loadFileTypes")


@dataclass
class SampleDataSource:
    """One sample as the module lists it."""

    sampleName: str | None = None
    sampleDescription: str | None = None
    uris: str | list[str] | None = None
    fileNames: str | list[str] | None = None
    nodeNames: str | list[str] | None = None
    checksums: str | list[str] | None = None
    loadFiles: bool | list[bool] | None = None
    customDownloader: Callable[["SampleDataSource"], Any] | None = None
    thumbnailFileName: str | None = None
    loadFileTypes: str | list[str] | None = None
    loadFileProperties: dict | None = None

    def __post_init__(self) -> None:
        """Make lists of the fields as Slicer does, which needs them to be of one length.

        A list of addresses brings lists of None for all but the file names; no address at all is a TypeError.

        Raises:
            TypeError: there are no addresses, or no file names beside a list of addresses.
            ValueError: the lists differ in length.
        """
        if isinstance(self.uris, (list, tuple)):
            if isinstance(self.loadFileTypes, str):
                self.loadFileTypes = [self.loadFileTypes] * len(self.uris)
            for name in _FIELDS[1:]:
                if getattr(self, name) is None:
                    setattr(self, name, [None] * len(self.uris))
        elif isinstance(self.uris, str):
            for name in ("uris", *_FIELDS):
                setattr(self, name, [getattr(self, name)])
        lengths = {name: len(getattr(self, name)) for name in ("uris", *_FIELDS)}
        if len(set(lengths.values())) > 1:
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
        if "sampleDescription" in details:
            raise TypeError("registerCustomSampleDataSource takes no sampleDescription")
        sources = slicer.modules.sampleDataSources.setdefault(category, [])
        source = SampleDataSource(**details)
        if str(source) not in [str(known) for known in sources]:
            sources.append(source)

    @staticmethod
    def registerCustomSampleDataCategory(category: str, title: str) -> None:
        """Remember how a category is shown."""
        categories[category] = title
