-- Takes the rules back in the opposite order; dropping the function drops its twelve triggers.
ALTER TABLE posting DROP CONSTRAINT amount_is_a_number;
DROP FUNCTION only_grows() CASCADE;
DROP TRIGGER posting_fits ON posting;
DROP FUNCTION posting_fits();
ALTER TABLE journal DROP COLUMN sealed_by;
DROP VIEW entry;
