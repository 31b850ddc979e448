
-- Retention: what ended, in the order in which it ended; of what is erased, when its run began, where
-- the run's id says so.
ALTER TABLE {s}.calls ADD COLUMN erased boolean NOT NULL DEFAULT false;
ALTER TABLE {s}.calls ADD COLUMN began bigint;
CREATE INDEX calls_ended ON {s}.calls (updated_at)
    WHERE NOT erased
    AND state IN ('executed', 'failed', 'rejected', 'responded', 'expired', 'cancelled', 'denied');
CREATE INDEX calls_erased ON {s}.calls (began) WHERE erased AND began IS NOT NULL;

-- Long-running tasks: who may go on with each, and what it has done. Whoever appends locks the task's
-- row, so that entries are numbered in the order in which they are committed.
CREATE TABLE {s}.tasks (
    n       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id      uuid   NOT NULL UNIQUE,
    epoch   bigint NOT NULL,            -- of the newest claim
    entries bigint NOT NULL DEFAULT 0   -- how many there are
);
CREATE TABLE {s}.journal (
    task   bigint NOT NULL REFERENCES {s}.tasks (n),
    number bigint NOT NULL,             -- counts a task's entries
    write  uuid   NOT NULL,             -- which attempt of which process it was
    entry  bytea  NOT NULL,             -- JSON in UTF-8; opaque to the store
    PRIMARY KEY (task, number),
    UNIQUE (task, write)
);
