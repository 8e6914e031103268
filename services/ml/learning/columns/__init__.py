"""What the columns of a table hold: statistics by the streamed pass, and the type inferred from them."""
