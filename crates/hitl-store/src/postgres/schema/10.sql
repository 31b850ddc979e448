-- Which executor runs which tools, so that whoever decides knows what has changed.
CREATE TABLE {s}.executors (
    session     uuid   PRIMARY KEY,
    recorded_at bigint NOT NULL,  -- milliseconds since 1970, UTC
    digest      text   NOT NULL,  -- SHA-256 of `tools`, hexadecimal: the same tools have the same
    tools       text   NOT NULL   -- JSON
);
