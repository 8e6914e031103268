"""Reading ml: what a caller may find, what it costs, what pages say about it."""

from ml.queries.access import (
    channel_of,
    machine_called,
    machine_for,
    market,
    rights_of,
    solved_work_for,
    visible_machines,
    visible_works,
    work_for,
)
from ml.queries.drift import Drift, drift_of
from ml.queries.figures import (
    OutputScore,
    Use,
    latest_works,
    place_in_queue,
    scores_of,
    team_name,
    teams_named,
    use_of,
)
from ml.queries.graphs import drawn_lines, facts_of, favourites_of, graph_for, version_of
from ml.queries.money import Offer, available, offer, offers, prices, solving_offer, usd_per_eaml, worth_in_usd
from ml.queries.purchases import ForSale, bought_lines, for_sale, purchase_for, purchases_of, sales_of, sample_of
from ml.queries.readings import reading_for, readings_of
from ml.queries.servers import all_servers, dead_works, has_ended, is_kept, live_servers, why_it_waits
from ml.queries.solving import ToSolve, to_solve

__all__ = [
    "Drift",
    "ForSale",
    "Offer",
    "OutputScore",
    "ToSolve",
    "Use",
    "all_servers",
    "available",
    "bought_lines",
    "channel_of",
    "dead_works",
    "drawn_lines",
    "drift_of",
    "facts_of",
    "favourites_of",
    "for_sale",
    "graph_for",
    "has_ended",
    "is_kept",
    "latest_works",
    "live_servers",
    "machine_called",
    "machine_for",
    "market",
    "offer",
    "offers",
    "place_in_queue",
    "prices",
    "purchase_for",
    "purchases_of",
    "reading_for",
    "readings_of",
    "rights_of",
    "sales_of",
    "sample_of",
    "scores_of",
    "solved_work_for",
    "solving_offer",
    "team_name",
    "teams_named",
    "to_solve",
    "usd_per_eaml",
    "use_of",
    "version_of",
    "visible_machines",
    "visible_works",
    "why_it_waits",
    "work_for",
    "worth_in_usd",
]
