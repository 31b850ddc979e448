-- The queue: who asked, how much of a human it needs, the priority as a number that counts up from
-- the most urgent, and the turn among the pending calls of that priority in the tenant.
ALTER TABLE calls ADD COLUMN principal TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN level TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN rank INTEGER NOT NULL DEFAULT 2;
ALTER TABLE calls ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
UPDATE calls SET
    principal = coalesce(json_extract(record, '$.request.principal'), ''),
    level     = coalesce(json_extract(record, '$.request.level'), ''),
    rank      = CASE priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 ELSE 2 END;

-- What has not ended, in the reviewers' order and as it is due. Each entry ends in `n`.
CREATE INDEX calls_queue ON calls (tenant, state, rank, turn, due_at)
    WHERE state = 'pending' OR state = 'approved' OR state = 'claimed' OR state = 'outcomeUnknown';
CREATE INDEX calls_due ON calls (tenant, state, due_at)
    WHERE state = 'pending' OR state = 'approved' OR state = 'claimed' OR state = 'outcomeUnknown';
-- The turns of one principal's calls.
CREATE INDEX calls_turns ON calls (tenant, principal, rank, turn) WHERE state = 'pending';
-- How many wait.
CREATE INDEX calls_levels ON calls (tenant, rank, level) WHERE state = 'pending';
