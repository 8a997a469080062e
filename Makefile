PYTHON ?= python
EXPERIMENT ?= s4wm_fourrooms
JOBS ?= 1
OUT ?= runs/report
WORKDIR ?= runs/$(EXPERIMENT)
DATA ?= four_rooms
LAUNCH = $(PYTHON) -m experiments.launch

.DEFAULT_GOAL := help
.PHONY: help check test bazel smoke data view train evaluate imagine face-off \
	report speed lock golden

help:  ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-9s %s\n", $$1, $$2 }' \
	  $(MAKEFILE_LIST)

check:  ## Run the linter and the laws.
	$(PYTHON) -m ruff check .
	$(PYTHON) -m pytest -q tests/laws

test:  ## Run all tests.
	$(PYTHON) -m pytest

bazel:  ## Run all tests under Bazel, in the active virtual environment.
	bazel test --test_output=errors //tests/...

smoke:  ## Train and evaluate the smallest model, from nothing (a minute).
	rm -rf runs/smoke
	$(LAUNCH) --gin_file=s4wm_fourrooms.gin --gin_file=smoke.gin \
	  --workdir=runs/smoke

data:  ## Build the data set of the laptop experiment.
	$(PYTHON) -m datasets.build rooms/four_rooms_laptop

view:  ## Write a page and videos of DATA's first episodes, in runs/view.
	$(LAUNCH) --program=view --gin_file=base.gin --gin_file=data/$(DATA).gin \
	  --gin_file=laptop.gin --workdir=runs/view

train:  ## Train and evaluate EXPERIMENT at laptop scale, in WORKDIR.
	$(LAUNCH) --gin_file=$(EXPERIMENT).gin --gin_file=laptop.gin \
	  --workdir=$(WORKDIR)

evaluate:  ## Evaluate the run in WORKDIR again and print its table.
	$(LAUNCH) --program=evaluate --workdir=$(WORKDIR)

imagine:  ## Show what the run in WORKDIR, or an export, imagines.
	$(LAUNCH) --program=imagine --workdir=$(WORKDIR)

face-off:  ## Train and evaluate all models on all data, JOBS at a time.
	$(PYTHON) -m experiments.face_off --jobs=$(JOBS) \
	  $(if $(TABLES),--tables=$(TABLES))

report:  ## Make tables, figures and a page of the face-off's runs, in OUT.
	$(PYTHON) -m experiments.report --out=$(OUT)

speed:  ## Measure everything on this device, in runs/speed (half an hour).
	$(LAUNCH) --program=speed --gin_file=$(EXPERIMENT).gin --workdir=runs/speed

lock:  ## Refresh third_party/requirements.lock from setup.py.
	PYTHON=$(PYTHON) bash third_party/refresh_lock

golden:  ## Write the golden files anew; read the diff before you commit it.
	UPDATE_GOLDEN=1 $(PYTHON) -m pytest tests/golden
