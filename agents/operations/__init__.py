"""What people do to messages: plans, approval, the executor, the reaper and the tally."""
