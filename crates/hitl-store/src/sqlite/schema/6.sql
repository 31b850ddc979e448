-- Changes that are not known to stand in the audit: the gate that made one puts it there and says so,
-- and then it goes. Those of a dead gate, and those that nobody made (a restore), are the next gate's.
-- Narrow, and short while gates live: what was changed is in the history.
CREATE TABLE unaudited (
    call    INTEGER NOT NULL,
    version INTEGER NOT NULL,                -- the call's, after the change
    seq     INTEGER NOT NULL,                -- its line in the history
    auditor TEXT,                            -- the session that is to audit it
    PRIMARY KEY (call, version)
) STRICT, WITHOUT ROWID;
INSERT INTO unaudited
    SELECT history.call, json_extract(outbox.entry, '$.version'), max(history.seq), NULL
      FROM outbox JOIN calls ON calls.id = json_extract(outbox.entry, '$.id')
      JOIN history ON history.call = calls.n AND history.entry = outbox.entry
     GROUP BY 1, 2;
DROP TABLE outbox;
