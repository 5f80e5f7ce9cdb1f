# What starts Postroom for real: make run and make kills.
MINUTES ?= 10
# An address in POSTROOM_BIND counts unless PORT was given.
BIND := $(if $(filter file,$(origin PORT)),,--bind 127.0.0.1:$(PORT))

.PHONY: run kills
run: .venv/run.stamp  ## install, build, migrate and start everything; PORT=, DEMO=0
	@$(BIN)/python -m core.up.build
	@$(BIN)/python manage.py up $(if $(filter 0,$(DEMO)),,--demo) $(BIND)

kills: .venv/dev.stamp  ## kill -9 for MINUTES= at random moments, and count what is lost
	@$(BIN)/python -m core.up.build
	@$(BIN)/python -m tests.kills --minutes $(MINUTES)
