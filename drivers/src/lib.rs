//! Chips, buses and peripherals. Nothing here knows a bus stop or a citizen.
//!
//! | file | device |
//! |---|---|
//! | [`surface`] | panels: where pixels become light |

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod surface;
