//! The whole city in one test binary.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod centre;
mod chaos;
mod laws;
mod outages;
mod recorded;
mod replay;
mod storm;
mod world;
