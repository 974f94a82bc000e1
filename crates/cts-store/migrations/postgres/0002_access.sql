-- Tokens and the sessions that were made from them; what was changed and by whom.

CREATE TABLE tokens (
    id              TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    -- The token that a session was made from; NULL for a token.
    session_of      TEXT COLLATE "C"    REFERENCES tokens (id) ON DELETE CASCADE,
    name            TEXT COLLATE "C"    NOT NULL,
    role            TEXT COLLATE "C"    NOT NULL,
    -- Sum of the whole text. The text itself is nowhere.
    sha256          TEXT COLLATE "C"    NOT NULL,
    created_by      TEXT COLLATE "C"    NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    expires_at_ms   BIGINT,
    last_used_at_ms BIGINT,
    revoked_at_ms   BIGINT
);

CREATE INDEX tokens_of_sessions ON tokens (session_of, id) WHERE session_of IS NOT NULL;

CREATE TABLE audit (
    seq        BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms      BIGINT NOT NULL,
    actor      TEXT COLLATE "C"    NOT NULL,
    token_id   TEXT COLLATE "C",
    action     TEXT COLLATE "C"    NOT NULL,
    -- Names of ids and the ids, as JSON.
    target     TEXT COLLATE "C"    NOT NULL,
    status     BIGINT NOT NULL,
    request_id TEXT COLLATE "C"    NOT NULL,
    address    TEXT COLLATE "C"
);

CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE INDEX audit_by_token ON audit (token_id, seq) WHERE token_id IS NOT NULL;
CREATE INDEX audit_by_action ON audit (action, seq);
CREATE INDEX audit_by_time ON audit (at_ms);

-- What was written is not rewritten, whoever asks.
CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END;
$$;

CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuses();
