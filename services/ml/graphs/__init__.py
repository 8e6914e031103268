"""Drawing a table: columns in, statistics over all lines, a Vega-Lite picture and its figures out. No Django."""
