-- For which call each decision has counted: an id counts for one call. It goes when the call's key does.
CREATE TABLE {s}.decisions (
    id   uuid   PRIMARY KEY,
    call bigint NOT NULL                -- calls.n
);
CREATE INDEX decisions_by_call ON {s}.decisions (call);
INSERT INTO {s}.decisions
    SELECT DISTINCT ON (found.id) found.id::uuid, found.n FROM (
        SELECT c.n, c.told::json #>> '{decided,id}' AS id
          FROM (SELECT n, replace(record, '\u0000', '') AS told FROM {s}.calls) c
        UNION ALL
        SELECT c.n, vote.value ->> 'id'
          FROM (SELECT n, replace(record, '\u0000', '') AS told FROM {s}.calls) c
          CROSS JOIN LATERAL json_array_elements(coalesce(c.told::json -> 'votes', '[]')) vote
        UNION ALL
        SELECT c.n, edit.value #>> '{edited,id}'
          FROM (SELECT n, replace(record, '\u0000', '') AS told FROM {s}.calls) c
          CROSS JOIN LATERAL json_array_elements(coalesce(c.told::json -> 'earlier', '[]')) edit
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
