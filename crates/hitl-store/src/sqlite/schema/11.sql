-- The call that holds each effect: only the holder may start. It goes when the call's key does.
CREATE TABLE effects (
    tenant TEXT NOT NULL,
    effect TEXT NOT NULL,                    -- SHA-256, as hexadecimal digits
    call   TEXT NOT NULL,                    -- calls.id
    PRIMARY KEY (tenant, effect)
) STRICT, WITHOUT ROWID;
CREATE INDEX effects_by_call ON effects (call);
