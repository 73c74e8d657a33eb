//! The shipped terminal behind its glass: every act goes through what a finger or a key can reach.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod album;
mod citizen;
mod gallery;
mod hand;
mod stand;

mod pages;
mod walks;
