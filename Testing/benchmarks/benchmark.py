"""All benchmarks but the panel's in one run: a table, ``RESULTS.md``, ``results.json`` and ``results.png``.

    python -m pip install --no-deps --target build/benchmarks -r Testing/benchmarks/requirements.txt
    python Testing/benchmarks/benchmark.py --monai build/benchmarks

Without MONAI its rows are left out. The run takes some ten minutes on two cores that have nothing else to do.
"""

import argparse
import os
import sys
from pathlib import Path

import torch
from benchmark_paper_generator import evaluation, training
from benchmark_start import imports, worker
from benchmark_synthesis import end_to_end, scaling
from document import write_results
from machine import machine

from mrsynth.process_memory import ask_for_large_pages

EVALUATED, TRAINED = (1, 2, 4, 8), (1, 2, 4)


def main() -> None:
    """Measure, print, and write the results beside this file or into another folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--monai", type=Path, help="folder that MONAI was installed into")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each comparison, whose medians count")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder for the results")
    options = parser.parse_args()
    if options.monai is not None:
        sys.path.append(str(options.monai))
    ask_for_large_pages()
    torch.set_num_threads(os.cpu_count())
    found, sections = machine(), []
    for measured in (end_to_end, scaling, imports, worker):
        sections.append(measured(options.rounds))
        print(sections[-1].markdown(), flush=True)
    for measured, batches in ((evaluation, EVALUATED), (training, TRAINED)):
        sections.append(measured(batches, options.rounds))
        print(sections[-1].markdown(), flush=True)
    write_results(options.output, found, sections)


if __name__ == "__main__":
    main()
