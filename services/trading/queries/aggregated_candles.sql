-- The same candles, from the continuous aggregate up to where it is sound and made of finer ones from there on. One
-- statement sees one moment: neither a refresh nor a correction can come between its two halves.
WITH frontier AS (
    SELECT coalesce(max(sound_until), '-infinity') AS sound_until
    FROM candle_frontier
    WHERE symbol_id = %(symbol)s AND source = %(source)s AND timeframe = %(coarser)s
)
SELECT opened, open, high, low, close, volume
FROM (
    (
        SELECT opened, open, high, low, close, volume
        FROM "{aggregate}"
        WHERE symbol_id = %(symbol)s AND timeframe = %(stored)s AND source = %(source)s
          AND opened >= %(start)s::timestamptz
          AND opened < least(%(end)s::timestamptz, (SELECT sound_until FROM frontier))
        ORDER BY opened {order}
        LIMIT %(limit)s
    )
    UNION ALL
    (
        {made}
    )
) AS both_parts
ORDER BY opened {order}
LIMIT %(limit)s
