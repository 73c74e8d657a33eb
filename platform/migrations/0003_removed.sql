-- When a device was given up; what it reported stays. Null for those in service.
ALTER TABLE devices ADD COLUMN removed_ms BIGINT;
