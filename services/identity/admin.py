"""Admin pages of identity; balances and the audit trail can be read, not written."""

from __future__ import annotations

from django.contrib import admin

from identity.models import ApiKey, AuditEntry, Invitation, Team, TeamMembership, User
from service_base.admin import ReadOnlyAdmin


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People. Changes go through commands, so that other services hear of them."""

    list_display = ("email", "first_name", "last_name", "is_active", "is_staff", "date_joined")
    search_fields = ("email", "first_name", "last_name")
    exclude = ("password",)


@admin.register(Team)
class TeamAdmin(ReadOnlyAdmin):
    """Teams."""

    list_display = ("name", "admin_user", "created_at")


@admin.register(TeamMembership)
class TeamMembershipAdmin(ReadOnlyAdmin):
    """Who is in which team."""

    list_display = ("team", "user", "role")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Invitations."""

    list_display = ("team", "role", "uses_left", "expires_at", "revoked")
    exclude = ("token_hash",)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API keys without their hashes."""

    list_display = ("name", "user", "tail", "created_at", "revoked_at")
    exclude = ("secret_hash",)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """The audit trail."""

    list_display = ("at", "action", "actor_id", "target", "outcome")
    list_filter = ("action", "outcome")
