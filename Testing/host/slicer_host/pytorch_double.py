"""A double of PyTorchUtils, the PyTorch extension's module: it records what was asked and imports no torch."""

calls: list[dict[str, object]] = []
# What installTorch does: "install", "decline" (it returns None then) or "fail".
outcome = "install"
installed = True


def reset() -> None:
    """Back to the start."""
    global outcome, installed
    outcome, installed = "install", True
    calls.clear()


class PyTorchUtilsLogic:
    """The part of the extension's logic that installs torch."""

    def torchInstalled(self) -> bool:
        """Whether torch can be imported."""
        return installed

    def installTorch(self, **options: object) -> object | None:
        """Ask and install.

        Returns:
            Something that is not None if torch can be used now; the real function returns the module.

        Raises:
            RuntimeError: the installation fails.
        """
        global installed
        calls.append(options)
        if outcome == "fail":
            raise RuntimeError("PyTorch could not be installed")
        installed = installed or outcome == "install"
        return self if installed else None
