"""Every metric of the bus, declared once."""

from prometheus_client import Counter, Gauge, Histogram

sent = Counter("titan_events_sent_total", "Events acknowledged by the broker", ["type"])
outbox_oldest = Gauge("titan_outbox_oldest_seconds", "Age of the oldest event waiting to be sent")
outbox_waiting = Gauge("titan_outbox_waiting", "Events waiting to be sent; counted up to 100 000")
relay_leads = Gauge("titan_relay_leads", "1 where this process leads the relay shard", ["shard"])
handled = Counter("titan_events_handled_total", "Events whose effects are committed", ["type"])
duplicates = Counter("titan_events_duplicate_total", "Deliveries the inbox recognised", ["consumer"])
skipped = Counter("titan_events_skipped_total", "Events nobody here listens to", ["type"])
parked = Counter("titan_events_parked_total", "Events set aside", ["consumer"])
breaker_open = Gauge("titan_breaker_open", "1 when the consumer stopped because too much had to be parked")
batch_seconds = Histogram("titan_consumer_batch_seconds", "Time to commit one polled batch")
handler_seconds = Histogram("titan_handler_seconds", "Time of one call of a handler", ["type"])
lag = Gauge("titan_consumer_lag", "Records of a topic that this process has yet to handle", ["topic"])
lag_seconds = Gauge("titan_consumer_lag_seconds", "From the time of the newest handled event until it was committed")
