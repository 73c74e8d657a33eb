//! What a service is: one file per item, read, checked and searched.
//!
//! Knows no screen, no device and no department; terminal and platform read the same files with it.

pub mod definition;
pub mod step;
pub mod text;
