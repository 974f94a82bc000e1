-- Runs, their queue, what they make and what they are given; who runs them; facts in order.
-- Text is compared byte by byte, as in SQLite.
-- Times are whole milliseconds since 1970, ids and JSON are text, yes and no are 1 and 0.

CREATE TABLE runs (
    id              TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    status          TEXT COLLATE "C"    NOT NULL,
    tool_id         TEXT COLLATE "C"    NOT NULL,
    name            TEXT COLLATE "C",
    priority        BIGINT NOT NULL,
    concurrency_key TEXT COLLATE "C",
    owner           TEXT COLLATE "C",
    worker_id       TEXT COLLATE "C",
    attempt         BIGINT NOT NULL,
    cancel_asked    BIGINT NOT NULL,
    pinned          BIGINT NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    started_at_ms   BIGINT,
    ended_at_ms     BIGINT,
    not_before_ms   BIGINT,
    -- What was asked for and by whom, as JSON: never changes.
    request         TEXT COLLATE "C"    NOT NULL,
    -- What happened so far, as JSON: attempts, usage, fault.
    history         TEXT COLLATE "C"    NOT NULL,
    progress        TEXT COLLATE "C",
    isolation       TEXT COLLATE "C",
    -- Secret parameters as JSON; NULL once the run has ended.
    secret_params   TEXT COLLATE "C",
    -- Lower-case words that a search looks through.
    search_text     TEXT COLLATE "C"    NOT NULL
);

CREATE INDEX runs_by_tool_and_status ON runs (tool_id, status, id);
CREATE INDEX runs_by_status ON runs (status, id);
CREATE INDEX runs_by_name ON runs (name, id) WHERE name IS NOT NULL;
-- The hot part: only what waits.
CREATE INDEX runs_queue ON runs (priority DESC, id, owner) WHERE status = 'queued';
-- Retries that are not due: few, and looked for after every change of the queue.
CREATE INDEX runs_not_before ON runs (not_before_ms) WHERE status = 'queued' AND not_before_ms IS NOT NULL;
CREATE INDEX runs_to_delete ON runs (ended_at_ms) WHERE ended_at_ms IS NOT NULL AND pinned = 0;

CREATE TABLE run_labels (
    label  TEXT COLLATE "C" NOT NULL,
    value  TEXT COLLATE "C" NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    PRIMARY KEY (label, value, run_id)
);

CREATE INDEX run_labels_by_run ON run_labels (run_id);

CREATE TABLE artifacts (
    id            TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    run_id        TEXT COLLATE "C"    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    attempt       BIGINT NOT NULL,
    path          TEXT COLLATE "C"    NOT NULL,
    media_type    TEXT COLLATE "C"    NOT NULL,
    size          BIGINT NOT NULL,
    sha256        TEXT COLLATE "C"    NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT,
    UNIQUE (run_id, path)
);

CREATE INDEX artifacts_by_expiry ON artifacts (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

CREATE TABLE uploads (
    id            TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    filename      TEXT COLLATE "C"    NOT NULL,
    size          BIGINT NOT NULL,
    sha256        TEXT COLLATE "C",
    state         TEXT COLLATE "C"    NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);

CREATE INDEX uploads_by_expiry ON uploads (expires_at_ms);

CREATE TABLE idempotency_keys (
    idempotency_key TEXT COLLATE "C"    NOT NULL,
    route           TEXT COLLATE "C"    NOT NULL,
    actor           TEXT COLLATE "C"    NOT NULL,
    body_sha256     TEXT COLLATE "C"    NOT NULL,
    resource_id     TEXT COLLATE "C"    NOT NULL,
    at_ms           BIGINT NOT NULL,
    PRIMARY KEY (idempotency_key, route, actor)
);

CREATE INDEX idempotency_keys_by_time ON idempotency_keys (at_ms);

CREATE TABLE workers (
    id               TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    pid              BIGINT NOT NULL,
    start_time_ticks BIGINT NOT NULL,
    boot_id          TEXT COLLATE "C"    NOT NULL,
    kind             TEXT COLLATE "C"    NOT NULL,
    started_at_ms    BIGINT NOT NULL,
    heartbeat_at_ms  BIGINT NOT NULL
);

CREATE TABLE events (
    seq     BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms   BIGINT NOT NULL,
    kind    TEXT COLLATE "C"    NOT NULL,
    run_id  TEXT COLLATE "C",
    payload TEXT COLLATE "C"    NOT NULL
);
