DROP FUNCTION solving_stands(json);
DROP FUNCTION meter_solving(json);
