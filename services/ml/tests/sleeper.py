"""A job that says it started and then waits, for the test of what ends it."""

import time

from ml.jobs.protocol import serve


def wait(job, say):
    say(started=True)
    time.sleep(60)
    return {}


if __name__ == "__main__":
    serve(wait)
