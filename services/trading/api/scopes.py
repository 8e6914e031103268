"""What an API key must be allowed to do here."""

from service_base.auth import Bearer

READ = Bearer("trading:read")
WRITE = Bearer("trading:write")
