-- Caps: whether one more call of `who` in the tenant `whose` may wait, when at most `own` of its calls and
-- at most `every` call of the tenant may. Whoever is told so holds a lock until the end of its
-- transaction, so that the next one counts what it has entered.
CREATE FUNCTION {s}.has_room(whose text, who text, own bigint, every bigint)
    RETURNS boolean LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
    -- Each statement from here on sees what was committed while it waited for its lock.
    IF own IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(
            hashtextextended(format('hitl {s} own %L %L', whose, who), 0));
        IF (SELECT count(*) FROM (SELECT FROM {s}.calls WHERE state = 'pending'
              AND (tenant, principal) >= (whose, who) AND (tenant, principal) <= (whose, who)
              ORDER BY tenant, principal LIMIT own) counted) >= own THEN
            RETURN false;
        END IF;
    END IF;
    IF every IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(format('hitl {s} every %L', whose), 0));
        IF (SELECT count(*) FROM (SELECT FROM {s}.calls WHERE state = 'pending'
              AND tenant >= whose AND tenant <= whose ORDER BY tenant LIMIT every) counted) >= every THEN
            RETURN false;
        END IF;
    END IF;
    RETURN true;
END
$body$;
