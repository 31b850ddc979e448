-- What ended, as before: alternatives are compared where a list of more than two made SQLite build a table
-- of them, at every change of every call.
DROP INDEX calls_ended;
CREATE INDEX calls_ended ON calls (updated_at)
    WHERE erased = 0
    AND (state = 'executed' OR state = 'failed' OR state = 'rejected' OR state = 'responded'
         OR state = 'expired' OR state = 'cancelled' OR state = 'denied');
