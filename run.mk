# What starts Postroom for real: make run and make kills.
.PHONY: run
run: .venv/run.stamp  ## install, migrate and start everything; PORT=, DEMO=0
