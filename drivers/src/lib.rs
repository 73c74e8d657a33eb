//! Chips, buses and peripherals. Nothing here knows a bus stop or a citizen.
//!
//! | file | device |
//! |---|---|
//! | [`surface`] | panels: where pixels become light |
//! | [`input`] | touch panels, keypads, keyboards, scanners that type |
//! | [`illuminance`] | ambient light transmitter, Modbus RTU over a serial line |

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod input;
pub mod surface;

pub mod illuminance;
