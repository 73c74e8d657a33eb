//! Chips, buses and peripherals. Nothing here knows a bus stop or a citizen.
//!
//! | file | device |
//! |---|---|
//! | [`surface`] | panels: where pixels become light |
//! | [`input`] | touch panels, keypads, keyboards, scanners that type |
//! | [`mod@line`] | cables of peripherals: serial line, printer's device file, TCP port |
//! | [`health`] | whether a peripheral can be counted on |
//! | [`illuminance`] | ambient light transmitter, Modbus RTU over a serial line |
//! | [`identity_card`] | reader of Chinese identity cards, SAM-V over a serial line |
//! | [`scanner`] | scanner of bar and QR codes on a serial line |
//! | [`receipt`] | receipt printer, ESC/POS over any cable |
//! | [`a4`] | page printer, IPP |
//! | [`camera`] | still pictures, V4L2 or a folder of JPEG files |
//! | [`presence`] | whether somebody stands in front |
//! | [`jack`] | whether headphones are plugged in |

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod input;
pub mod surface;

pub mod health;
pub mod line;

pub mod illuminance;

mod ioctl;

pub mod a4;
pub mod camera;
pub mod identity_card;
pub mod jack;
pub mod presence;
pub mod receipt;
pub mod scanner;
