//! The whole street on one machine: the real platform and the real appliances on simulated hardware.
//!
//! Reading order: the city with its buses and feeds; the hardware around one appliance; the processes;
//! the shell that holds them together; the page.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod geometry;
pub mod network;

pub mod feed;
pub mod gtfs;
pub mod simulation;

pub mod city;

pub mod clock;
pub mod disk;
pub mod fingers;
pub mod light;
pub mod wire;

pub mod bench;
pub mod citizens;

pub mod appliance;

pub mod process;
pub mod supervise;

pub mod platform;
pub mod street;

pub mod page;
pub mod web;

pub mod browser;
pub mod pictures;
pub mod visitor;

pub mod config;
