"""ml's web process, with the routes that solving is compared with."""

from __future__ import annotations

import os
from importlib import import_module

from service_base.asgi import application_of

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ml.settings")
application = application_of("ml")
import_module("solving_app.routes")
