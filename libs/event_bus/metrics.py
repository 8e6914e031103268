"""Every metric of the bus, declared once."""

from prometheus_client import Counter, Gauge, Histogram

sent = Counter("titan_events_sent_total", "Events acknowledged by the broker", ["type"])
handled = Counter("titan_events_handled_total", "Events whose effects are committed", ["type"])
duplicates = Counter("titan_events_duplicate_total", "Deliveries the inbox recognised", ["consumer"])
skipped = Counter("titan_events_skipped_total", "Events nobody here listens to", ["type"])
parked = Counter("titan_events_parked_total", "Events set aside", ["consumer"])
outbox_oldest = Gauge("titan_outbox_oldest_seconds", "Age of the oldest event waiting to be sent")
batch_seconds = Histogram("titan_consumer_batch_seconds", "Time to commit one polled batch")
