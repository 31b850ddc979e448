-- For which call each decision has counted: an id counts for one call. It goes when the call's key does.
CREATE TABLE {s}.decisions (
    id   uuid   PRIMARY KEY,
    call bigint NOT NULL                -- calls.n
);
CREATE INDEX decisions_by_call ON {s}.decisions (call);
-- A \u0000 goes, because PostgreSQL's JSON knows none; a backslash before it that is itself escaped does not
-- begin one. chr(1) stands for an escaped backslash meanwhile: JSON has no such character.
INSERT INTO {s}.decisions
    WITH told AS MATERIALIZED (
        SELECT n, replace(replace(replace(record, '\\', chr(1)), '\u0000', ''), chr(1), '\\')::json AS told
          FROM {s}.calls)
    SELECT DISTINCT ON (found.id) found.id::uuid, found.n FROM (
        SELECT c.n, c.told #>> '{decided,id}' AS id
          FROM told c
        UNION ALL
        SELECT c.n, vote.value ->> 'id'
          FROM told c
          CROSS JOIN LATERAL json_array_elements(coalesce(c.told -> 'votes', '[]')) vote
        UNION ALL
        SELECT c.n, edit.value #>> '{edited,id}'
          FROM told c
          CROSS JOIN LATERAL json_array_elements(coalesce(c.told -> 'earlier', '[]')) edit
    ) found
     WHERE found.id IS NOT NULL ORDER BY found.id, found.n;
-- Legal holds: what they cover is erased and forgotten by nothing. Whoever places one waits for those who
-- erase, by a lock; see `retention.rs`. The columns beside `record` repeat what queries need of it.
CREATE TABLE {s}.holds (
    id     uuid PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    scope  text NOT NULL,               -- 'call', 'principal' or 'tenant'
    call   uuid,                        -- of a call
    record text NOT NULL                -- JSON
);
-- Processes of older versions that still run change nothing from here on: what they write has no row in
-- `decisions` and is erased under a hold. Every statement of theirs that writes names one of these columns.
ALTER TABLE {s}.calls RENAME COLUMN session TO claimant;
ALTER TABLE {s}.calls RENAME COLUMN began TO run_began;
