"""PostgreSQL, Valkey and a Kafka-protocol broker out of Python wheels: no Docker, no root, nothing by hand."""
