-- What the platform keeps of its devices. The same text runs on SQLite and on PostgreSQL.
-- Columns ending in _ms that name an instant are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE devices (
    device TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    stop TEXT,
    made_ms BIGINT NOT NULL
);

-- Last accepted birth or will of each device.
CREATE TABLE presence (
    device TEXT NOT NULL PRIMARY KEY,
    session BIGINT NOT NULL,
    state TEXT NOT NULL,
    payload TEXT NOT NULL,
    seen_ms BIGINT NOT NULL
);

-- How far each stream is durable here: the cursor behind every ack.
CREATE TABLE device_streams (
    device TEXT NOT NULL,
    stream TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (device, stream)
);

-- Append only; the key makes a second effect of the same event impossible.
CREATE TABLE events (
    device TEXT NOT NULL,
    stream TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    gap_from BIGINT,
    kind TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    mono_ms BIGINT NOT NULL,
    happened_ms BIGINT NOT NULL,
    clock_error_ms BIGINT,
    received_ms BIGINT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (device, stream, epoch, seq)
);

-- The newest event of those kinds that describe a state, so that nobody searches for it.
CREATE TABLE latest (
    device TEXT NOT NULL,
    kind TEXT NOT NULL,
    happened_ms BIGINT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (device, kind)
);

-- Events whose payload nobody could read; they count as received and never block their stream.
CREATE TABLE quarantine (
    device TEXT NOT NULL,
    stream TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    payload_base64 TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (device, stream, epoch, seq)
);

CREATE TABLE commands (
    id TEXT NOT NULL PRIMARY KEY,
    device TEXT NOT NULL,
    body TEXT NOT NULL,
    issued_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    changed_ms BIGINT NOT NULL
);
CREATE INDEX commands_by_device ON commands (device, issued_ms);

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
