-- The node that works on the request: when it is gone, the key is claimed anew by who is sent the request again.
ALTER TABLE idempotency_keys ADD COLUMN claimed_by INTEGER;
