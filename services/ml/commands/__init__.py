"""Everything that changes ml: one keyword-only function is one transaction."""

from ml.commands.cleaning import clean_store
from ml.commands.correction import correct_machine
from ml.commands.deliveries import (
    Changing,
    NotDeliverable,
    Parcel,
    deliver_copy,
    deliver_lines,
    deliver_news,
    fail_delivery,
    lease_purchase,
    parcel_of,
    postpone_delivery,
    report_delivery,
    retry_delivery,
)
from ml.commands.graphs import change_graph, delete_graph, keep_graph
from ml.commands.leases import (
    StoredModel,
    begin_work,
    fail_work,
    finish_solving,
    finish_training,
    give_back_work,
    give_up_expired_leases,
    lose_attempt,
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
from ml.commands.purchases import (
    authorize_purchase,
    cancel_purchase,
    decline_purchase,
    expire_purchase,
    news_for,
    note_purchase_charge,
    request_purchase,
)
from ml.commands.reading import stretches_of
from ml.commands.servers import greet_from_server, lease_work, register_server
from ml.commands.solving import Order, solve_rows
from ml.commands.terms import set_terms
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
    "Changing",
    "NotDeliverable",
    "Order",
    "Parcel",
    "StoredModel",
    "append_lines",
    "authorize_purchase",
    "authorize_work",
    "begin_work",
    "cancel_purchase",
    "cancel_work",
    "change_graph",
    "change_machine",
    "check_rows",
    "clean_store",
    "correct_machine",
    "count_usage",
    "create_machine",
    "decline_purchase",
    "decline_work",
    "delete_graph",
    "delete_machine",
    "deliver_copy",
    "deliver_lines",
    "deliver_news",
    "expire_hold",
    "expire_purchase",
    "fail_delivery",
    "fail_work",
    "finish_solving",
    "finish_training",
    "forget_counted_usage",
    "give_back_work",
    "give_up_expired_leases",
    "greet_from_server",
    "keep_funds",
    "keep_graph",
    "keep_prices",
    "lease_purchase",
    "lease_work",
    "look_at_appended_lines",
    "lose_attempt",
    "news_for",
    "note_charge",
    "note_purchase_charge",
    "parcel_of",
    "postpone_delivery",
    "publish_machine",
    "read_upload",
    "received_rows",
    "register_server",
    "report_delivery",
    "report_progress",
    "request_purchase",
    "request_solving",
    "request_training",
    "retry_delivery",
    "set_terms",
    "solve_rows",
    "stretches_of",
    "unsolved_lines",
    "withdraw_machine",
]
