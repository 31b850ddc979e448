-- The call that holds each effect: only the holder may start. The last call before it that may have run counts
-- again if the holder ends without a start. Each goes when the call's key does.
CREATE TABLE effects (
    tenant  TEXT NOT NULL,
    effect  TEXT NOT NULL,                   -- SHA-256, as hexadecimal digits
    call    TEXT NOT NULL,                   -- calls.id
    earlier TEXT,                            -- calls.id
    PRIMARY KEY (tenant, effect)
) STRICT, WITHOUT ROWID;
CREATE INDEX effects_by_call ON effects (call);
CREATE INDEX effects_by_earlier ON effects (earlier) WHERE earlier IS NOT NULL;
