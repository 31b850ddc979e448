-- `{s}` is the schema's name.

-- What is kept of each call. The columns beside `record` repeat what queries need of it.
CREATE TABLE {s}.calls (
    n          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- counts the calls as they came
    id         uuid   NOT NULL UNIQUE,
    tenant     text   COLLATE "C" NOT NULL,
    run        text   COLLATE "C" NOT NULL,
    position   bigint NOT NULL,         -- 64 bits, unsigned; shown negative from 2^63 on
    content    text   NOT NULL,         -- digest, hexadecimal
    state      text   NOT NULL,
    version    bigint NOT NULL,         -- what a compare-and-set compares
    tool       text   NOT NULL,
    priority   text   NOT NULL,
    created_at bigint NOT NULL,         -- times: milliseconds since 1970, UTC
    due_at     bigint NOT NULL,
    expires_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    session    uuid,                    -- who claimed it,
    epoch      bigint,                  -- and in which of that session's leases
    record     text   NOT NULL,         -- JSON, without secrets
    UNIQUE (tenant, run, position)
);

-- Pages of a tenant's calls in some states, in order.
CREATE INDEX calls_by_state ON {s}.calls (tenant, state, n);
-- What may run, in the order in which it came.
CREATE INDEX calls_approved ON {s}.calls (n) WHERE state = 'approved';
-- What waits, in the order in which it expires; what runs, by who runs it.
CREATE INDEX calls_waiting ON {s}.calls (expires_at) WHERE state IN ('pending', 'approved');
CREATE INDEX calls_running ON {s}.calls (session, epoch) WHERE state = 'claimed';

-- Arguments, sealed under the host's key, until the call has ended.
CREATE TABLE {s}.payloads (
    call   bigint PRIMARY KEY REFERENCES {s}.calls (n),
    sealed bytea  NOT NULL
);

-- Results, sealed under the host's key.
CREATE TABLE {s}.results (
    call   bigint PRIMARY KEY REFERENCES {s}.calls (n),
    sealed bytea  NOT NULL
);

-- What happened: one row for each change of a call. Writers leave `seq` empty, so that they need not
-- wait for one another; `number_history` fills it in.
CREATE TABLE {s}.history (
    n       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seq     bigint UNIQUE,              -- where a reader goes on: in order and without a hole
    call    bigint NOT NULL REFERENCES {s}.calls (n),
    version bigint NOT NULL,            -- the call's, after the change
    write   uuid   NOT NULL,            -- which attempt of which replica it was
    entry   text   NOT NULL,            -- JSON
    UNIQUE (call, version)
);
CREATE INDEX history_to_number ON {s}.history (n) WHERE seq IS NULL;

-- The last number given to a row of the history.
CREATE TABLE {s}.numbered (last bigint NOT NULL);
INSERT INTO {s}.numbered VALUES (0);

-- Gives the next numbers to at most `most` rows that were committed since the last time, and says how
-- many. One at a time, so that numbers count up by one; a row that is committed late gets a later
-- number, so that no reader who has gone past can miss it.
CREATE FUNCTION {s}.number_history(most bigint) RETURNS bigint LANGUAGE plpgsql AS $body$
DECLARE
    before bigint;
    given  bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM {s}.history WHERE seq IS NULL) THEN
        RETURN 0;
    END IF;
    -- Each statement from here on sees what was committed while it waited for this row.
    SELECT last INTO before FROM {s}.numbered FOR UPDATE;
    UPDATE {s}.history h SET seq = before + f.place
      FROM (SELECT u.n, row_number() OVER (ORDER BY u.n) AS place
              FROM (SELECT n FROM {s}.history WHERE seq IS NULL ORDER BY n LIMIT most) u) f
     WHERE h.n = f.n;
    GET DIAGNOSTICS given = ROW_COUNT;
    UPDATE {s}.numbered SET last = before + given;
    RETURN given;
END
$body$;

-- Who is alive: a session is dead when its row is gone, its lease has run out, or its epoch is past.
CREATE TABLE {s}.sessions (
    id          uuid        PRIMARY KEY,
    epoch       bigint      NOT NULL,
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_until timestamptz NOT NULL
);

-- About the store itself.
CREATE TABLE {s}.meta (
    name  text PRIMARY KEY,
    value text NOT NULL
);
INSERT INTO {s}.meta VALUES ('epoch', '1');
