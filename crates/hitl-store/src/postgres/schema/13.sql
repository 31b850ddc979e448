
-- How a task ended: completed, failed, cancelled, timeout or erased. NULL while it has not ended.
ALTER TABLE {s}.tasks ADD COLUMN state text;
-- The last entry of a task that has ended begins with its end.
UPDATE {s}.tasks t SET state = ended.state
FROM (
    SELECT task, substring(encode(substring(entry FROM 1 FOR 80), 'escape')
                           FROM '^\{"v":1,"type":"terminal","end":\{"state":"([a-z]+)"') AS state
    FROM {s}.journal
) ended
WHERE ended.task = t.n AND ended.state IS NOT NULL;
-- The failed tasks, which can be retried.
CREATE INDEX tasks_failed ON {s}.tasks (id) WHERE state IN ('failed', 'timeout');
