//! Drivers against peers, over pseudo-terminals and sockets: everything that goes wrong in a hall.

mod bench;
mod card;
mod code;
mod pages;
mod receipt;
