"""What tests share: private servers, a clean environment for child processes, waiting for a condition."""
