"""Trading: symbols, prices, exchange keys, bots, runs and their live dashboards."""
