-- One-time tokens of provision strings; only their hashes are kept.
CREATE TABLE enrolment (
    token_hash TEXT NOT NULL PRIMARY KEY,
    device TEXT NOT NULL,
    role TEXT NOT NULL,
    stop TEXT,
    expires_ms BIGINT NOT NULL,
    -- Hash of the key that was enrolled with it.
    key_hash TEXT
);

CREATE INDEX enrolment_device ON enrolment (device);
