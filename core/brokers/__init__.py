"""The configured brokers, and how the server empties a stream of theirs: one protocol, Redis and RabbitMQ."""
