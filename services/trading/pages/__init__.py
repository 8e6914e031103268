"""Trading's pages: bots, a run with its live log, symbols, keys."""

from django.urls import path

from trading.pages import bots, keys, runs, symbols

urlpatterns = [
    path("", bots.bots, name="bots"),
    path("bots/new", bots.new_bot, name="new-bot"),
    path("bots/parameters", bots.parameters, name="bot-parameters"),
    path("bots/<uuid:bot_id>", bots.bot, name="bot"),
    path("bots/<uuid:bot_id>/start", bots.start, name="start-bot"),
    path("bots/<uuid:bot_id>/delete", bots.delete, name="delete-bot"),
    path("runs/<uuid:run_id>", runs.run, name="run"),
    path("runs/<uuid:run_id>/strip", runs.strip, name="run-strip"),
    path("runs/<uuid:run_id>/charts", runs.charts, name="run-charts"),
    path("runs/<uuid:run_id>/<str:what>", runs.ask, name="ask-run"),
    path("symbols", symbols.symbols, name="symbols"),
    path("symbols/<uuid:symbol_id>", symbols.symbol, name="symbol"),
    path("symbols/<uuid:symbol_id>/load", symbols.load, name="load-prices"),
    path("keys", keys.keys, name="keys"),
    path("keys/<uuid:key_id>/<str:what>", keys.ask, name="ask-key"),
]
