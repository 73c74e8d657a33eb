-- Photographs of what people reported: JPEG, each in a box that only the platform's key opens. They go with their case.
CREATE TABLE case_photos (
    number TEXT NOT NULL REFERENCES cases (number) ON DELETE CASCADE,
    -- 1, 2, 3 in the order in which they were taken.
    position BIGINT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (number, position)
);
