
-- How a task ended: completed, failed, cancelled, timeout or erased. NULL while it has not ended.
ALTER TABLE tasks ADD COLUMN state TEXT;
-- The last entry of a task that has ended begins with its end.
UPDATE tasks SET state = (
    SELECT substr(head, 42, instr(substr(head, 42), '"') - 1)
    FROM (SELECT CAST(substr(entry, 1, 80) AS TEXT) AS head FROM journal WHERE task = tasks.n)
    WHERE head GLOB '{"v":1,"type":"terminal","end":{"state":"*"*'
    LIMIT 1
);
-- The failed tasks, which can be retried.
CREATE INDEX tasks_failed ON tasks (id) WHERE state IN ('failed', 'timeout');
