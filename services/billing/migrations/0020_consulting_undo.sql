DROP TRIGGER consulting_request_stays ON consulting_request;
DROP TRIGGER consulting_step_only_grows ON consulting_step;
DROP TRIGGER consulting_request_moves_on ON consulting_request;
DROP FUNCTION consulting_request_moves_on();
