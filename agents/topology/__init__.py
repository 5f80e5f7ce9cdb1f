"""Spans become agents, edges, workflows, rates and latencies; each change has a revision."""
