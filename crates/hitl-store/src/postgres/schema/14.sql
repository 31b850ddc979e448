-- The freezes in force, for a statement that claims a call. NULL while they are being changed: then
-- nothing is claimed. Volatile, so that each statement in it sees what was committed before it. The
-- lock is held until the claim is committed, and a change of the freezes waits for it.
CREATE FUNCTION {s}.freezes() RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared(hashtextextended('hitl freezes {s}', 0)) THEN
        RETURN NULL;
    END IF;
    RETURN coalesce((SELECT value FROM {s}.meta WHERE name = 'mark.freezes'), '');
END $$;
