"""Projections of identity: written by its events (and just in time by a valid token), by nobody else."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db import models

from shared_models.clock import utc_now


class Principal(AbstractBaseUser, PermissionsMixin):
    """A person as this service knows her; `version` is identity's, so an old event never overwrites a new one."""

    id = models.UUIDField(primary_key=True, editable=False)
    version = models.BigIntegerField(default=0)
    email = models.EmailField(null=True)
    first_name = models.CharField(max_length=140, blank=True)
    last_name = models.CharField(max_length=140, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    time_format = models.CharField(max_length=3, default="24H")
    date_format = models.CharField(max_length=3, default="DMY")
    date_separator = models.CharField(max_length=1, default="/")
    datetime_separator = models.CharField(max_length=1, default=" ")
    decimal_separator = models.CharField(max_length=1, default=",")

    # People sign in at identity; here the id alone names a person.
    USERNAME_FIELD = "id"

    class Meta:
        db_table = "principal"

    def __str__(self) -> str:
        return self.get_full_name() or self.email or str(self.id)

    def get_full_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_username(self) -> Any:
        """What the admin shows for this person."""
        return self.email or str(self.id)


class TeamMembership(models.Model):
    """A person's role in a team; a row whose role is empty says that she left, and when in identity's order."""

    id = models.BigAutoField(primary_key=True)
    team_id = models.UUIDField(db_index=True)
    user_id = models.UUIDField(db_index=True)
    role = models.CharField(max_length=10, blank=True)
    version = models.BigIntegerField(default=0)

    class Meta:
        db_table = "team_membership"
        constraints = [models.UniqueConstraint(fields=["team_id", "user_id"], name="one_role_a_team")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role or 'left'} {self.team_id}"


class KnownTeam(models.Model):
    """A team's name."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=200)
    version = models.BigIntegerField(default=0)
    deleted = models.BooleanField(default=False)

    class Meta:
        db_table = "known_team"

    def __str__(self) -> str:
        return self.name


class PublicKey(models.Model):
    """A key that identity signs access tokens with."""

    kid = models.CharField(max_length=64, primary_key=True)
    jwk = models.JSONField()
    retired = models.BooleanField(default=False)

    class Meta:
        db_table = "public_key"

    def __str__(self) -> str:
        return self.kid


class ApiKeyGrant(models.Model):
    """Identity's answer about an API key, kept for a minute; a revocation removes it at once."""

    key_hash = models.CharField(max_length=64, primary_key=True)
    key_id = models.UUIDField(db_index=True)
    user_id = models.UUIDField()
    scopes = models.JSONField(default=list)
    checked_at = models.DateTimeField(default=utc_now)

    class Meta:
        db_table = "api_key_grant"

    def __str__(self) -> str:
        return str(self.key_id)


class RevokedApiKey(models.Model):
    """A revoked key's id, so that a check which was under way during the revocation cannot bring it back."""

    key_id = models.UUIDField(primary_key=True)
    revoked_at = models.DateTimeField()

    class Meta:
        db_table = "revoked_api_key"

    def __str__(self) -> str:
        return str(self.key_id)
