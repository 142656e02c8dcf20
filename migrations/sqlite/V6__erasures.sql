-- Who was erased, so that a restored backup can be brought to forget them again: SHA-256 of the user's id.
CREATE TABLE erasures (
    user_hash BLOB NOT NULL PRIMARY KEY,
    erased_at INTEGER NOT NULL
) STRICT;
