"""Everything that changes identity: one keyword-only function is one transaction."""

from identity.commands.audit import record, verify_chain
from identity.commands.keys import (
    create_api_key,
    is_worth_noting,
    keep_signing_keys,
    note_key_use,
    revoke_api_key,
    rotate_signing_key,
)
from identity.commands.people import (
    change_formats,
    change_profile,
    first_operator,
    keep_balances,
    keep_coupon,
    make_operator,
    register,
    set_active,
)
from identity.commands.saying_again import republish
from identity.commands.sessions import SessionTokens, end_session, refresh, sign_in
from identity.commands.teams import (
    accept_invitation,
    create_team,
    delete_team,
    invite,
    leave_team,
    remove_member,
    rename_team,
    revoke_invitation,
    set_role,
    transfer_ownership,
)

__all__ = [
    "SessionTokens",
    "accept_invitation",
    "change_formats",
    "change_profile",
    "create_api_key",
    "create_team",
    "delete_team",
    "end_session",
    "first_operator",
    "invite",
    "is_worth_noting",
    "keep_balances",
    "keep_coupon",
    "keep_signing_keys",
    "leave_team",
    "make_operator",
    "note_key_use",
    "record",
    "refresh",
    "register",
    "remove_member",
    "rename_team",
    "republish",
    "revoke_api_key",
    "revoke_invitation",
    "rotate_signing_key",
    "set_active",
    "set_role",
    "sign_in",
    "transfer_ownership",
    "verify_chain",
]
