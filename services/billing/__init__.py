"""Money: the ledger, prices, quotes, holds, coupons, top-ups and what each of them proves."""
