DROP FUNCTION solving_stands(json);
DROP FUNCTION machine_to_solve(machine);
DROP FUNCTION meter_solving(json);
