//! What people see in a real browser: a citizen's telephone, and the console of an operator.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod hall;

mod console;
mod telephone;
