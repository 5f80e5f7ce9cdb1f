"""What changes plans and operations; see `agents.operations.api`."""
