//! A community hall made of real programs: platform, terminal and the far side of every device, each
//! behind its wire. A citizen touches what stands on the glass and nothing else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod citizen;
mod faults;
mod hall;
mod papers;
mod reports;
mod staff;
mod wipe;
