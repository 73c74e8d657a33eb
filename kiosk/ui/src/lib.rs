//! The self-service terminal on its screen.
//!
//! | file | what |
//! |---|---|
//! | [`config`] | what the terminal is told about itself |
//! | [`desk`] | the shell: takes turns between fingers, devices, platform and the terminal's core |
//! | [`glass`] | a page as the values that the Slint pages show |
//! | `room` | how much of a list fits on a page |
//! | [`hands`] | what fingers and keys do, as acts of the citizen |
//! | [`speech`] | what is spoken |
//! | [`devices`], [`print`](mod@print), [`wire`] | a thread each: what hangs on the cables, the printers, the line to the platform |
//! | [`notary`] | signs papers |
//! | [`album`] | the pictures of the citizen who stands there |
//! | [`mirror`] | the glass as words, beside a panel that is a file |
//! | `ui/` | the pages |

pub mod album;
pub mod config;
pub mod desk;
pub mod devices;
pub mod glass;
pub mod hands;
pub mod mirror;
pub mod notary;
pub mod print;
mod room;
pub mod speech;
pub mod ui;
pub mod wire;
