//! The end of a flow: the item itself is asked for, once.

use service::definition::{Kind, Offline, Output};
use service::step::Ask;

use super::{Around, At, Effect, Flow};
use crate::devices::paper;
use crate::known::is_checked;

impl Flow {
    pub(super) fn submit(&mut self, around: Around) -> Vec<Effect> {
        self.at = At::Doing;
        let operation = self.item.operation(&self.environment(around));
        let payload = self.known.payload(operation, around.today);
        let taken = operation.sends.iter().flat_map(|step| self.known.shots(step));
        let shots = taken.copied().collect();
        let operation = operation.name.clone();
        let offline = self.service().offline;
        let token = self.token();
        vec![if around.devices.link || offline == Offline::Refuse {
            Effect::Ask { token, operation, payload, last: true, shots }
        } else {
            Effect::Post { token, operation, payload, shots }
        }]
    }

    pub(super) fn again(&mut self, around: Around, at: &At) -> Vec<Effect> {
        match at {
            At::Looking { wanted, then } => self.look(around, *wanted, *then),
            _ => self.submit(around),
        }
    }

    /// What is only looked at needs no check; what is sent, paid or printed does.
    pub(super) fn is_worth_checking(&self) -> bool {
        let given = self.service().steps.iter().filter(|step| {
            step.ask != Ask::IdCard
                && is_checked(&step.ask)
                && self.known.answer(&step.id).is_some()
        });
        match self.service().kind {
            Kind::Query | Kind::Payment => false,
            Kind::Print => given.count() > 1,
            Kind::Certificate | Kind::Form | Kind::Booking => given.count() > 0,
        }
    }

    /// What is to be printed.
    pub fn prints(&self) -> impl Iterator<Item = &Output> {
        self.service().outputs.iter().filter(|output| paper(output.form).is_some())
    }
}
