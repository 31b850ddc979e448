-- Changes that are not known to stand in the audit: the gate that made one puts it there and says so,
-- and then it goes. Those of a dead gate, and those that nobody made (a restore), are the next gate's.
-- Narrow, and short while gates live: what was changed is in the history.
CREATE TABLE {s}.unaudited (
    call    bigint NOT NULL,
    version bigint NOT NULL,            -- the call's, after the change
    auditor uuid,                       -- the session that is to audit it
    PRIMARY KEY (call, version)
);
INSERT INTO {s}.unaudited
    SELECT DISTINCT h.call, h.version
      FROM {s}.outbox o JOIN {s}.history h ON h.entry = o.entry;
DROP TABLE {s}.outbox;
