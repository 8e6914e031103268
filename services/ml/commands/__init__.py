"""Everything that changes ml: one keyword-only function is one transaction."""

from ml.commands.cleaning import clean_store
from ml.commands.correction import correct_machine
from ml.commands.leases import (
    StoredModel,
    begin_work,
    fail_work,
    finish_solving,
    finish_training,
    give_back_work,
    give_up_expired_leases,
    greet_from_server,
    lease_work,
    lose_attempt,
    register_server,
    report_progress,
)
from ml.commands.lines import append_lines, check_rows, look_at_appended_lines, received_rows
from ml.commands.machines import (
    change_machine,
    create_machine,
    delete_machine,
    publish_machine,
    read_upload,
    withdraw_machine,
)
from ml.commands.projections import keep_funds, keep_prices
from ml.commands.reading import stretches_of
from ml.commands.solving import Order, solve_rows
from ml.commands.usage import count_usage, forget_counted_usage
from ml.commands.work import (
    authorize_work,
    cancel_work,
    decline_work,
    expire_hold,
    note_charge,
    request_solving,
    request_training,
    unsolved_lines,
)

__all__ = [
    "Order",
    "StoredModel",
    "append_lines",
    "authorize_work",
    "begin_work",
    "cancel_work",
    "change_machine",
    "check_rows",
    "clean_store",
    "correct_machine",
    "count_usage",
    "create_machine",
    "decline_work",
    "delete_machine",
    "expire_hold",
    "fail_work",
    "finish_solving",
    "finish_training",
    "forget_counted_usage",
    "give_back_work",
    "give_up_expired_leases",
    "greet_from_server",
    "keep_funds",
    "keep_prices",
    "lease_work",
    "look_at_appended_lines",
    "lose_attempt",
    "note_charge",
    "publish_machine",
    "read_upload",
    "received_rows",
    "register_server",
    "report_progress",
    "request_solving",
    "request_training",
    "solve_rows",
    "stretches_of",
    "unsolved_lines",
    "withdraw_machine",
]
