//! What a flow asks the platform on the way: lookups, certificates, free slots, payments.

use serde_json::{Value, json};
use service::answer::{Answer, Payment};
use service::condition::Environment;
use service::definition::Operation;
use service::step::Ask;

use super::{Around, At, Effect, Flow};
use crate::known::Answered;

/// What is asked of the platform on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// One of the service's own lookups.
    Lookup(usize),
    /// Her electronic certificates.
    Certificates,
    /// Days and times that are free.
    Slots { step: usize },
    /// A code to pay with.
    Payment { amount_fen: i64 },
    /// Whether it was paid.
    Paid,
}

impl Flow {
    /// A lookup without which it can't be said whether a step is asked. One of which nothing it
    /// sends was shown does not run: its fields are empty.
    pub(super) fn unknown_lookup(&self, index: usize) -> Option<Wanted> {
        let lookups = &self.service().lookups;
        let is_missing = |lookup: &&usize| {
            let Operation { id, sends, .. } = &lookups[**lookup];
            let sent = sends.is_empty() || sends.iter().any(|it| self.known.answer(it).is_some());
            sent && self.known.returned(id).is_none()
        };
        let missing = self.item.lookups_before(index).iter().find(is_missing);
        missing.map(|lookup| Wanted::Lookup(*lookup))
    }

    /// What a step that is asked needs to know before its page can stand.
    pub(super) fn unknown_ground(&self, index: usize, environment: &Environment) -> Option<Wanted> {
        let step = &self.service().steps[index];
        let unknown = |name: &str| self.known.returned(name).is_none();
        let bound = step.bind.as_ref().is_some_and(|bind| bind.from.starts_with("certificate."));
        match &step.ask {
            _ if bound && unknown("certificate") && self.known.answer("card").is_some() => {
                Some(Wanted::Certificates)
            }
            Ask::Slot { .. } if unknown("slots") => Some(Wanted::Slots { step: index }),
            Ask::Pay { .. } if unknown("payment") => {
                let amount_fen = self.item.amount_fen(index, environment).unwrap_or(0);
                Some(Wanted::Payment { amount_fen })
            }
            _ => None,
        }
    }

    /// Under what name the answer is kept.
    pub(super) fn name(&self, wanted: Wanted) -> String {
        match wanted {
            Wanted::Lookup(lookup) => self.service().lookups[lookup].id.clone(),
            Wanted::Certificates => "certificate".to_owned(),
            Wanted::Slots { .. } => "slots".to_owned(),
            Wanted::Payment { .. } | Wanted::Paid => "payment".to_owned(),
        }
    }

    pub(super) fn look(&mut self, around: Around, wanted: Wanted, then: usize) -> Vec<Effect> {
        self.at = At::Looking { wanted, then };
        vec![self.ask(around, wanted)]
    }

    fn ask(&mut self, around: Around, wanted: Wanted) -> Effect {
        let code = &self.service().code;
        let (operation, payload) = match wanted {
            Wanted::Lookup(lookup) => {
                let operation = &self.service().lookups[lookup];
                let payload = self.known.payload(operation, around.today);
                (operation.name.as_str(), payload)
            }
            Wanted::Certificates => {
                let card = self.known.answer("card").map(|card| card.answer.to_json());
                ("certificate.read", json!({ "card": card, "service": code }))
            }
            Wanted::Slots { step } => ("booking.slots", self.slots_of(step)),
            Wanted::Payment { amount_fen } => {
                ("payment.begin", json!({ "service": code, "amount": amount_fen }))
            }
            Wanted::Paid => {
                let payment = self.known.returned("payment").and_then(|it| it.get("trade"));
                ("payment.state", json!({ "trade": payment }))
            }
        };
        let operation = operation.to_owned();
        Effect::Ask { token: self.token(), operation, payload, last: false, shots: vec![] }
    }

    /// Which service's slots a step chooses from, and how many days of them.
    fn slots_of(&self, step: usize) -> Value {
        let service = self.service();
        let (days, of) = match &service.steps[step].ask {
            Ask::Slot { days, of } => (*days, of.as_deref()),
            _ => (0, None),
        };
        let other = of.and_then(|of| self.known.picked(service, of));
        json!({ "service": other.unwrap_or(&json!(service.code)), "days": days })
    }

    /// Whether the page waits for a payment, and the platform should be asked about it now and then.
    pub fn is_paying(&self) -> bool {
        self.waiting.is_none() && self.step().is_some_and(|it| matches!(it.ask, Ask::Pay { .. }))
    }

    /// Asks whether it was paid.
    pub fn poll_payment(&mut self, around: Around) -> Vec<Effect> {
        if self.is_paying() { vec![self.ask(around, Wanted::Paid)] } else { vec![] }
    }

    pub(super) fn paid(&mut self, around: Around, index: usize, state: &Value) -> Vec<Effect> {
        if state.get("paid") != Some(&json!(true)) {
            return vec![];
        }
        let payment = self.known.returned("payment");
        let field = |name: &str| payment.and_then(|payment| payment.get(name));
        let amount = field("amount").and_then(Value::as_i64).unwrap_or(0);
        let trade = field("trade").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.known.set(
            &self.item.service().steps[index].id,
            Answered { answer: Answer::Payment(Payment { amount, trade }), source: None },
        );
        self.advance(around, index + 1)
    }
}
