"""The brokers' queues: how deep, how old, who consumes; samples of them over time; stuck and why; where is it."""
