"""Admin pages of the projections: to be read, since only identity may change a person."""

from django.contrib import admin

from service_base.admin import ReadOnlyAdmin
from service_base.principals.models import KnownTeam, Principal, TeamMembership


@admin.register(Principal)
class PrincipalAdmin(ReadOnlyAdmin):
    """People as this service knows them."""

    list_display = ("id", "first_name", "last_name", "is_active", "is_staff")
    search_fields = ("email", "first_name", "last_name")
    exclude = ("password", "user_permissions", "groups")


@admin.register(TeamMembership)
class TeamMembershipAdmin(ReadOnlyAdmin):
    """Who is in which team."""

    list_display = ("team_id", "user_id", "role")


@admin.register(KnownTeam)
class KnownTeamAdmin(ReadOnlyAdmin):
    """Teams."""

    list_display = ("name", "deleted")
