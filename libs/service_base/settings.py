"""Django settings of every service: a service's own settings.py says only its name and what it adds."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from service_base import logging as titan_logging
from service_base.addresses import SERVICES, url_of
from service_base.env import env

HERE = Path(__file__).parent
# What a request may carry where a service takes no large files.
LARGEST_BODY = 64 << 20


def for_service(
    context: str,
    *,
    apps: tuple[str, ...] = (),
    timeseries_models: tuple[str, ...] = (),
    user_model: str = "principals.Principal",
    principal_source: str = "service_base.principals.source.ProjectedPrincipals",
    largest_body: int = LARGEST_BODY,
) -> dict[str, Any]:
    """All settings of the service `context`; use as `globals().update(for_service("billing"))`.

    `timeseries_models` is the registry of models that live in the `timeseries` database; `largest_body` is how many
    bytes a request may carry.
    """
    titan_logging.configure(context)
    projected = user_model == "principals.Principal"
    own_apps = ["service_base.principals"] if projected else []
    handlers = [f"{context}.handlers"] + (["service_base.principals.handlers"] if projected else [])
    base_apps = ["service_base", "service_base.idempotency", "event_bus"]
    return {
        "TITAN_CONTEXT": context,
        "TITAN_CONSUMER_GROUP": f"titan.{context}{env().kafka_group_suffix}",
        "TITAN_HANDLERS": handlers,
        "PRINCIPAL_SOURCE": principal_source,
        "AUTH_USER_MODEL": user_model,
        "SECRET_KEY": env().secret_key,
        "INSTALLED_APPS": [*_django_apps(), *own_apps, *base_apps, *apps, context],
        "TIMESERIES_MODELS": list(timeseries_models),
        "DATABASES": _databases(with_timeseries=bool(timeseries_models)),
        "FORCE_SCRIPT_NAME": f"/{context}" if env().public_url else None,
        "TITAN_LARGEST_BODY": largest_body,
        # Large bodies are spooled where files are kept: the system's own folder may be small, or memory.
        "FILE_UPLOAD_TEMP_DIR": str(env().data_dir / context / "incoming"),
        **_same_everywhere(),
        **_security(),
    }


def _same_everywhere() -> dict[str, Any]:
    return {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["*"] if env().public_url else [env().host, "127.0.0.1", "localhost", "testserver"],
        "ROOT_URLCONF": "service_base.urls",
        "MIDDLEWARE": _page_middleware(),
        "TITAN_API_MIDDLEWARE": _api_middleware(),
        "TEMPLATES": [_templates()],
        "DATABASE_ROUTERS": ["shared_models.router.TimeseriesRouter"],
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "CHANNEL_LAYERS": {"default": _channel_layer()},
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "USE_I18N": False,
        "STATIC_URL": "static/",
        "STATICFILES_DIRS": [HERE / "static"],
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "LOGGING_CONFIG": None,
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 10 * 1024 * 1024,
        "FILE_UPLOAD_HANDLERS": ["django.core.files.uploadhandler.TemporaryFileUploadHandler"],
    }


def _django_apps() -> list[str]:
    return [
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "channels",
        "csp",
        "ninja",
        "django_htmx",
    ]


def _api_middleware() -> list[str]:
    # Around every answer below /api/: all asynchronous, none with state of its own.
    return [
        "service_base.middleware.RequestContext",
        "service_base.middleware.ApiHeaders",
    ]


def _page_middleware() -> list[str]:
    # Around pages, the admin, static files, health and metrics.
    return [
        "django.middleware.security.SecurityMiddleware",
        "service_base.middleware.RequestContext",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "csp.middleware.CSPMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "service_base.middleware.PageSession",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]


def _templates() -> dict[str, Any]:
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [HERE / "templates"],
        "OPTIONS": {
            "builtins": ["service_base.templatetags.titan", "service_base.templatetags.charts"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "service_base.pages.every_page",
            ],
        },
    }


def _databases(*, with_timeseries: bool) -> dict[str, Any]:
    found = {"default": database(env().database_url)}
    if with_timeseries:
        found["timeseries"] = database(env().timeseries_url or beside(env().database_url))
    return found


def database(url: str) -> dict[str, Any]:
    """Django's description of the PostgreSQL at `url`."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        # A web process's threads keep their connections; what else opens one lets it go after its work.
        "CONN_MAX_AGE": 300 if env().web_threads else 0,
        "CONN_HEALTH_CHECKS": True,
    }


def beside(url: str) -> str:
    """The time series database when none is named: `<database>_timeseries` on the same server."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path}_timeseries"))


def _channel_layer() -> dict[str, Any]:
    # redis-py 8 cuts a blocking read after 5 s by default, which would close every idle socket.
    host = {"address": env().valkey_url, "socket_timeout": None}
    return {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [host]},
    }


def _security() -> dict[str, Any]:
    services = [url_of(service) for service in SERVICES]
    nobody, ourselves = "'none'", "'self'"
    policy = {
        "default-src": [nobody],
        "script-src": [ourselves],
        "style-src": [ourselves],
        "img-src": [ourselves, "data:"],
        "font-src": [ourselves],
        "connect-src": [ourselves],
        # Signing in on identity sends the browser back to the page of another service it came from.
        "form-action": [ourselves, *services],
        "base-uri": [nobody],
        "frame-ancestors": [nobody],
    }
    return {
        "CONTENT_SECURITY_POLICY": {"DIRECTIVES": policy},
        "CSRF_TRUSTED_ORIGINS": sorted({url.rsplit("/", 1)[0] if env().public_url else url for url in services}),
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SECURE": env().secure_cookies,
        "CSRF_FAILURE_VIEW": "service_base.pages.csrf_failure",
        "SESSION_COOKIE_SECURE": env().secure_cookies,
        "SESSION_COOKIE_NAME": "titan_session",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        "LOGIN_URL": f"{url_of('identity')}/sign-in",
    }
