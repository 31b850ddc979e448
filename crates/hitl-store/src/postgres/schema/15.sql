-- The calls that an identical call of the same run attaches to: each content at most once. Also for replicas
-- that race. True until the outcome is delivered, or the call erased.
ALTER TABLE {s}.calls ADD COLUMN attachable boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX calls_attachable ON {s}.calls (tenant, run, content) WHERE attachable;
