-- Where the log begins: rows up to this one expired and were removed, and a row of the log tells so.
CREATE TABLE audit_anchor (
    id SMALLINT NOT NULL PRIMARY KEY CONSTRAINT audit_anchor_single CHECK (id = 1),
    -- The last row that expired; 0: none.
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    -- The row that tells of it.
    told_by BIGINT NOT NULL
);
INSERT INTO audit_anchor (id, seq, hash, told_by) VALUES (1, 0, decode(repeat('00', 32), 'hex'), 0);

-- Rows go only where the log no longer begins with them.
CREATE OR REPLACE FUNCTION audit_logs_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.seq <= (SELECT seq FROM audit_anchor WHERE id = 1) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_logs is append-only' USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_logs_append_only';
END
$$;

-- A detail can be erased, but not changed.
CREATE FUNCTION audit_details_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_details is only erased' USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_details_erase_only';
END
$$;
CREATE TRIGGER audit_details_no_update BEFORE UPDATE ON audit_details
    FOR EACH ROW EXECUTE FUNCTION audit_details_refuse();
CREATE TRIGGER audit_details_no_truncate BEFORE TRUNCATE ON audit_details
    FOR EACH STATEMENT EXECUTE FUNCTION audit_details_refuse();

-- The beginning moves on, to a row that is there, and only where a later row tells so.
CREATE FUNCTION audit_anchor_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.id = OLD.id AND NEW.seq > OLD.seq AND NEW.told_by > NEW.seq
            AND EXISTS (SELECT 1 FROM audit_logs WHERE seq = NEW.seq AND hash = NEW.hash)
            AND EXISTS (SELECT 1 FROM audit_logs WHERE seq = NEW.told_by AND event = 'audit_log_expired')
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_anchor moves on' USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_anchor_moves_on';
END
$$;
CREATE TRIGGER audit_anchor_moves_on BEFORE INSERT OR UPDATE OR DELETE ON audit_anchor
    FOR EACH ROW EXECUTE FUNCTION audit_anchor_refuse();
CREATE TRIGGER audit_anchor_no_truncate BEFORE TRUNCATE ON audit_anchor
    FOR EACH STATEMENT EXECUTE FUNCTION audit_anchor_refuse();
