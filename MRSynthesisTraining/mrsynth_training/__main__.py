"""``python -m mrsynth_training``: the command ``mrsynth-train``, where it is not installed."""

import sys

from mrsynth_training.cli import main

if __name__ == "__main__":
    sys.exit(main())
