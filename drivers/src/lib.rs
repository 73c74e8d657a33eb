//! Chips, buses and peripherals. Nothing here knows a bus stop or a citizen.
//!
//! | file | device |
//! |---|---|
//! | [`surface`] | panels: where pixels become light |
//! | [`illuminance`] | ambient light transmitter, Modbus RTU over a serial line |

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod surface;

pub mod illuminance;
