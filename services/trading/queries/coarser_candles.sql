-- Candles of a coarser timeframe, made of finer ones; `order` is ASC or DESC. No more fine candles are read than
-- `limit` coarse ones can be made of. Weeks open on Monday, as 2000-01-03 was; all else follows from midnight UTC.
SELECT opened, open, high, low, close, volume
FROM (
    SELECT date_bin(%(width)s, timestamp, '2000-01-03 00:00+00') AS opened,
           (array_agg(open ORDER BY timestamp))[1] AS open, max(high) AS high, min(low) AS low,
           (array_agg(close ORDER BY timestamp DESC))[1] AS close, sum(volume) AS volume
    FROM (
        SELECT timestamp, open, high, low, close, volume
        FROM price
        WHERE symbol_id = %(symbol)s AND timeframe = %(stored)s AND source = %(source)s
          AND timestamp >= {start} AND timestamp < %(end)s::timestamptz
        ORDER BY timestamp {order}
        LIMIT %(fine_limit)s
    ) AS fine
    GROUP BY opened
) AS made
ORDER BY opened {order}
LIMIT %(limit)s
