"""Reading ml: what a caller may find, what it costs, what pages say about it."""

from ml.queries.access import (
    channel_of,
    machine_called,
    machine_for,
    machine_to_solve,
    market,
    rights_of,
    solved_work_for,
    visible_machines,
    visible_works,
    work_for,
)
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
from ml.queries.money import Offer, available, offer, offers, prices, solving_offer, worth_in_usd

__all__ = [
    "Offer",
    "OutputScore",
    "Use",
    "available",
    "channel_of",
    "drawn_lines",
    "facts_of",
    "favourites_of",
    "graph_for",
    "latest_works",
    "machine_called",
    "machine_for",
    "machine_to_solve",
    "market",
    "offer",
    "offers",
    "place_in_queue",
    "prices",
    "rights_of",
    "scores_of",
    "solved_work_for",
    "solving_offer",
    "team_name",
    "teams_named",
    "use_of",
    "version_of",
    "visible_machines",
    "visible_works",
    "work_for",
    "worth_in_usd",
]
