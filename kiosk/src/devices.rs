//! What works now: from the states of the devices to what can be done before the first question.

use std::collections::BTreeMap;

use service::definition::{Device, Form, Offline, Service};
use service::text::Text;

use crate::words;

/// How a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Ready,
    /// Works, and will not for long: paper near its end, toner low.
    Low,
    /// Out of paper.
    Empty,
    /// Jammed.
    Jam,
    /// A cover stands open.
    Open,
    /// It says that it is broken.
    Fault,
    /// It does not answer, or was never there.
    Absent,
}

impl State {
    /// Whether a job may be given to it.
    pub fn works(self) -> bool {
        matches!(self, State::Ready | State::Low)
    }
}

/// Everything that decides what can be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Devices {
    states: BTreeMap<Device, State>,
    /// Whether the platform answers.
    pub link: bool,
}

/// Whether an item can be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    Now,
    /// Accepted now and sent later.
    Later,
    /// Now, but the paper comes to the telephone.
    WithoutPaper {
        why: Text,
    },
    No {
        why: Text,
    },
}

impl Devices {
    /// What a device said about itself; whether that is news.
    pub fn set(&mut self, device: Device, state: State) -> bool {
        self.states.insert(device, state) != Some(state)
    }

    /// How a device is; one that never spoke is absent.
    pub fn get(&self, device: Device) -> State {
        self.states.get(&device).copied().unwrap_or(State::Absent)
    }

    /// The ladder: a device that nothing replaces, the link, the paper.
    pub fn availability(&self, service: &Service) -> Availability {
        let missing = service.needs.iter().find(|device| {
            let paper = matches!(device, Device::Printer | Device::Receipt);
            !paper && !self.get(**device).works()
        });
        if let Some(device) = missing {
            return Availability::No { why: words::device_out(*device, self.get(*device)) };
        }
        if !self.link {
            return match service.offline {
                Offline::Queue => Availability::Later,
                Offline::Refuse => Availability::No { why: words::no_link() },
            };
        }
        let paper = |form| match form {
            Form::A4 => Some(Device::Printer),
            Form::Receipt => Some(Device::Receipt),
            Form::Screen | Form::Qr => None,
        };
        let mut outputs = service.outputs.iter().filter_map(|output| paper(output.form));
        match outputs.find(|device| !self.get(*device).works()) {
            Some(device) => {
                Availability::WithoutPaper { why: words::device_out(device, self.get(device)) }
            }
            None => Availability::Now,
        }
    }
}
