"""Brings one service's databases to its schema: `DJANGO_SETTINGS_MODULE=…` `python -m titan.migrate [STAMP]`.

One process for all of a service's databases, because starting Django takes longer than most migrations. The stamp
is left as a comment on the main database, where a wiped or restored database cannot lie about it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

SOURCES = ("migrations/*.py", "migrations/*.sql")


def stamp_of(service: str) -> str:
    """A short name for the schema that the code of `service` and of its libraries asks for."""
    digest = hashlib.sha256()
    for package in (service, "event_bus", "shared_models", "service_base"):
        root = _directory_of(package)
        files = [path for pattern in SOURCES for path in root.rglob(pattern)] if root else []
        for file in sorted(files + ([root / "settings.py"] if root and (root / "settings.py").exists() else [])):
            digest.update(f"{package}/{file.relative_to(root)}\0".encode() + file.read_bytes() if root else b"")
    digest.update("\n".join(_installed()).encode())
    return f"titan schema {digest.hexdigest()[:16]}"


def _directory_of(package: str) -> Path | None:
    for entry in sys.path:
        if (Path(entry) / package / "__init__.py").exists():
            return Path(entry) / package
    return None


def _installed() -> list[str]:
    """Other people's packages and their versions: some bring migrations."""
    return sorted(
        name
        for entry in sys.path
        if entry.endswith("site-packages")
        for name in os.listdir(entry)
        if name.endswith(".dist-info")
    )


def main(stamp: str | None) -> None:
    """Migrate every database of the settings and stamp the main one."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    for alias in settings.DATABASES:
        call_command("migrate", database=alias, interactive=False, verbosity=1)
    if stamp is not None:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        with connection.cursor() as cursor:
            cursor.execute(f"COMMENT ON DATABASE {name} IS %s", [stamp])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
