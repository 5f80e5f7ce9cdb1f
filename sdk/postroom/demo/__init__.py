"""A small workload to look at: fifteen agents that pass documents on, sent by OpenTelemetry's own exporters."""
