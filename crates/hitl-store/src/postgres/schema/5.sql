
-- Changes that nobody could audit when they happened, at a restore: the next gate does, and then they go.
CREATE TABLE {s}.outbox (
    n     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry text   NOT NULL               -- JSON, as in the history
);
