-- PostgreSQL keeps no samples of personal columns from here on; on SQLite an erasure removes them (see the store's erasure).
SELECT 1;
