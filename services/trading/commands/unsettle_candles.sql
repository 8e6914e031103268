-- Candles were written from %(first)s to %(last)s: no aggregate of this symbol is sound beyond the candle of its
-- timeframe that holds the first of them. Weeks are counted from Monday 2000-01-03, as everywhere.
INSERT INTO candle_frontier (symbol_id, source, timeframe, sound_until, newest, writes)
SELECT %(symbol)s, %(source)s, coarser, date_bin(width, %(first)s, '2000-01-03 00:00+00'), %(last)s, 1
FROM unnest(%(timeframes)s::text[], %(widths)s::interval[]) AS target (coarser, width)
ON CONFLICT (symbol_id, source, timeframe) DO UPDATE
SET sound_until = least(candle_frontier.sound_until, excluded.sound_until),
    newest = greatest(candle_frontier.newest, excluded.newest),
    writes = candle_frontier.writes + 1
