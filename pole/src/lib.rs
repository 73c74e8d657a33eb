//! The street's poles and signs.
//!
//! Reading order: [`when`] and [`message`] are what a rider must know, in every rendering;
//! [`glass`] decides it; [`page`] lays it out for a [`panel`]; [`font`] and [`paint`] make pixels of it;
//! [`sign`] puts them on a surface and talks with the platform.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod message;
pub mod when;

pub mod glass;

pub mod page;
pub mod panel;

pub mod font;
pub mod paint;

pub mod sign;
pub mod timekeeper;

/// Says that a test did not run, and why; `make test` counts these lines.
#[cfg(test)]
#[expect(clippy::print_stderr, reason = "it is what people look for in the output")]
fn skipped(reason: &str) {
    eprintln!("SKIPPED: {reason}");
}
