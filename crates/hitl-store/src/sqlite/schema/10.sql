-- For which call each decision has counted: an id counts for one call. It goes when the call's key does.
CREATE TABLE decisions (
    id   TEXT    NOT NULL PRIMARY KEY,
    call INTEGER NOT NULL                    -- calls.n
) STRICT, WITHOUT ROWID;
CREATE INDEX decisions_by_call ON decisions (call);
INSERT OR IGNORE INTO decisions
    SELECT json_extract(record, '$.decided.id'), n FROM calls
     WHERE json_extract(record, '$.decided.id') IS NOT NULL;
INSERT OR IGNORE INTO decisions
    SELECT json_extract(vote.value, '$.id'), n FROM calls, json_each(calls.record, '$.votes') AS vote
     WHERE json_extract(vote.value, '$.id') IS NOT NULL;
INSERT OR IGNORE INTO decisions
    SELECT json_extract(edit.value, '$.edited.id'), n
      FROM calls, json_each(calls.record, '$.earlier') AS edit
     WHERE json_extract(edit.value, '$.edited.id') IS NOT NULL;
-- Legal holds: what they cover is erased and forgotten by nothing. The columns beside `record` repeat what
-- queries need of it.
CREATE TABLE holds (
    id     TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    scope  TEXT NOT NULL,                    -- 'call', 'principal' or 'tenant'
    call   TEXT,                             -- the id, of a call
    record TEXT NOT NULL                     -- JSON
) STRICT, WITHOUT ROWID;
-- Processes of older versions that still run change nothing from here on: what they write has no row in
-- `decisions` and is erased under a hold. Every statement of theirs that writes names one of these columns.
ALTER TABLE calls RENAME COLUMN session TO claimant;
ALTER TABLE calls RENAME COLUMN began TO run_began;
