-- Grants: standing permissions, and what has been drawn on each. The columns beside `record` repeat
-- what queries need of it.
CREATE TABLE {s}.grants (
    n         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id        uuid    NOT NULL UNIQUE,
    tenant    text    COLLATE "C" NOT NULL,
    tool      text    COLLATE "C" NOT NULL,
    principal text    COLLATE "C" NOT NULL,
    version   bigint  NOT NULL,               -- what a compare-and-set compares
    revoked   boolean NOT NULL DEFAULT false, -- somebody took it back
    ends      bigint  NOT NULL,               -- when it is or was over, in milliseconds; 2^63 - 1: never
    record    text    NOT NULL                -- JSON
);
-- What a call may run on, as it was given.
CREATE INDEX grants_live ON {s}.grants (tenant, tool, principal, id, ends) WHERE NOT revoked;
-- Pages of a tenant's grants, of one tool or of all.
CREATE INDEX grants_by_tool ON {s}.grants (tenant, tool, id);
CREATE INDEX grants_by_tenant ON {s}.grants (tenant, id);
-- What retention forgets.
CREATE INDEX grants_ended ON {s}.grants (ends);
