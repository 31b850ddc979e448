-- The calls that an identical call of the same run attaches to: each content at most once. Also for processes
-- that race. 1 until the outcome is delivered, or the call erased.
ALTER TABLE calls ADD COLUMN attachable INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX calls_attachable ON calls (tenant, run, content) WHERE attachable = 1;
