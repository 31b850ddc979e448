-- Grants: standing permissions, and what has been drawn on each. The columns beside `record` repeat
-- what queries need of it.
CREATE TABLE grants (
    n         INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT    NOT NULL UNIQUE,
    tenant    TEXT    NOT NULL,
    tool      TEXT    NOT NULL,
    principal TEXT    NOT NULL,
    version   INTEGER NOT NULL,            -- what a compare-and-set compares
    revoked   INTEGER NOT NULL DEFAULT 0,  -- 1: somebody took it back
    ends      INTEGER NOT NULL,            -- when it is or was over, in milliseconds; 2^63 - 1: never
    record    TEXT    NOT NULL             -- JSON
) STRICT;
-- What a call may run on, as it was given.
CREATE INDEX grants_live ON grants (tenant, tool, principal, id, ends) WHERE revoked = 0;
-- Pages of a tenant's grants, of one tool or of all.
CREATE INDEX grants_by_tool ON grants (tenant, tool, id);
CREATE INDEX grants_by_tenant ON grants (tenant, id);
-- What retention forgets.
CREATE INDEX grants_ended ON grants (ends);
