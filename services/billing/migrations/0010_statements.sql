-- What people read of the ledger, at the same speed whatever lies before and after it.

-- 1. An entry with what a statement is filtered and grouped by. What is taken back belongs to the machine it was for.
-- OFFSET 0 keeps the planner from reading all journals for the few that are asked for.
CREATE VIEW entry_line AS
    SELECT e.id, e.posting_id, e.account_id, e.journal_id, e.currency, e.amount, e.balance, j.kind, j.recorded_at,
           (j.recorded_at AT TIME ZONE 'UTC')::date AS day, o.machine_id, o.machine_name, o.operation_user_id
    FROM entry e
    CROSS JOIN LATERAL (
        SELECT kind, recorded_at, operation_id, reverses_id FROM journal WHERE id = e.journal_id OFFSET 0
    ) AS j
    LEFT JOIN LATERAL (
        SELECT machine_id, machine_name, operation_user_id FROM operation
        WHERE id = coalesce(j.operation_id, (SELECT operation_id FROM journal WHERE id = j.reverses_id)) OFFSET 0
    ) AS o ON true;

-- 2. The entries of an account after one of its postings, in their order. Account and number are compared and ordered as
-- a pair: said apart, the planner may go through all postings in their order and look for the account.
CREATE FUNCTION lines_after(asked uuid, after bigint) RETURNS SETOF entry_line
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    SELECT * FROM entry_line
    WHERE (account_id, posting_id) > (asked, after) AND (account_id, posting_id) <= (asked, 9223372036854775807)
    ORDER BY account_id, posting_id
$$;

-- 3. What an account moved, by day, kind, machine and other party: what was summed up, and the entries since then.
CREATE VIEW turnover AS
    SELECT account_id, day, kind, machine_id, other_id, machine_name, came_in, went_out, count
    FROM statement_sum
    UNION ALL
    SELECT mine.id, l.day, l.kind, coalesce(l.machine_id, '00000000-0000-0000-0000-000000000000'),
           coalesce(nullif(l.operation_user_id, mine.owner_id), '00000000-0000-0000-0000-000000000000'),
           coalesce(l.machine_name, ''), greatest(l.amount, 0), greatest(-l.amount, 0), 1
    FROM account AS mine
    LEFT JOIN statement_mark AS mark ON mark.account_id = mine.id
    CROSS JOIN LATERAL lines_after(mine.id, coalesce(mark.until_posting, 0)) AS l;
