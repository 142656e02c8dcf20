-- What a recommendation was made from, so that it can be computed again under a scenario. None: made before this.
ALTER TABLE recommendations ADD COLUMN input TEXT;
