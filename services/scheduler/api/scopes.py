"""What an API key must be allowed to do here."""

from service_base.auth import Bearer

READ = Bearer("scheduler:read")
WRITE = Bearer("scheduler:write")
