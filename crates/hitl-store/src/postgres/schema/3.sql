-- The queue: who asked, how much of a human it needs, the priority as a number that counts up from
-- the most urgent, and the turn among the pending calls of that priority in the tenant.
ALTER TABLE {s}.calls
    ADD COLUMN principal text   COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN level     text   NOT NULL DEFAULT '',
    ADD COLUMN rank      bigint NOT NULL DEFAULT 2,
    ADD COLUMN turn      bigint NOT NULL DEFAULT 0;
-- chr(1) stands for an escaped backslash, so that what follows one is not taken for a \u0000.
UPDATE {s}.calls SET
    principal = coalesce(
        replace(replace(replace(replace(record, '\\', chr(1)), '\u0001', '\u00011'),
                        '\u0000', '\u00010'), chr(1), '\\')::json #>> '{request,principal}', ''),
    level     = coalesce(
        replace(replace(replace(record, '\\', chr(1)), '\u0000', ''), chr(1), '\\')::json
            #>> '{request,level}', ''),
    rank      = CASE priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 ELSE 2 END;

-- What has not ended, in the reviewers' order and as it is due.
CREATE INDEX calls_queue ON {s}.calls (tenant, state, rank, turn, due_at, n)
    WHERE state IN ('pending', 'approved', 'claimed', 'outcomeUnknown');
CREATE INDEX calls_due ON {s}.calls (tenant, state, due_at, n)
    WHERE state IN ('pending', 'approved', 'claimed', 'outcomeUnknown');
-- The turns of one principal's calls.
CREATE INDEX calls_turns ON {s}.calls (tenant, principal, rank, turn) WHERE state = 'pending';
-- How many wait.
CREATE INDEX calls_levels ON {s}.calls (tenant, rank, level) WHERE state = 'pending';
