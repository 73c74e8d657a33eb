//! The terminal without its screen, in a hall with citizens and the demonstration registry.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod citizen;
mod leaving;
mod random;
mod staff;
mod walk;
