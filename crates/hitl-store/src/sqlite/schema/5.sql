-- The run that the whole work began with: calls that one agent delegates to another are shown under it.
ALTER TABLE calls ADD COLUMN root TEXT;
UPDATE calls SET root = run;
CREATE INDEX calls_by_root ON calls (tenant, root);
-- What a human has rejected, in each run: it is not asked about again.
CREATE INDEX calls_rejected ON calls (tenant, run, content) WHERE state = 'rejected';
