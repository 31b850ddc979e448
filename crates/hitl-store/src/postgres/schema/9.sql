-- While a table has no statistics, every index that begins with the tenant looks as good to the planner as
-- the one of a call's key, and what it plans then is kept. So of the indexes that hold all calls only the
-- key's begins with the tenant.
DROP INDEX {s}.calls_by_state;
CREATE INDEX calls_by_state ON {s}.calls (state, tenant, n);
DROP INDEX {s}.calls_by_root;
CREATE INDEX calls_by_root ON {s}.calls (root, tenant, n);
