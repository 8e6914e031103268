"""`titan up` with stand-ins for the services: real servers and supervisor, services that start in an instant.

`python stand_in.py SCRIPT…`: the service `identity` has a web process that answers /readyz and one process a SCRIPT.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from titan import up
from titan.configuration import Configuration, from_environment
from titan.environment import service_environment
from titan.errors import TitanError
from titan.parts import Plan
from titan.process import Command
from titan.secret import Secrets

WEB = """
import http.server, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"missing": []}')
    def log_message(self, *said): print("asked", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""
WORKER = "print('worker up', flush=True)" + WEB.replace('print("asked", flush=True)', "pass")
CRASHING = "import sys; sys.exit('no money in the machine')"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(3600)"
MIGRATION = "import time; print('migrating', flush=True); time.sleep(float(__import__('os').environ.get('SLOW', '0')))"
SCRIPTS = {"worker": WORKER, "crashing": CRASHING, "deaf": DEAF}


def plan(kinds: list[str]) -> Plan:
    def command(configuration: Configuration, secrets: Secrets, name: str, *argv: str) -> Command:
        environment = service_environment(configuration, secrets, "identity")
        return Command(name, [sys.executable, "-c", *argv], Path.cwd(), environment, grace=1.0)

    def processes(configuration: Configuration, secrets: Secrets, service: str) -> list[Command]:
        web = command(configuration, secrets, "identity-web", WEB, str(configuration.port("identity")))
        port = str(configuration.port("identity-worker"))
        return [web, *(command(configuration, secrets, f"identity-{kind}", SCRIPTS[kind], port) for kind in kinds)]

    def migration(configuration: Configuration, secrets: Secrets, service: str, stamp: str) -> Command:
        return command(configuration, secrets, "identity-migrate", MIGRATION)

    return Plan(["identity"], processes, migration)


if __name__ == "__main__":
    try:
        servers = {
            name: os.environ.get(f"OTHER_{name.upper()}", "embedded") for name in ("kafka", "postgres", "valkey")
        }
        up.up(from_environment(**servers), plan(sys.argv[1:]))
    except TitanError as error:
        sys.exit(f"titan: {error}")
