"""What TITAN's services have in common: money, ids, time, time series tables and the event contracts."""
