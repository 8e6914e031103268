-- What a caller's rights hang on: the versions of the rows that say them, as one text. While it is the same she may what
-- she might, and whoever remembers her remembers rightly. Null for nobody: a person who is not active, a signing key
-- that is retired, an API key that was revoked or not asked after for a minute.
CREATE FUNCTION caller_standing(her uuid, signed_by text, by_key text) RETURNS text
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    standing text;
BEGIN
    IF by_key IS NULL THEN
        SELECT concat_ws(' ', xmin, (
                   SELECT string_agg(xmin::text, ' ' ORDER BY team_id) FROM team_membership WHERE user_id = her))
          INTO standing FROM principal
         WHERE id = her AND is_active AND EXISTS (SELECT FROM public_key WHERE kid = signed_by AND NOT retired);
    ELSE
        SELECT concat_ws(' ', principal.xmin, api_key_grant.xmin, (
                   SELECT string_agg(xmin::text, ' ' ORDER BY team_id) FROM team_membership WHERE user_id = her))
          INTO standing FROM principal JOIN api_key_grant ON user_id = her AND key_hash = by_key
         WHERE id = her AND is_active AND checked_at > clock_timestamp() - interval '60 seconds'
           AND NOT EXISTS (SELECT FROM revoked_api_key WHERE revoked_api_key.key_id = api_key_grant.key_id);
    END IF;
    RETURN standing;
END;
$$;
