//! The platform against real servers: Mosquitto, PostgreSQL, its own HTTP ports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod district;

mod alerts;
mod asks;
mod boards;
mod broker;
mod handoffs;
mod intake;
mod interface;
mod photos;
mod postgres;
mod quota;
mod stores;
