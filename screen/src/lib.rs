//! Slint on bare hardware: a picture in memory, a panel, fingers and keys; no window system.
//!
//! | file | what |
//! |---|---|
//! | [`screen`](mod@screen) | the shell: waits for fingers, keys, timers and other threads, draws what changed |
//! | [`canvas`] | the picture in memory, rotated as the panel hangs |
//! | [`mounting`] | how the panel hangs and how fine its dots are |
//! | [`fonts`] | the fixed chain of fonts |
//! | [`keyboard`] | the keyboard on the glass; [`pinyin`] finds what was meant |
//! | [`typing`] | types what the keyboard says |
//! | [`outline`] | what stands on the glass, for who can't see it |
//! | `ui/` | the Slint kit that terminal and guide share |
//!
//! Programs that link this crate ship under GPL-3.0, Slint's licence; these sources are Apache-2.0.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod canvas;
mod clock;
pub mod fonts;
mod glue;
pub mod keyboard;
pub mod mounting;
pub mod outline;
pub mod pinyin;
mod platform;
pub mod screen;
pub mod typing;
mod waker;

pub use clock::Clock;
pub use mounting::{Mounting, Rotation};
pub use screen::{Event, PadRoute, Progress, Screen};
pub use waker::{QueueFull, Waker};
