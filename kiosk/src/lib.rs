//! The self-service terminal without its screen: what a citizen is asked, and what happens to her answers.
//!
//! | file | what |
//! |---|---|
//! | [`page`] | what stands on the glass; all that a screen, a voice or a test needs |
//! | [`flow`] | one item, from what it needs to the paper in her hand |
//! | [`leaf`] | what an item puts on paper |
//! | [`session`] | how long she may take, and the end |
//! | [`devices`] | what works now |
//! | [`staff`], [`diary`] | who may sign on, and what happened |
//! | [`notice`], [`sheet`] | what everybody should know; what she takes along |
//! | [`item`], [`known`], [`district`] | a service made ready, what is known in a flow, the place |
//! | [`words`], [`mod@write`] | what the terminal itself says, and how values are written |

#![forbid(unsafe_code)]

pub mod page;

pub mod devices;
pub mod diary;
pub mod district;
pub mod flow;
pub mod item;
pub mod known;
pub mod leaf;
pub mod notice;
pub mod session;
pub mod sheet;
pub mod staff;
pub mod terminal;
pub mod words;
pub mod write;
