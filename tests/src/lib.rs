//! Measures and storms of the whole city; the tests themselves are in `tests/city`.
