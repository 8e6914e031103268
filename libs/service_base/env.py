"""The environment variables a process understands, typed; a wrong one is named in one sentence."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Env(BaseSettings):
    """Every setting is `TITAN_<NAME>`; those without a default must be given."""

    model_config = SettingsConfigDict(env_prefix="TITAN_", extra="ignore")

    database_url: str
    timeseries_url: str = ""
    secret_key: str = Field(min_length=32)
    kafka_bootstrap: str = "127.0.0.1:8192"
    valkey_url: str = "redis://127.0.0.1:8179/0"
    host: str = "127.0.0.1"
    port_base: int = Field(default=8100, ge=1024, le=65000)
    public_url: str = ""
    data_dir: Path = Path(".titan")
    log_format: str = Field(default="json", pattern="^(json|console)$")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    web_threads: int = Field(default=0, ge=0, le=100)
    secure_cookies: bool = False
    master_keys: str = ""
    admin_password: str = ""
    kafka_group_suffix: str = ""
    # The address of an OpenTelemetry collector (OTLP over HTTP); empty sends no traces.
    otlp_endpoint: str = ""
    # How many of the traces that begin here are sent; a caller's decision is kept.
    otlp_share: float = Field(default=0.05, ge=0, le=1)
    # A name for this process that outlives it, unique in its group: then its successor waits for no session to expire.
    kafka_instance: str = ""
    # 1, 2, 4 or 8; more than one where a single relay cannot send what the service says.
    relay_shards: int = Field(default=1, ge=1, le=8)
    # How many requests a second, or hundreds of lines, one person may have one of ml's machines solve.
    solve_rate: int = Field(default=400, ge=1, le=1_000_000)
    # Who takes and pays out billing's money: `test` moves none; `stripe` needs the two secrets of its dashboard.
    payment_provider: str = Field(default="test", pattern="^(test|stripe)$")
    stripe_secret_key: str = ""
    stripe_webhook_secret: str = ""
    # Who issues billing's bills, as they say it, and the tax on what the platform sells; one person's can be another.
    bill_issuer: str = Field(default="TITAN", max_length=500)
    tax_basis_points: int = Field(default=0, ge=0, le=10_000)


@cache
def env() -> Env:
    """The settings of this process; ends it with one sentence when they are wrong."""
    try:
        return Env()
    except ValidationError as error:
        first = error.errors()[0]
        name = "TITAN_" + str(first["loc"][0]).upper()
        problem = "is not set" if first["type"] == "missing" else f"is wrong: {first['msg']}"
        sys.exit(f"titan: {name} {problem}. `titan up` sets it; a process started by hand needs it in its environment.")
