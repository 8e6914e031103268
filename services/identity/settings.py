"""Settings of identity: the shared ones, its own user model and the brute-force guard."""

from datetime import timedelta

from service_base.settings import for_service

globals().update(
    for_service(
        "identity",
        apps=("axes",),
        user_model="identity.User",
        principal_source="identity.queries.Originals",
    )
)

PASSWORD_HASHERS = ["identity.passwords.BoundedArgon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]

# By account and address together: a stranger who guesses must not lock the owner out elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "username"
AXES_VERBOSE = False
SILENCED_SYSTEM_CHECKS = ["axes.W001", "axes.W002", "axes.W003"]
