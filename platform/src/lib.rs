//! The district's centre: what a street's appliances sync with.
//!
//! Reading order: who may speak, then what is known, then who hears it.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod authority;

pub mod feeds;
pub mod network;
