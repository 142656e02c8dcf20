-- Where the log begins: rows up to this one expired and were removed, and a row of the log tells so.
CREATE TABLE audit_anchor (
    id INTEGER NOT NULL PRIMARY KEY CONSTRAINT audit_anchor_single CHECK (id = 1),
    -- The last row that expired; 0: none.
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    -- The row that tells of it.
    told_by INTEGER NOT NULL
) STRICT;
INSERT INTO audit_anchor (id, seq, hash, told_by) VALUES (1, 0, zeroblob(32), 0);

-- Rows go only where the log no longer begins with them.
DROP TRIGGER audit_logs_no_delete;
CREATE TRIGGER audit_logs_no_delete BEFORE DELETE ON audit_logs
WHEN OLD.seq > coalesce((SELECT seq FROM audit_anchor WHERE id = 1), 0)
BEGIN
    SELECT RAISE(ABORT, 'audit_logs_append_only');
END;
-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER audit_logs_no_replace BEFORE INSERT ON audit_logs
WHEN EXISTS (SELECT 1 FROM audit_logs WHERE seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'audit_logs_append_only');
END;

-- A detail can be erased, but not changed.
CREATE TRIGGER audit_details_no_update BEFORE UPDATE ON audit_details
BEGIN
    SELECT RAISE(ABORT, 'audit_details_erase_only');
END;
CREATE TRIGGER audit_details_no_replace BEFORE INSERT ON audit_details
WHEN EXISTS (SELECT 1 FROM audit_details WHERE seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'audit_details_erase_only');
END;

-- The beginning moves on, to a row that is there, and only where a later row tells so.
CREATE TRIGGER audit_anchor_moves_on BEFORE UPDATE ON audit_anchor
WHEN NOT (
    NEW.id = OLD.id AND NEW.seq > OLD.seq AND NEW.told_by > NEW.seq
    AND EXISTS (SELECT 1 FROM audit_logs WHERE seq = NEW.seq AND hash = NEW.hash)
    AND EXISTS (SELECT 1 FROM audit_logs WHERE seq = NEW.told_by AND event = 'audit_log_expired')
)
BEGIN
    SELECT RAISE(ABORT, 'audit_anchor_moves_on');
END;
CREATE TRIGGER audit_anchor_stays BEFORE DELETE ON audit_anchor
BEGIN
    SELECT RAISE(ABORT, 'audit_anchor_moves_on');
END;
CREATE TRIGGER audit_anchor_no_replace BEFORE INSERT ON audit_anchor
BEGIN
    SELECT RAISE(ABORT, 'audit_anchor_moves_on');
END;
