-- What is kept of each call. The columns beside `record` repeat what queries need of it.
CREATE TABLE calls (
    n          INTEGER PRIMARY KEY,          -- counts the calls, in the order of their creation
    id         TEXT    NOT NULL UNIQUE,
    tenant     TEXT    NOT NULL,
    run        TEXT    NOT NULL,
    position   INTEGER NOT NULL,             -- 64 bits, unsigned; shown negative from 2^63 on
    content    TEXT    NOT NULL,             -- digest, hexadecimal
    state      TEXT    NOT NULL,
    version    INTEGER NOT NULL,             -- what a compare-and-set compares
    tool       TEXT    NOT NULL,
    priority   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,             -- times: milliseconds since 1970, UTC
    due_at     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    session    TEXT,                         -- who claimed it
    record     TEXT    NOT NULL,             -- JSON, without secrets
    UNIQUE (tenant, run, position)
) STRICT;

-- Pages of a tenant's calls in some states. Each entry ends in `n`, so each state's are in order.
CREATE INDEX calls_by_state ON calls (tenant, state);
-- What may run, in the order in which it came.
CREATE INDEX calls_approved ON calls (state) WHERE state = 'approved';
-- What waits, in the order in which it expires; what runs, by who runs it.
CREATE INDEX calls_waiting ON calls (expires_at) WHERE state IN ('pending', 'approved');
CREATE INDEX calls_running ON calls (session) WHERE state = 'claimed';

-- Arguments, sealed under the host's key, until the call has ended.
CREATE TABLE payloads (
    call   INTEGER PRIMARY KEY REFERENCES calls (n),
    sealed BLOB NOT NULL
) STRICT;

-- Results, sealed under the host's key.
CREATE TABLE results (
    call   INTEGER PRIMARY KEY REFERENCES calls (n),
    sealed BLOB NOT NULL
) STRICT;

-- What happened, in order and without a hole: one row for each change of a call.
CREATE TABLE history (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    call  INTEGER NOT NULL REFERENCES calls (n),
    entry TEXT NOT NULL                      -- JSON
) STRICT;

-- About the file itself.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- A restored backup gets another epoch, so that what it holds is not mistaken for the present.
INSERT INTO meta VALUES ('epoch', '1');
