-- Runs, their queue, what they make and what they are given; who runs them; facts in order.
-- Times are whole milliseconds since 1970, ids and JSON are text, yes and no are 1 and 0.

CREATE TABLE runs (
    id              TEXT    NOT NULL PRIMARY KEY,
    status          TEXT    NOT NULL,
    tool_id         TEXT    NOT NULL,
    name            TEXT,
    priority        INTEGER NOT NULL,
    concurrency_key TEXT,
    owner           TEXT,
    worker_id       TEXT,
    attempt         INTEGER NOT NULL,
    cancel_asked    INTEGER NOT NULL,
    pinned          INTEGER NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    started_at_ms   INTEGER,
    ended_at_ms     INTEGER,
    not_before_ms   INTEGER,
    -- What was asked for and by whom, as JSON: never changes.
    request         TEXT    NOT NULL,
    -- What happened so far, as JSON: attempts, usage, fault.
    history         TEXT    NOT NULL,
    progress        TEXT,
    isolation       TEXT,
    -- Secret parameters as JSON; NULL once the run has ended.
    secret_params   TEXT,
    -- Lower-case words that a search looks through.
    search_text     TEXT    NOT NULL
) STRICT;

CREATE INDEX runs_by_tool_and_status ON runs (tool_id, status, id);
CREATE INDEX runs_by_status ON runs (status, id);
CREATE INDEX runs_by_name ON runs (name, id) WHERE name IS NOT NULL;
-- The hot part: only what waits.
CREATE INDEX runs_queue ON runs (priority DESC, id, owner) WHERE status = 'queued';
-- Retries that are not due: few, and looked for after every change of the queue.
CREATE INDEX runs_not_before ON runs (not_before_ms) WHERE status = 'queued' AND not_before_ms IS NOT NULL;
-- A search that looks at every text reads this instead of the whole rows.
CREATE INDEX runs_search ON runs (id, search_text);
CREATE INDEX runs_to_delete ON runs (ended_at_ms) WHERE ended_at_ms IS NOT NULL AND pinned = 0;

CREATE TABLE run_labels (
    label  TEXT NOT NULL,
    value  TEXT NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    PRIMARY KEY (label, value, run_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_labels_by_run ON run_labels (run_id);

CREATE TABLE artifacts (
    id            TEXT    NOT NULL PRIMARY KEY,
    run_id        TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    attempt       INTEGER NOT NULL,
    path          TEXT    NOT NULL,
    media_type    TEXT    NOT NULL,
    size          INTEGER NOT NULL,
    sha256        TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    UNIQUE (run_id, path)
) STRICT;

CREATE INDEX artifacts_by_expiry ON artifacts (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

CREATE TABLE uploads (
    id            TEXT    NOT NULL PRIMARY KEY,
    filename      TEXT    NOT NULL,
    size          INTEGER NOT NULL,
    sha256        TEXT,
    state         TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX uploads_by_expiry ON uploads (expires_at_ms);

CREATE TABLE idempotency_keys (
    idempotency_key TEXT    NOT NULL,
    route           TEXT    NOT NULL,
    actor           TEXT    NOT NULL,
    body_sha256     TEXT    NOT NULL,
    resource_id     TEXT    NOT NULL,
    at_ms           INTEGER NOT NULL,
    PRIMARY KEY (idempotency_key, route, actor)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_time ON idempotency_keys (at_ms);

CREATE TABLE workers (
    id               TEXT    NOT NULL PRIMARY KEY,
    pid              INTEGER NOT NULL,
    start_time_ticks INTEGER NOT NULL,
    boot_id          TEXT    NOT NULL,
    kind             TEXT    NOT NULL,
    started_at_ms    INTEGER NOT NULL,
    heartbeat_at_ms  INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: a number is never given twice, also after old rows are gone.
CREATE TABLE events (
    seq     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    run_id  TEXT,
    payload TEXT    NOT NULL
) STRICT;
