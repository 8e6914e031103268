"""Identity's tables: people, teams, keys, sessions, audit."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Permission, PermissionsMixin
from django.db import models
from django.utils.module_loading import import_string

from identity.rules import ROLES, folded_email
from shared_models.clock import utc_now
from shared_models.fields import Timestamped, id_field, money_field, one_of

TIME_FORMATS = ["12H", "24H"]
DATE_FORMATS = ["DMY", "MDY", "YMD"]


class UserManager(BaseUserManager["User"]):
    """Makes people."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """A person with that e-mail (folded); without a password she cannot sign in with one."""
        user = self.model(email=folded_email(email), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, first_name: str, last_name: str, **extra: Any) -> User:
        """A person who may do everything."""
        rights = {"is_staff": True, "is_superuser": True, "is_super_admin": True}
        return self.create_user(email, password, first_name=first_name, last_name=last_name, **rights, **extra)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The balances are a read model of billing's ledger, written only from its events."""

    id = id_field()
    version = models.BigIntegerField(default=1)
    email = models.EmailField(unique=True, null=True)
    first_name = models.CharField(max_length=140, blank=True)
    last_name = models.CharField(max_length=140, blank=True)
    user_profile = models.TextField(blank=True)
    time_format = models.CharField(max_length=3, default="24H", choices=[(f, f) for f in TIME_FORMATS])
    date_format = models.CharField(max_length=3, default="DMY", choices=[(f, f) for f in DATE_FORMATS])
    date_separator = models.CharField(max_length=1, default="/", choices=[("/", "/"), ("-", "-"), (".", ".")])
    datetime_separator = models.CharField(max_length=1, default=" ", choices=[(" ", "space"), ("T", "T")])
    decimal_separator = models.CharField(max_length=1, default=",", choices=[(",", ","), (".", ".")])
    is_super_admin = models.BooleanField(default=False)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=utc_now)
    coupons_activated = models.JSONField(default=dict, blank=True)
    last_billing_time = models.DateTimeField(null=True, blank=True)
    user_balance = money_field(default=0)
    user_ixioo_balance = money_field(default=0)
    coupon_balance = money_field(default=0)
    ledger_version = models.BigIntegerField(default=0)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["first_name", "last_name"]

    class Meta:
        db_table = "user"
        constraints = [
            models.CheckConstraint(name="coupon_not_negative", condition=models.Q(coupon_balance__gte=0)),
            one_of("time_format_known", "time_format", TIME_FORMATS),
            one_of("date_format_known", "date_format", DATE_FORMATS),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or str(self.id)

    def get_full_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_user_teams(self) -> models.QuerySet[Team]:
        """The teams she is in."""
        return Team.objects.filter(memberships__user=self).order_by("name")

    def create_team(self, name: str) -> Team:
        """Make a team that she owns. The seed has this on the user; the rule lives in the commands."""
        return import_string("identity.commands.create_team")(owner=self, name=name)  # type: ignore[no-any-return]

    @staticmethod
    def get_super_admin() -> User | None:
        """The person who runs the installation: the first super admin."""
        return User.objects.filter(is_super_admin=True, is_active=True).order_by("date_joined").first()


class Team(Timestamped):
    """People who share machines; `permission` is what Django's own checks ask for."""

    id = id_field()
    version = models.BigIntegerField(default=1)
    name = models.CharField(max_length=200)
    admin_user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="administered_teams")
    permission = models.OneToOneField(Permission, on_delete=models.PROTECT, null=True)
    url = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "team"

    def __str__(self) -> str:
        return self.name

    def add_user_to_team(self, user: User, role: str = "member") -> TeamMembership:
        """Give `user` a role in the team."""
        command = import_string("identity.commands.set_role")
        return command(team=self, actor=self.admin_user, user=user, role=role)  # type: ignore[no-any-return]

    def remove_user_from_team(self, user: User) -> None:
        """Take `user` out of the team."""
        import_string("identity.commands.remove_member")(team=self, actor=self.admin_user, user=user)

    def generate_link(self) -> str:
        """A new invitation link for a member, usable once within three days; the old one stays until used."""
        command = import_string("identity.commands.invite")
        _, link = command(team=self, actor=self.admin_user, role="member")
        return str(link)


class TeamMembership(Timestamped):
    """A person's role in a team."""

    id = id_field()
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=[(role, role) for role in ROLES])

    class Meta:
        db_table = "team_membership"
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="one_role_a_team"),
            one_of("role_known", "role", list(ROLES)),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.team}"


class Invitation(Timestamped):
    """A way into a team; the token is shown once and stored hashed."""

    id = id_field()
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    made_by = models.ForeignKey(User, on_delete=models.CASCADE)
    token_hash = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=10, choices=[(role, role) for role in ROLES])
    email = models.EmailField(blank=True)
    uses_left = models.PositiveIntegerField(default=1)
    expires_at = models.DateTimeField()
    revoked = models.BooleanField(default=False)

    class Meta:
        db_table = "invitation"

    def __str__(self) -> str:
        return f"invitation to {self.team} as {self.role}"


class ApiKey(Timestamped):
    """A key for programs: only its hash is kept; it opens what its scopes say."""

    id = id_field()
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, blank=True)
    name = models.CharField(max_length=100)
    secret_hash = models.CharField(max_length=64)
    tail = models.CharField(max_length=4)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "api_key"

    def __str__(self) -> str:
        return f"{self.name} (…{self.tail})"


class SigningKey(models.Model):
    """A key pair for access tokens; the private half is encrypted under the installation's secret."""

    kid = models.CharField(max_length=64, primary_key=True)
    public_jwk = models.JSONField()
    private_sealed = models.BinaryField()
    created_at = models.DateTimeField(default=utc_now)
    signs_from = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "signing_key"

    def __str__(self) -> str:
        return self.kid


class Session(Timestamped):
    """One signed-in browser or program: a family of refresh tokens of which only the newest works."""

    id = id_field()
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    refresh_hash = models.CharField(max_length=64, unique=True)
    used_hashes = models.JSONField(default=list)
    user_agent = models.CharField(max_length=200, blank=True)
    ip = models.GenericIPAddressField(null=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "session"

    def __str__(self) -> str:
        return f"session of {self.user}"


class AuditEntry(models.Model):
    """Who did what to what, from where, when, with which outcome; append-only and chained by hash."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=utc_now)
    actor_id = models.UUIDField(null=True)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=200, blank=True)
    ip = models.GenericIPAddressField(null=True)
    outcome = models.CharField(max_length=20, default="ok")
    details = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    entry_hash = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_entry"
        ordering = ["id"]
        indexes = [models.Index(fields=["actor_id", "-id"], name="audit_by_actor")]

    def __str__(self) -> str:
        return f"{self.action} {self.target} {self.outcome}"
