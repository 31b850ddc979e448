
-- Retention: what ended, in the order in which it ended; of what is erased, when its run began, where
-- the run's id says so.
ALTER TABLE calls ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN began INTEGER;
CREATE INDEX calls_ended ON calls (updated_at)
    WHERE erased = 0
    AND state IN ('executed', 'failed', 'rejected', 'responded', 'expired', 'cancelled', 'denied');
CREATE INDEX calls_erased ON calls (began) WHERE erased = 1 AND began IS NOT NULL;
-- The history of one call.
CREATE INDEX history_by_call ON history (call);

-- Long-running tasks: who may go on with each, and what it has done.
CREATE TABLE tasks (
    n     INTEGER PRIMARY KEY,
    id    TEXT    NOT NULL UNIQUE,
    epoch INTEGER NOT NULL                   -- of the newest claim
) STRICT;
CREATE TABLE journal (
    seq   INTEGER PRIMARY KEY,
    task  INTEGER NOT NULL REFERENCES tasks (n),
    entry BLOB    NOT NULL                   -- JSON; opaque to the store
) STRICT;
CREATE INDEX journal_by_task ON journal (task);
