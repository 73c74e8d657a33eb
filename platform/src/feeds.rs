//! Bytes from elsewhere and the one parser of each format: past it, nothing can be malformed.

pub mod gtfs;
