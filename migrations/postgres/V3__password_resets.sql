-- Links with which a user who has forgotten the password sets a new one. One at a time for each user.
CREATE TABLE password_resets (
    user_id UUID NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the token; the token itself is kept nowhere.
    hash BYTEA NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX password_resets_by_expiry ON password_resets (expires_at);
