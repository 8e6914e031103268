"""TA-Lib without pandas, which its package imports where it can, only to take its Series: 90 MB a process."""

from __future__ import annotations

from service_base.imports import import_without

talib = import_without("pandas", "talib")
