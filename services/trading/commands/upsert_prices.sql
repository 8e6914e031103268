-- Every incoming candle is inserted, or revises a stored one that differs; equal ones are left alone.
-- xmax is zero only for a row that this statement inserted.
WITH written AS (
    INSERT INTO price (symbol_id, timeframe, timestamp, source, open, high, low, close, volume, adjusted_close)
    SELECT %(symbol)s, %(timeframe)s, timestamp, %(source)s,
           round(open, 8), round(high, 8), round(low, 8), round(close, 8), round(volume, 8), round(adjusted_close, 8)
    FROM incoming_price
    ON CONFLICT (symbol_id, timeframe, timestamp, source) DO UPDATE
    SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, adjusted_close = excluded.adjusted_close
    WHERE (price.open, price.high, price.low, price.close, price.volume, price.adjusted_close)
          IS DISTINCT FROM
          (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.adjusted_close)
    RETURNING timestamp, (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new), min(timestamp), max(timestamp) FROM written
