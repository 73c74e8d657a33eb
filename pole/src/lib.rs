//! The street's poles and signs.
//!
//! Reading order: [`font`] draws characters.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod font;
