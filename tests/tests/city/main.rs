//! The whole city in one test binary.

mod laws;
mod storm;
