-- What citizens ask at terminals. Columns named `sealed` hold boxes that only the platform's key opens.

-- The id makes a second effect of the same submission impossible, by whichever way it comes.
CREATE TABLE submissions (
    id TEXT NOT NULL PRIMARY KEY,
    device TEXT NOT NULL,
    service TEXT NOT NULL,
    operation TEXT NOT NULL,
    -- 'online': a citizen waits for the answer. 'outbox': the platform owes it.
    route TEXT NOT NULL,
    -- 'taken' or 'answered'
    state TEXT NOT NULL,
    tries BIGINT NOT NULL,
    sealed TEXT NOT NULL,
    answer TEXT,
    taken_ms BIGINT NOT NULL,
    answered_ms BIGINT
);
CREATE INDEX submissions_owed ON submissions (state, route, tries);
CREATE INDEX submissions_answered ON submissions (answered_ms);

-- What the demonstration registry learnt about a citizen; `person` is a keyed hash of the identity number.
CREATE TABLE citizens (
    person TEXT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL,
    changed_ms BIGINT NOT NULL
);

-- Numbers that were given out.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO counters (name, last) VALUES ('number', 0);

-- How many come when; the quota is compared in the same statement that counts.
CREATE TABLE booking_slots (
    service TEXT NOT NULL,
    day TEXT NOT NULL,
    hour TEXT NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (service, day, hour)
);

CREATE TABLE bookings (
    number TEXT NOT NULL PRIMARY KEY,
    submission TEXT NOT NULL,
    person TEXT NOT NULL,
    service TEXT NOT NULL,
    day TEXT NOT NULL,
    hour TEXT NOT NULL,
    -- 'booked' or 'cancelled'
    state TEXT NOT NULL,
    sealed TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
);
CREATE INDEX bookings_by_person ON bookings (person, state);
CREATE INDEX bookings_by_day ON bookings (day, hour);

-- Whose electronic certificates were read, for which service; append only.
CREATE TABLE consents (
    submission TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL,
    -- Name and identity number.
    sealed TEXT NOT NULL,
    device TEXT NOT NULL,
    service TEXT NOT NULL,
    -- Separated by commas.
    kinds TEXT NOT NULL,
    given_ms BIGINT NOT NULL
);
CREATE INDEX consents_given ON consents (given_ms);

CREATE TABLE payments (
    trade TEXT NOT NULL PRIMARY KEY,
    service TEXT NOT NULL,
    amount BIGINT NOT NULL,
    -- When it was paid; null while it is open.
    paid_ms BIGINT,
    -- The submission that it was used for.
    used_by TEXT,
    made_ms BIGINT NOT NULL
);
CREATE INDEX payments_used ON payments (used_by);

-- What people reported.
CREATE TABLE cases (
    number TEXT NOT NULL PRIMARY KEY,
    submission TEXT NOT NULL,
    device TEXT NOT NULL,
    category TEXT NOT NULL,
    photos BIGINT NOT NULL,
    -- 'received', 'assigned', 'in_progress' or 'closed'
    state TEXT NOT NULL,
    -- Place, words and telephone number.
    sealed TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
);
CREATE INDEX cases_by_change ON cases (changed_ms);

-- Papers that terminals printed: no personal data.
CREATE TABLE documents (
    hash TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    device TEXT NOT NULL,
    issued_ms BIGINT NOT NULL
);
CREATE INDEX documents_by_code ON documents (code);
