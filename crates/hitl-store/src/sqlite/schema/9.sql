-- Which executor runs which tools, so that whoever decides knows what has changed.
CREATE TABLE executors (
    session     TEXT    PRIMARY KEY,
    recorded_at INTEGER NOT NULL,  -- milliseconds since 1970, UTC
    digest      TEXT    NOT NULL,  -- SHA-256 of `tools`, hexadecimal: the same tools have the same
    tools       TEXT    NOT NULL   -- JSON
) STRICT, WITHOUT ROWID;
