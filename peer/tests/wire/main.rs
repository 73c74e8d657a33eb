//! Drivers against peers, over pseudo-terminals and sockets: everything that goes wrong in a hall.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bench;
mod card;
mod code;
mod pages;
mod receipt;
