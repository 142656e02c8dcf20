-- What grows is found by indexes: without these, expiry and lists for staff read whole tables.
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);
CREATE INDEX sessions_by_end ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX feedback_by_recommendation ON feedback (recommendation_id, created_at);
CREATE INDEX audit_logs_by_time ON audit_logs (logged_at);
DROP INDEX users_by_role;
CREATE INDEX users_by_role ON users (role, created_at DESC, id);
CREATE INDEX users_by_status ON users (status, created_at DESC, id);
