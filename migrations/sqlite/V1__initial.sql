-- SQLite. Types stand for: BLOB of 16 a uuid, INTEGER a timestamp in microseconds since 1970 UTC (or a number, or
-- 0/1), TEXT a date as YYYY-MM-DD, a JSON document or a text. The PostgreSQL file of the same number means the same.

-- Users and what belongs to them. Deleting a user deletes all of it.

CREATE TABLE users (
    id BLOB NOT NULL CHECK (length(id) = 16) PRIMARY KEY,
    -- As typed.
    email TEXT NOT NULL,
    -- As compared.
    email_folded TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    name TEXT NOT NULL CONSTRAINT users_name CHECK (length(name) BETWEEN 1 AND 255),
    zip_code TEXT NOT NULL CONSTRAINT users_zip_code CHECK (length(zip_code) BETWEEN 1 AND 16),
    property_type TEXT NOT NULL CONSTRAINT users_property_type CHECK (property_type IN ('residential', 'commercial')),
    role TEXT NOT NULL CONSTRAINT users_role CHECK (role IN ('user', 'support', 'admin')),
    status TEXT NOT NULL CONSTRAINT users_status CHECK (status IN ('active', 'deactivated')),
    -- Raised to make every access token issued before invalid.
    token_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_login_at INTEGER
) STRICT;
CREATE INDEX users_newest ON users (created_at DESC, id);
CREATE INDEX users_by_role ON users (role);

-- Append-only: withdrawing a consent is a new row.
CREATE TABLE consents (
    id BLOB NOT NULL CHECK (length(id) = 16) PRIMARY KEY,
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) REFERENCES users (id) ON DELETE CASCADE,
    document TEXT NOT NULL CONSTRAINT consents_document CHECK (length(document) BETWEEN 1 AND 64),
    version TEXT NOT NULL CONSTRAINT consents_version CHECK (length(version) BETWEEN 1 AND 64),
    granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
    given_at INTEGER NOT NULL
) STRICT;
CREATE INDEX consents_by_user ON consents (user_id, given_at, id);

-- One row per login; its refresh tokens follow one another.
CREATE TABLE sessions (
    id BLOB NOT NULL CHECK (length(id) = 16) PRIMARY KEY,
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ip TEXT,
    user_agent TEXT,
    revoked_at INTEGER
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id, last_used_at DESC);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token; the token itself is kept nowhere.
    hash BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL CHECK (length(session_id) = 16) REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    spent_at INTEGER,
    successor_hash BLOB
) STRICT;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE user_preferences (
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    cost_priority INTEGER NOT NULL CONSTRAINT user_preferences_cost CHECK (cost_priority BETWEEN 0 AND 100),
    flexibility_priority INTEGER NOT NULL
        CONSTRAINT user_preferences_flexibility CHECK (flexibility_priority BETWEEN 0 AND 100),
    renewable_priority INTEGER NOT NULL
        CONSTRAINT user_preferences_renewable CHECK (renewable_priority BETWEEN 0 AND 100),
    rating_priority INTEGER NOT NULL CONSTRAINT user_preferences_rating CHECK (rating_priority BETWEEN 0 AND 100),
    updated_at INTEGER NOT NULL,
    CONSTRAINT user_preferences_sum
        CHECK (cost_priority + flexibility_priority + renewable_priority + rating_priority = 100)
) STRICT;

-- Prices and money in 1e-9 of the currency.
CREATE TABLE current_plans (
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    plan_id BLOB CHECK (length(plan_id) = 16),
    supplier_name TEXT,
    plan_name TEXT,
    rate_per_kwh INTEGER,
    monthly_fee INTEGER,
    rate_structure TEXT,
    contract_start TEXT CHECK (length(contract_start) = 10),
    contract_end TEXT CHECK (length(contract_end) = 10),
    early_termination_fee INTEGER,
    annual_cost INTEGER,
    updated_at INTEGER NOT NULL,
    CONSTRAINT current_plans_contract CHECK (contract_end >= contract_start)
) STRICT;

CREATE TABLE usage_history (
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) REFERENCES users (id) ON DELETE CASCADE,
    -- Its first day.
    month TEXT NOT NULL CHECK (length(month) = 10),
    -- Milliwatt-hours.
    energy INTEGER NOT NULL CONSTRAINT usage_history_energy CHECK (energy >= 0),
    source TEXT NOT NULL CONSTRAINT usage_history_source CHECK (length(source) BETWEEN 1 AND 64),
    quality TEXT NOT NULL
        CONSTRAINT usage_history_quality CHECK (quality IN ('actual', 'estimated', 'filled', 'missing')),
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, month)
) STRICT, WITHOUT ROWID;

-- One row per meter and local day, its readings encoded (see the store's usage_days).
CREATE TABLE usage_days (
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) REFERENCES users (id) ON DELETE CASCADE,
    meter TEXT NOT NULL CONSTRAINT usage_days_meter CHECK (length(meter) <= 64),
    day TEXT NOT NULL CHECK (length(day) = 10),
    -- Length of one reading; 1440: the day is one reading.
    minutes INTEGER NOT NULL CONSTRAINT usage_days_minutes CHECK (minutes BETWEEN 1 AND 1440),
    readings BLOB NOT NULL,
    PRIMARY KEY (user_id, meter, day)
) STRICT, WITHOUT ROWID;

-- What is on sale. Documents are the catalog's own JSON; the columns beside them are what lists filter by.

CREATE TABLE markets (
    id TEXT NOT NULL PRIMARY KEY CONSTRAINT markets_id CHECK (length(id) BETWEEN 1 AND 64),
    doc TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE utilities (
    market_id TEXT NOT NULL REFERENCES markets (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    position INTEGER NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (market_id, id)
) STRICT;

CREATE TABLE suppliers (
    id BLOB NOT NULL CHECK (length(id) = 16) PRIMARY KEY,
    market_id TEXT NOT NULL REFERENCES markets (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    position INTEGER NOT NULL,
    doc TEXT NOT NULL,
    -- Raised by every change; what If-Match compares.
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    UNIQUE (market_id, key)
) STRICT;
CREATE INDEX suppliers_by_name ON suppliers (name, id);

CREATE TABLE plan_catalog (
    id BLOB NOT NULL CHECK (length(id) = 16) PRIMARY KEY,
    market_id TEXT NOT NULL REFERENCES markets (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    supplier_id BLOB NOT NULL CHECK (length(supplier_id) = 16) REFERENCES suppliers (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL CONSTRAINT plan_catalog_kind
        CHECK (kind IN ('fixed', 'variable', 'indexed', 'tiered', 'time_of_use', 'prepaid')),
    term_months INTEGER NOT NULL CONSTRAINT plan_catalog_term CHECK (term_months BETWEEN 0 AND 600),
    renewable_percentage REAL NOT NULL
        CONSTRAINT plan_catalog_renewable CHECK (renewable_percentage BETWEEN 0 AND 100),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    position INTEGER NOT NULL,
    doc TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    UNIQUE (market_id, key)
) STRICT;
CREATE INDEX plan_catalog_by_name ON plan_catalog (name, id);
CREATE INDEX plan_catalog_by_supplier ON plan_catalog (supplier_id);
CREATE INDEX plan_catalog_in_order ON plan_catalog (market_id, position);

-- One row: raised by every change of what is on sale.
CREATE TABLE catalog_revision (
    id INTEGER NOT NULL PRIMARY KEY CONSTRAINT catalog_revision_single CHECK (id = 1),
    revision INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
INSERT INTO catalog_revision (id, revision, changed_at) VALUES (1, 0, 0);

-- Answers.

CREATE TABLE recommendations (
    id BLOB NOT NULL CHECK (length(id) = 16) PRIMARY KEY,
    -- None: asked without an account.
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the secret that lets somebody without an account read it.
    claim_hash BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- SHA-256 of everything the answer depends on.
    input_hash BLOB NOT NULL,
    catalog_revision INTEGER NOT NULL,
    algorithm_version TEXT NOT NULL,
    answer TEXT NOT NULL
) STRICT;
CREATE INDEX recommendations_by_user ON recommendations (user_id, created_at DESC, id);
CREATE INDEX recommendations_newest ON recommendations (created_at DESC, id);
CREATE INDEX recommendations_by_input ON recommendations (user_id, input_hash);
CREATE INDEX recommendations_by_expiry ON recommendations (expires_at);

CREATE TABLE recommendation_plans (
    recommendation_id BLOB NOT NULL CHECK (length(recommendation_id) = 16) REFERENCES recommendations (id) ON DELETE CASCADE,
    rank INTEGER NOT NULL CONSTRAINT recommendation_plans_rank CHECK (rank BETWEEN 1 AND 100),
    plan_id BLOB NOT NULL CHECK (length(plan_id) = 16),
    plan_name TEXT NOT NULL,
    supplier_name TEXT NOT NULL,
    annual_cost_cents INTEGER NOT NULL,
    composite_score REAL NOT NULL
        CONSTRAINT recommendation_plans_score CHECK (composite_score BETWEEN 0 AND 100),
    PRIMARY KEY (recommendation_id, rank)
) STRICT, WITHOUT ROWID;
CREATE INDEX recommendation_plans_by_plan ON recommendation_plans (plan_id);

CREATE TABLE feedback (
    id BLOB NOT NULL CHECK (length(id) = 16) PRIMARY KEY,
    -- None: given without an account, or by one that was erased.
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (id) ON DELETE SET NULL,
    plan_id BLOB CHECK (length(plan_id) = 16),
    recommendation_id BLOB CHECK (length(recommendation_id) = 16),
    rating INTEGER NOT NULL CONSTRAINT feedback_rating CHECK (rating BETWEEN 1 AND 5),
    feedback_text TEXT CONSTRAINT feedback_text CHECK (length(feedback_text) <= 500),
    feedback_type TEXT NOT NULL CONSTRAINT feedback_type
        CHECK (feedback_type IN ('helpful', 'not_helpful', 'selected', 'did_not_select', 'other')),
    created_at INTEGER NOT NULL,
    -- The UTC day of created_at, which series are counted by.
    created_on TEXT NOT NULL CHECK (length(created_on) = 10),
    CONSTRAINT feedback_subject CHECK (plan_id IS NOT NULL OR recommendation_id IS NOT NULL)
) STRICT;
CREATE INDEX feedback_newest ON feedback (created_at DESC, id);
CREATE INDEX feedback_by_user ON feedback (user_id, created_at);
CREATE INDEX feedback_by_plan ON feedback (plan_id, created_at);
CREATE INDEX feedback_by_day ON feedback (created_on);

-- What happened. Each row's hash covers the row before, so that a change anywhere shows.

CREATE TABLE audit_logs (
    -- Without gaps.
    seq INTEGER NOT NULL PRIMARY KEY,
    logged_at INTEGER NOT NULL,
    event TEXT NOT NULL,
    actor_id BLOB CHECK (length(actor_id) = 16),
    subject_id BLOB CHECK (length(subject_id) = 16),
    success INTEGER NOT NULL CHECK (success IN (0, 1)),
    detail_hash BLOB NOT NULL,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_logs_by_event ON audit_logs (event, seq);
CREATE INDEX audit_logs_by_actor ON audit_logs (actor_id, seq);
CREATE INDEX audit_logs_by_subject ON audit_logs (subject_id, seq);

-- The personal part of a log row. It can be erased; its hash stays in the chain.
CREATE TABLE audit_details (
    seq INTEGER NOT NULL PRIMARY KEY REFERENCES audit_logs (seq),
    detail TEXT NOT NULL
) STRICT;

-- One row: the end of the chain, and the lock that keeps two writers from continuing it at once.
CREATE TABLE audit_head (
    id INTEGER NOT NULL PRIMARY KEY CONSTRAINT audit_head_single CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, zeroblob(32));

CREATE TRIGGER audit_logs_no_update BEFORE UPDATE ON audit_logs
BEGIN
    SELECT RAISE(ABORT, 'audit_logs_append_only');
END;
CREATE TRIGGER audit_logs_no_delete BEFORE DELETE ON audit_logs
BEGIN
    SELECT RAISE(ABORT, 'audit_logs_append_only');
END;

CREATE TABLE idempotency_keys (
    -- The user's id, or what else keeps one caller's keys from another's.
    scope TEXT NOT NULL,
    key TEXT NOT NULL CONSTRAINT idempotency_keys_key CHECK (length(key) BETWEEN 1 AND 255),
    request_hash BLOB NOT NULL,
    -- None while the first request is still being worked on.
    status INTEGER,
    content_type TEXT,
    answer BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
