-- Tokens and the sessions that were made from them; what was changed and by whom.

CREATE TABLE tokens (
    id              TEXT    NOT NULL PRIMARY KEY,
    -- The token that a session was made from; NULL for a token.
    session_of      TEXT    REFERENCES tokens (id) ON DELETE CASCADE,
    name            TEXT    NOT NULL,
    role            TEXT    NOT NULL,
    -- Sum of the whole text. The text itself is nowhere.
    sha256          TEXT    NOT NULL,
    created_by      TEXT    NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    expires_at_ms   INTEGER,
    last_used_at_ms INTEGER,
    revoked_at_ms   INTEGER
) STRICT;

CREATE INDEX tokens_of_sessions ON tokens (session_of, id) WHERE session_of IS NOT NULL;

-- AUTOINCREMENT: a number is never given twice, also after old rows are gone.
CREATE TABLE audit (
    seq        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at_ms      INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    token_id   TEXT,
    action     TEXT    NOT NULL,
    -- Names of ids and the ids, as JSON.
    target     TEXT    NOT NULL,
    status     INTEGER NOT NULL,
    request_id TEXT    NOT NULL,
    address    TEXT
) STRICT;

CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE INDEX audit_by_token ON audit (token_id, seq) WHERE token_id IS NOT NULL;
CREATE INDEX audit_by_action ON audit (action, seq);
CREATE INDEX audit_by_time ON audit (at_ms);

-- What was written is not rewritten, whoever asks.
CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
