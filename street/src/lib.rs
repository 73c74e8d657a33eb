//! The whole street on one machine: the real platform and the real appliances on simulated hardware.
//!
//! Reading order: the city (network, simulation and the feeds made of them).

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod geometry;
pub mod network;

pub mod feed;
pub mod gtfs;
pub mod simulation;

pub mod page;
