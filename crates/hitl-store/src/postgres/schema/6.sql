-- The run that the whole work began with: calls that one agent delegates to another are shown under it.
ALTER TABLE {s}.calls ADD COLUMN root text COLLATE "C";
UPDATE {s}.calls SET root = run;
CREATE INDEX calls_by_root ON {s}.calls (tenant, root, n);
-- What a human has rejected, in each run: it is not asked about again.
CREATE INDEX calls_rejected ON {s}.calls (tenant, run, content, n) WHERE state = 'rejected';
