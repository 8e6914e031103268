-- Bills are part of the ledger: written by the two functions below, changed by nobody. The runs that ask for them are not.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['bill', 'bill_line', 'bill_payment'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION only_grows()', name || '_only_grows', name);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', name, name || '_only_grows');
    END LOOP;
END;
$$;

-- A bill with its lines, under the next number of its year. The series' row is locked until the transaction ends: whoever
-- issues next waits for it, and when it fails the number was never given. So there are no gaps.
CREATE FUNCTION ledger_issue_bill(issued json, its_lines json) RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    new bill := json_populate_record(NULL::bill, issued);
BEGIN
    IF new.period_end > coalesce((SELECT max(until) FROM period_close), '-infinity') THEN
        RAISE EXCEPTION 'the period until % is not closed, so its bill could change', new.period_end
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bill_of_a_closed_period';
    END IF;
    -- Two bills of one person at once would each see that there is no other.
    PERFORM FROM party WHERE owner_id = new.owner_id FOR UPDATE;
    IF EXISTS (SELECT FROM bill WHERE owner_id = new.owner_id AND period_end > new.period_start) THEN
        RAISE EXCEPTION 'a part of the period has its bill already'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bill_periods_apart';
    END IF;
    IF EXISTS (
        SELECT FROM json_populate_recordset(NULL::bill_line, its_lines) AS line
        HAVING (coalesce(sum(line.tax_usd), 0), coalesce(sum(line.owed_usd), 0), coalesce(sum(line.taxable_usd), 0))
               IS DISTINCT FROM (new.tax_usd, new.owed_usd, new.taxable_usd)
    ) THEN
        RAISE EXCEPTION 'the lines do not sum to the bill'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bill_lines_sum';
    END IF;
    INSERT INTO bill_series (year, last) VALUES (new.year, 1)
        ON CONFLICT (year) DO UPDATE SET last = bill_series.last + 1 RETURNING last INTO new.number;
    INSERT INTO bill SELECT new.*;
    INSERT INTO bill_line (bill_id, kind, count, count_of_lines, coupon, eaml, usd, owed_usd, taxable_usd, tax_usd)
    SELECT new.id, kind, count, count_of_lines, coupon, eaml, usd, owed_usd, taxable_usd, tax_usd
    FROM json_populate_recordset(NULL::bill_line, its_lines);
    RETURN new.number;
END;
$$;

-- The payment that closes a bill, once: by a journal that paid at least as much of its owner's debt.
CREATE FUNCTION ledger_close_bill(closed uuid, by_journal uuid, amount numeric) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM bill b
        JOIN journal j ON j.id = by_journal AND j.kind = 'pay_a_bill'
        JOIN posting p ON p.journal_id = j.id AND p.amount >= ledger_close_bill.amount
        JOIN account a ON a.id = p.credit_account_id AND a.purpose = 'receivable' AND a.owner_id = b.owner_id
        WHERE b.id = closed AND ledger_close_bill.amount <= b.due_usd
    ) THEN
        RAISE EXCEPTION 'the journal does not pay this bill'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bill_paid_by_its_owner';
    END IF;
    INSERT INTO bill_payment (bill_id, journal_id, amount_usd, paid_at)
    SELECT closed, by_journal, ledger_close_bill.amount, effective_at FROM journal WHERE id = by_journal;
END;
$$;
