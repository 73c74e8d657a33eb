//! A stage for the whole city, for tests and benches that need real processes on real wires.

pub mod stage;
