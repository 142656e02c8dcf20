-- The link with which whoever starts a service that nobody administers opens the first administrator's account. There
-- is one at most.
CREATE TABLE first_admin_link (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    -- SHA-256 of the token; the token itself is kept nowhere.
    hash BYTEA NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
