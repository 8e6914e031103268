"""ml's pages: machines, upload and correction, live training, solving, the market."""

from django.urls import path

from ml.pages import graphs, machines, market, purchases, readings, setup, solving, works

urlpatterns = [
    path("", machines.machines, name="machines"),
    path("machines/new", setup.new, name="new-machine"),
    path("machines/<uuid:machine_id>", machines.machine, name="machine"),
    path("machines/<uuid:machine_id>/setup", setup.setup, name="setup"),
    path("machines/<uuid:machine_id>/dialect", setup.dialect, name="dialect"),
    path("machines/<uuid:machine_id>/dialect/preview", setup.preview, name="dialect-preview"),
    path("machines/<uuid:machine_id>/columns", setup.columns, name="columns"),
    path("machines/<uuid:machine_id>/train", works.train, name="train"),
    path("machines/<uuid:machine_id>/solve", solving.solve, name="solve"),
    path("machines/<uuid:machine_id>/solve-file", solving.solve_file, name="solve-file"),
    path("machines/<uuid:machine_id>/append", machines.append, name="append"),
    path("machines/<uuid:machine_id>/publish", machines.publish, name="publish"),
    path("machines/<uuid:machine_id>/withdraw", machines.withdraw, name="withdraw"),
    path("machines/<uuid:machine_id>/delete", machines.delete, name="delete"),
    path("machines/<uuid:machine_id>/graph", graphs.graph, name="graph"),
    path("machines/<uuid:machine_id>/graph/figures.csv", graphs.figures, name="graph-figures"),
    path("machines/<uuid:machine_id>/graph/picture.<str:picture>", graphs.picture, name="graph-picture"),
    path("machines/<uuid:machine_id>/graph/keep", graphs.keep, name="keep-graph"),
    path("machines/<uuid:machine_id>/graph/forget", graphs.forget, name="forget-graph"),
    path("readings/<uuid:reading_id>", readings.reading, name="reading"),
    path("readings/<uuid:reading_id>/live", readings.live, name="reading-live"),
    path("readings/<uuid:reading_id>/cancel", readings.cancel, name="cancel-reading"),
    path("works", works.works, name="works"),
    path("works/<uuid:work_id>", works.work, name="work"),
    path("works/<uuid:work_id>/live", works.live, name="work-live"),
    path("works/<uuid:work_id>/cancel", works.cancel, name="cancel-work"),
    path("works/<uuid:work_id>/result", works.result, name="work-result"),
    path("market", market.market, name="market"),
    path("market/<uuid:machine_id>", market.listing, name="listing"),
    path("market/<uuid:machine_id>/buy", purchases.buy, name="buy"),
    path("machines/<uuid:machine_id>/terms", purchases.terms, name="terms"),
    path("purchases", purchases.purchases, name="purchases"),
    path("purchases/<uuid:purchase_id>", purchases.purchase, name="purchase"),
    path("purchases/<uuid:purchase_id>/live", purchases.live, name="purchase-live"),
    path("purchases/<uuid:purchase_id>/cancel", purchases.cancel, name="cancel-purchase"),
    path("purchases/<uuid:purchase_id>/lines.csv", purchases.lines, name="bought-lines"),
]
