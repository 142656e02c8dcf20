-- Whether who gave it was content, found out when it was given.
ALTER TABLE feedback ADD COLUMN sentiment TEXT NOT NULL DEFAULT 'neutral'
    CONSTRAINT feedback_sentiment CHECK (sentiment IN ('positive', 'neutral', 'negative'));
