# Both commands set up everything they need: a virtual environment in .venv with the versions of constraints.txt.
#   make demo                                           builds a head, synthesises PD from T2 and T2 from PD
#   make demo SCAN=scan.nii.gz [MODEL=t2-to-pd] [REFERENCE=acquired.nii.gz] [OUTPUT=folder]
#   make test
#   make bench                                          times and memory, for Testing/benchmarks/RESULTS.md
#   make bench-gpu                                      the same of a CUDA device, whose PyTorch must be in .venv
#   make panel                                          opens the Slicer panel outside Slicer, in the test host
#   make screenshots                                    the pictures of README.md
PYTHON ?= python3
OUTPUT ?= demo-output
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test lint bench bench-gpu panel screenshots clean

demo: $(READY)
	$(BIN)/mrsynth demo --output "$(OUTPUT)" \
	    $(if $(SCAN),--scan "$(SCAN)") $(if $(MODEL),--model "$(MODEL)") $(if $(REFERENCE),--reference "$(REFERENCE)")

# The arrays of the tests are small: more threads than one would wait for each other most of the time.
test: export OMP_NUM_THREADS := 1
test: $(READY)
	@# Slicer's side has one scene for a process, so what one folder leaves in it must not reach another.
	for folder in host mrml rendering widgets; do $(BIN)/python -m pytest -q Testing/$$folder || exit 1; done
	$(BIN)/python -m pytest --cov --cov-report=term --cov-fail-under=90

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(READY)
	$(BIN)/python -m pip install --quiet --no-deps --target build/benchmarks -r Testing/benchmarks/requirements.txt
	$(BIN)/python Testing/benchmarks/benchmark.py --monai build/benchmarks
	$(BIN)/python Testing/benchmarks/benchmark_panel.py
	$(BIN)/python Testing/benchmarks/benchmark_training.py

bench-gpu: $(READY)
	$(BIN)/python Testing/benchmarks/benchmark_gpu.py --output Testing/benchmarks/results_gpu.json
	$(BIN)/python Testing/benchmarks/document.py

panel: $(READY)
	PYTHONPATH=Testing/host:MRSynthesis $(BIN)/python -m slicer_host MRSynthesis/MRSynthesis.py

screenshots: $(READY)
	$(BIN)/python Testing/host/make_screenshots.py Resources/Screenshots

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "expected Python 3.11 or newer, found $$($(PYTHON) --version 2>&1); name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
	    exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[demo,test]'
	touch $@

clean:
	rm -rf .venv build demo-output .coverage .pytest_cache .ruff_cache .hypothesis *.egg-info MRSynthesis/*.egg-info
	find MRSynthesis MRSynthesisTraining Testing -name __pycache__ -type d -prune -exec rm -rf {} +
