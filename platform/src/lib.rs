//! The district's centre: what a street's appliances sync with.
//!
//! Terms used throughout:
//!
//! - the **wire** is the platform's own link to the broker; the **intake** makes events durable;
//! - the **shelf** holds what stands retained on the broker, so that a broker may forget everything;
//! - a **feed** is bytes from elsewhere: timetable, predictions, positions, alerts.
//!
//! Reading order: what was asked for, who may speak, what runs beside us, what is kept, what comes in,
//! what is known, what goes out, and what people see.

#![warn(missing_docs)]

pub mod config;
pub mod console;

pub mod authority;
pub mod broker;
pub mod enrolment;

pub mod feeds;
pub mod network;
pub mod poll;

pub mod alerts;
mod arrivals;
pub mod boards;
pub mod city;
pub mod timetable;

pub mod intake;
pub mod store;

pub mod services;

pub mod fleet;
pub mod library;
pub mod publish;
pub mod wire;

pub mod api;
pub mod devices;
pub mod handoffs;
pub mod metrics;
pub mod news;
pub mod pages;

pub mod oneshot;
pub mod run;
pub mod verify;
