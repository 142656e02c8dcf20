-- PostgreSQL. The SQLite file of the same number means the same.

-- Users and what belongs to them. Deleting a user deletes all of it.

CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
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
    token_version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    last_login_at TIMESTAMPTZ
);
CREATE INDEX users_newest ON users (created_at DESC, id);
CREATE INDEX users_by_role ON users (role);

-- Append-only: withdrawing a consent is a new row.
CREATE TABLE consents (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    document TEXT NOT NULL CONSTRAINT consents_document CHECK (length(document) BETWEEN 1 AND 64),
    version TEXT NOT NULL CONSTRAINT consents_version CHECK (length(version) BETWEEN 1 AND 64),
    granted BOOLEAN NOT NULL,
    given_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX consents_by_user ON consents (user_id, given_at, id);

-- One row per login; its refresh tokens follow one another.
CREATE TABLE sessions (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ip TEXT,
    user_agent TEXT,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX sessions_by_user ON sessions (user_id, last_used_at DESC);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token; the token itself is kept nowhere.
    hash BYTEA NOT NULL PRIMARY KEY,
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    spent_at TIMESTAMPTZ,
    successor_hash BYTEA
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE user_preferences (
    user_id UUID NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    cost_priority SMALLINT NOT NULL CONSTRAINT user_preferences_cost CHECK (cost_priority BETWEEN 0 AND 100),
    flexibility_priority SMALLINT NOT NULL
        CONSTRAINT user_preferences_flexibility CHECK (flexibility_priority BETWEEN 0 AND 100),
    renewable_priority SMALLINT NOT NULL
        CONSTRAINT user_preferences_renewable CHECK (renewable_priority BETWEEN 0 AND 100),
    rating_priority SMALLINT NOT NULL CONSTRAINT user_preferences_rating CHECK (rating_priority BETWEEN 0 AND 100),
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT user_preferences_sum
        CHECK (cost_priority + flexibility_priority + renewable_priority + rating_priority = 100)
);

-- Prices and money in 1e-9 of the currency.
CREATE TABLE current_plans (
    user_id UUID NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    plan_id UUID,
    supplier_name TEXT,
    plan_name TEXT,
    rate_per_kwh BIGINT,
    monthly_fee BIGINT,
    rate_structure JSON,
    contract_start DATE,
    contract_end DATE,
    early_termination_fee BIGINT,
    annual_cost BIGINT,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT current_plans_contract CHECK (contract_end >= contract_start)
);

CREATE TABLE usage_history (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Its first day.
    month DATE NOT NULL,
    -- Milliwatt-hours.
    energy BIGINT NOT NULL CONSTRAINT usage_history_energy CHECK (energy >= 0),
    source TEXT NOT NULL CONSTRAINT usage_history_source CHECK (length(source) BETWEEN 1 AND 64),
    quality TEXT NOT NULL
        CONSTRAINT usage_history_quality CHECK (quality IN ('actual', 'estimated', 'filled', 'missing')),
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, month)
);

-- One row per meter and local day, its readings encoded (see the store's usage_days).
CREATE TABLE usage_days (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    meter TEXT NOT NULL CONSTRAINT usage_days_meter CHECK (length(meter) <= 64),
    day DATE NOT NULL,
    -- Length of one reading; 1440: the day is one reading.
    minutes SMALLINT NOT NULL CONSTRAINT usage_days_minutes CHECK (minutes BETWEEN 1 AND 1440),
    readings BYTEA NOT NULL,
    PRIMARY KEY (user_id, meter, day)
);

-- What is on sale. Documents are the catalog's own JSON; the columns beside them are what lists filter by.

CREATE TABLE markets (
    id TEXT NOT NULL PRIMARY KEY CONSTRAINT markets_id CHECK (length(id) BETWEEN 1 AND 64),
    doc JSON NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE utilities (
    market_id TEXT NOT NULL REFERENCES markets (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    position BIGINT NOT NULL,
    doc JSON NOT NULL,
    PRIMARY KEY (market_id, id)
);

CREATE TABLE suppliers (
    id UUID NOT NULL PRIMARY KEY,
    market_id TEXT NOT NULL REFERENCES markets (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    position BIGINT NOT NULL,
    doc JSON NOT NULL,
    -- Raised by every change; what If-Match compares.
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ,
    UNIQUE (market_id, key)
);
CREATE INDEX suppliers_by_name ON suppliers (name, id);

CREATE TABLE plan_catalog (
    id UUID NOT NULL PRIMARY KEY,
    market_id TEXT NOT NULL REFERENCES markets (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    supplier_id UUID NOT NULL REFERENCES suppliers (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL CONSTRAINT plan_catalog_kind
        CHECK (kind IN ('fixed', 'variable', 'indexed', 'tiered', 'time_of_use', 'prepaid')),
    term_months SMALLINT NOT NULL CONSTRAINT plan_catalog_term CHECK (term_months BETWEEN 0 AND 600),
    renewable_percentage DOUBLE PRECISION NOT NULL
        CONSTRAINT plan_catalog_renewable CHECK (renewable_percentage BETWEEN 0 AND 100),
    active BOOLEAN NOT NULL,
    position BIGINT NOT NULL,
    doc JSON NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ,
    UNIQUE (market_id, key)
);
CREATE INDEX plan_catalog_by_name ON plan_catalog (name, id);
CREATE INDEX plan_catalog_by_supplier ON plan_catalog (supplier_id);
CREATE INDEX plan_catalog_in_order ON plan_catalog (market_id, position);

-- One row: raised by every change of what is on sale.
CREATE TABLE catalog_revision (
    id SMALLINT NOT NULL PRIMARY KEY CONSTRAINT catalog_revision_single CHECK (id = 1),
    revision BIGINT NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL
);
INSERT INTO catalog_revision (id, revision, changed_at) VALUES (1, 0, TIMESTAMPTZ '1970-01-01 00:00:00Z');

-- Answers.

CREATE TABLE recommendations (
    id UUID NOT NULL PRIMARY KEY,
    -- None: asked without an account.
    user_id UUID REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the secret that lets somebody without an account read it.
    claim_hash BYTEA,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    -- SHA-256 of everything the answer depends on.
    input_hash BYTEA NOT NULL,
    catalog_revision BIGINT NOT NULL,
    algorithm_version TEXT NOT NULL,
    answer JSON NOT NULL
);
CREATE INDEX recommendations_by_user ON recommendations (user_id, created_at DESC, id);
CREATE INDEX recommendations_newest ON recommendations (created_at DESC, id);
CREATE INDEX recommendations_by_input ON recommendations (user_id, input_hash);
CREATE INDEX recommendations_by_expiry ON recommendations (expires_at);

CREATE TABLE recommendation_plans (
    recommendation_id UUID NOT NULL REFERENCES recommendations (id) ON DELETE CASCADE,
    rank SMALLINT NOT NULL CONSTRAINT recommendation_plans_rank CHECK (rank BETWEEN 1 AND 100),
    plan_id UUID NOT NULL,
    plan_name TEXT NOT NULL,
    supplier_name TEXT NOT NULL,
    annual_cost_cents BIGINT NOT NULL,
    composite_score DOUBLE PRECISION NOT NULL
        CONSTRAINT recommendation_plans_score CHECK (composite_score BETWEEN 0 AND 100),
    PRIMARY KEY (recommendation_id, rank)
);
CREATE INDEX recommendation_plans_by_plan ON recommendation_plans (plan_id);

CREATE TABLE feedback (
    id UUID NOT NULL PRIMARY KEY,
    -- None: given without an account, or by one that was erased.
    user_id UUID REFERENCES users (id) ON DELETE SET NULL,
    plan_id UUID,
    recommendation_id UUID,
    rating SMALLINT NOT NULL CONSTRAINT feedback_rating CHECK (rating BETWEEN 1 AND 5),
    feedback_text TEXT CONSTRAINT feedback_text CHECK (length(feedback_text) <= 500),
    feedback_type TEXT NOT NULL CONSTRAINT feedback_type
        CHECK (feedback_type IN ('helpful', 'not_helpful', 'selected', 'did_not_select', 'other')),
    created_at TIMESTAMPTZ NOT NULL,
    -- The UTC day of created_at, which series are counted by.
    created_on DATE NOT NULL,
    CONSTRAINT feedback_subject CHECK (plan_id IS NOT NULL OR recommendation_id IS NOT NULL)
);
CREATE INDEX feedback_newest ON feedback (created_at DESC, id);
CREATE INDEX feedback_by_user ON feedback (user_id, created_at);
CREATE INDEX feedback_by_plan ON feedback (plan_id, created_at);
CREATE INDEX feedback_by_day ON feedback (created_on);

-- What happened. Each row's hash covers the row before, so that a change anywhere shows.

CREATE TABLE audit_logs (
    -- Without gaps.
    seq BIGINT NOT NULL PRIMARY KEY,
    logged_at TIMESTAMPTZ NOT NULL,
    event TEXT NOT NULL,
    actor_id UUID,
    subject_id UUID,
    success BOOLEAN NOT NULL,
    detail_hash BYTEA NOT NULL,
    prev_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL
);
CREATE INDEX audit_logs_by_event ON audit_logs (event, seq);
CREATE INDEX audit_logs_by_actor ON audit_logs (actor_id, seq);
CREATE INDEX audit_logs_by_subject ON audit_logs (subject_id, seq);

-- The personal part of a log row. It can be erased; its hash stays in the chain.
CREATE TABLE audit_details (
    seq BIGINT NOT NULL PRIMARY KEY REFERENCES audit_logs (seq),
    detail JSON NOT NULL
);

-- One row: the end of the chain, and the lock that keeps two writers from continuing it at once.
CREATE TABLE audit_head (
    id SMALLINT NOT NULL PRIMARY KEY CONSTRAINT audit_head_single CHECK (id = 1),
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION audit_logs_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_logs is append-only' USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_logs_append_only';
END
$$;
CREATE TRIGGER audit_logs_no_change BEFORE UPDATE OR DELETE ON audit_logs
    FOR EACH ROW EXECUTE FUNCTION audit_logs_refuse();
CREATE TRIGGER audit_logs_no_truncate BEFORE TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION audit_logs_refuse();

CREATE TABLE idempotency_keys (
    -- The user's id, or what else keeps one caller's keys from another's.
    scope TEXT NOT NULL,
    key TEXT NOT NULL CONSTRAINT idempotency_keys_key CHECK (length(key) BETWEEN 1 AND 255),
    request_hash BYTEA NOT NULL,
    -- None while the first request is still being worked on.
    status SMALLINT,
    content_type TEXT,
    answer BYTEA,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
