-- The call that holds each effect: only the holder may start. The last call before it that may have run counts
-- again if the holder ends without a start. Each goes when the call's key does.
CREATE TABLE {s}.effects (
    tenant  text COLLATE "C" NOT NULL,
    effect  text COLLATE "C" NOT NULL,  -- SHA-256, as hexadecimal digits
    call    uuid NOT NULL,              -- calls.id
    earlier uuid,                       -- calls.id
    PRIMARY KEY (tenant, effect)
);
CREATE INDEX effects_by_call ON {s}.effects (call);
CREATE INDEX effects_by_earlier ON {s}.effects (earlier) WHERE earlier IS NOT NULL;
