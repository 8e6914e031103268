-- A bot can only use its own user's key, whatever code writes the row. When the key goes, the bot keeps its
-- user and its history and only forgets the key (a list after SET NULL needs PostgreSQL 15).
ALTER TABLE bot
    ADD CONSTRAINT bot_uses_its_users_key
    FOREIGN KEY (exchange_key_id, user_id) REFERENCES user_api_key (id, user_id)
    ON DELETE SET NULL (exchange_key_id)
    DEFERRABLE INITIALLY DEFERRED;
