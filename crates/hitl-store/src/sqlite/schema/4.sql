-- Changes that nobody could audit when they happened, at a restore: the next gate does, and then they go.
CREATE TABLE outbox (
    n     INTEGER PRIMARY KEY AUTOINCREMENT,
    entry TEXT NOT NULL                      -- JSON, as in the history
) STRICT;
