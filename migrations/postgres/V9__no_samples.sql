-- No samples of personal columns for the planner: an erased person would stay in pg_statistic until the next ANALYZE.
-- These columns are looked up by unique indexes or not at all, so nothing is planned worse.
ALTER TABLE users
    ALTER COLUMN email SET STATISTICS 0,
    ALTER COLUMN email_folded SET STATISTICS 0,
    ALTER COLUMN password_hash SET STATISTICS 0,
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN zip_code SET STATISTICS 0;
ALTER TABLE sessions
    ALTER COLUMN ip SET STATISTICS 0,
    ALTER COLUMN user_agent SET STATISTICS 0;
ALTER TABLE refresh_tokens
    ALTER COLUMN hash SET STATISTICS 0,
    ALTER COLUMN successor_hash SET STATISTICS 0;
ALTER TABLE password_resets
    ALTER COLUMN hash SET STATISTICS 0;
ALTER TABLE current_plans
    ALTER COLUMN supplier_name SET STATISTICS 0,
    ALTER COLUMN plan_name SET STATISTICS 0,
    ALTER COLUMN rate_structure SET STATISTICS 0;
ALTER TABLE recommendations
    ALTER COLUMN answer SET STATISTICS 0,
    ALTER COLUMN input SET STATISTICS 0,
    ALTER COLUMN claim_hash SET STATISTICS 0;
ALTER TABLE feedback
    ALTER COLUMN feedback_text SET STATISTICS 0;
ALTER TABLE idempotency_keys
    ALTER COLUMN scope SET STATISTICS 0,
    ALTER COLUMN key SET STATISTICS 0,
    ALTER COLUMN answer SET STATISTICS 0;
