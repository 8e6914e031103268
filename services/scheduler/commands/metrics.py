"""Scheduler's metrics, declared once."""

from prometheus_client import Counter, Histogram

fired = Counter("titan_jobs_fired_total", "Instants announced")
skipped = Counter("titan_jobs_skipped_total", "Instants recorded but not announced, by the job's policy")
lag_seconds = Histogram(
    "titan_job_lag_seconds",
    "How long after its instant a job was announced",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600, 3600),
)
