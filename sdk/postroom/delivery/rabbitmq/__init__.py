"""RabbitMQ as the library's broker: quorum queues, and a confirmation for everything that is published."""
