//! What works now: from the states of the devices to what can be done before the first question.

use service::definition::{Device, Form, Offline, Service};
use service::step::Ask;
use service::text::Text;

use crate::words;

/// How a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
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
    #[default]
    Absent,
}

impl State {
    /// Whether a job may be given to it.
    pub fn works(self) -> bool {
        matches!(self, State::Ready | State::Low)
    }
}

/// Everything that decides what can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Devices {
    states: [State; Device::ALL.len()],
    /// Whether the platform answers.
    pub link: bool,
    /// Whether anybody of the staff can sign on here.
    pub staff: bool,
}

/// Whether an item can be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It can; what is different from other days stands beside it.
    Yes(Vec<Remark>),
    No {
        why: Text,
    },
}

/// What is different today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// Accepted now and sent later.
    Later,
    /// What would be printed comes to the telephone.
    WithoutPaper(Device, State),
    /// The number of a card is typed or scanned.
    Typed(Device, State),
    /// Staff confirm who she is.
    ByStaff(Device, State),
    /// No picture is taken.
    WithoutPicture(Device, State),
}

impl Remark {
    /// In words for a citizen.
    pub fn words(self) -> Text {
        let but = |device, state, instead: Text| {
            let why = words::device_out(device, state);
            words::text(
                format!("{} · {}", why.zh, instead.zh),
                format!("{} · {}", why.en, instead.en),
            )
        };
        match self {
            Remark::Later => words::later(),
            Remark::WithoutPaper(device, state) => but(device, state, words::without_paper()),
            Remark::Typed(device, state) => but(device, state, words::typed_instead()),
            Remark::ByStaff(device, state) => but(device, state, words::by_staff()),
            Remark::WithoutPicture(device, state) => but(device, state, words::without_picture()),
        }
    }
}

impl Devices {
    /// What a device said about itself; whether that is news.
    pub fn set(&mut self, device: Device, state: State) -> bool {
        std::mem::replace(&mut self.states[device as usize], state) != state
    }

    /// How a device is; one that never spoke is absent.
    pub fn get(&self, device: Device) -> State {
        self.states[device as usize]
    }

    /// Whether a job may be given to a device.
    pub fn works(&self, device: Device) -> bool {
        self.get(device).works()
    }

    /// The ladder: a device that nothing replaces, the link, other ways, the paper.
    pub fn availability(&self, service: &Service) -> Availability {
        let mut remarks = Vec::new();
        let missing =
            service.needs.iter().filter(|device| !is_paper(**device) && !self.works(**device));
        for device in missing {
            match self.other_way(service, *device) {
                Some(remark) => remarks.push(remark),
                None => {
                    return Availability::No { why: words::device_out(*device, self.get(*device)) };
                }
            }
        }
        match (self.link, service.offline) {
            (true, _) => {}
            (false, Offline::Queue) => remarks.insert(0, Remark::Later),
            (false, Offline::Refuse) => return Availability::No { why: words::no_link() },
        }
        let mut papers = service.outputs.iter().filter_map(|output| paper(output.form));
        if let Some(device) = papers.find(|device| self.link && !self.works(*device)) {
            remarks.push(Remark::WithoutPaper(device, self.get(device)));
        }
        Availability::Yes(remarks)
    }

    /// What takes the place of a device in this item; none where nothing does.
    fn other_way(&self, service: &Service, device: Device) -> Option<Remark> {
        let state = self.get(device);
        let is_looked_at = service.steps.iter().any(|step| step.ask == Ask::Face);
        let must_show = service
            .steps
            .iter()
            .any(|step| matches!(step.ask, Ask::Photo { .. }) && !step.optional);
        match device {
            Device::SocialCard | Device::TransitCard => Some(Remark::Typed(device, state)),
            Device::Camera if must_show => None,
            Device::Camera if !is_looked_at => Some(Remark::WithoutPicture(device, state)),
            Device::Camera | Device::Fingerprint if self.staff => {
                Some(Remark::ByStaff(device, state))
            }
            _ => None,
        }
    }
}

/// The device that makes what is on paper.
pub fn paper(form: Form) -> Option<Device> {
    match form {
        Form::A4 => Some(Device::Printer),
        Form::Receipt => Some(Device::Receipt),
        Form::Screen | Form::Qr => None,
    }
}

fn is_paper(device: Device) -> bool {
    matches!(device, Device::Printer | Device::Receipt)
}
