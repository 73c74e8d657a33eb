//! Answers as a flow takes them: given on a page, or known already.

use std::sync::Arc;

use serde_json::Value;
use service::answer::Answer;
use service::condition::Environment;
use service::step::Ask;

use super::Flow;
use crate::known::Answered;
use crate::words;

impl Flow {
    /// Whether the answer is known and not to be changed, or known already on the way back to the check.
    pub(super) fn is_filled_in(&mut self, environment: &Environment, index: usize) -> bool {
        let step = &self.item.service().steps[index];
        let before = self.known.answer(&step.id);
        if self.checking && before.is_some() {
            return true;
        }
        let Some(bind) = &step.bind else { return false };
        let editable = bind.editable;
        if before.is_some_and(|known| known.source.is_none()) {
            return false;
        }
        let value = environment.pointer(&bind.from);
        let answer = value.and_then(|value| self.bound(&step.ask, value));
        let Some(answer) = answer.filter(|answer| !answer.is_empty(&step.ask)) else {
            return false;
        };
        let source = Some(words::source(&bind.from));
        self.answer(index, Answered { answer, source });
        !editable
    }

    /// What is known, as an answer to this question; an address on a card is one line.
    fn bound(&self, ask: &Ask, value: &Value) -> Option<Answer> {
        if let (Ask::Address, Some(line)) = (ask, value.as_str()) {
            let (street, community, detail) = self.district.parse(line);
            return self.district.address(street, community, &detail);
        }
        Answer::from_json(ask, value).ok()
    }

    pub(super) fn answer(&mut self, index: usize, answered: Answered) {
        let id = self.service().steps[index].id.clone();
        if self.known.set(&id, answered) {
            self.forget_lookups_of(&id);
        }
    }

    pub(super) fn skip(&mut self, index: usize) {
        let id = self.service().steps[index].id.clone();
        if self.known.unset(&id) {
            self.forget_lookups_of(&id);
        }
    }

    /// What was looked up with another answer is no longer true.
    fn forget_lookups_of(&mut self, step: &str) {
        let item = Arc::clone(&self.item);
        let lookups = item.service().lookups.iter();
        for lookup in lookups.filter(|it| it.sends.iter().any(|it| it == step)) {
            self.known.unset_returned(&lookup.id);
        }
        let of_other = |ask: &Ask| match ask {
            Ask::Slot { of: Some(of), .. } => of.split('.').next() == Some(step),
            _ => false,
        };
        if item.service().steps.iter().any(|it| of_other(&it.ask)) {
            self.known.unset_returned("slots");
        }
        self.known.unset_returned("payment");
        if step == "card" {
            self.known.unset_returned("certificate");
        }
    }
}
