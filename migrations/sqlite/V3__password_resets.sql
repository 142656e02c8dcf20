-- Links with which a user who has forgotten the password sets a new one. One at a time for each user.
CREATE TABLE password_resets (
    user_id BLOB NOT NULL CHECK (length(user_id) = 16) PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the token; the token itself is kept nowhere.
    hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX password_resets_by_expiry ON password_resets (expires_at);
