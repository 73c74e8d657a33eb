//! Staff at the terminal: signing on, confirming who a citizen is, and looking after the machine.

mod pages;

use service::text::Text;
use sync::{Moment, Mono};

use super::{Effect, Terminal, View};
use crate::diary::Happened;
use crate::page::Act;
use crate::session::Session;
use crate::staff::{Audit, Deed, Refusal};
use crate::words;
use crate::words::staff as say;

/// So many touches of the emblem let staff sign on.
const EMBLEM_TOUCHES: u8 = 5;
/// After so long without another touch of the emblem somebody just wanted to begin.
pub(super) const EMBLEM_PAUSE: std::time::Duration = std::time::Duration::from_millis(1200);
/// Longest number, PIN and code.
const LINE_MAX: u16 = 16;
/// The volume goes in steps of so many percent.
const VOLUME_STEP: u8 = 10;

/// Staff before the glass.
#[derive(Debug, Clone)]
pub(super) enum Staff {
    SignOn(SignOn),
    /// She is asked whether the citizen is the one on the card.
    Confirm {
        who: String,
        is_she: Option<bool>,
    },
    Inside {
        who: String,
        page: Inside,
    },
}

/// The three lines of a sign-on.
#[derive(Clone, Default)]
pub(super) struct SignOn {
    /// Whether it is for a citizen who stands there.
    for_citizen: bool,
    asked: Asked,
    id: String,
    pin: String,
    code: String,
    error: Option<Text>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Asked {
    #[default]
    Id,
    Pin,
    Code,
}

/// Where she is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    Menu,
    Test,
    Paper,
    Volume,
    Log,
}

impl std::fmt::Debug for SignOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignOn").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl Inside {
    const ALL: [Inside; 4] = [Inside::Test, Inside::Paper, Inside::Volume, Inside::Log];

    fn id(self) -> &'static str {
        match self {
            Inside::Menu => "staff:menu",
            Inside::Test => "staff:test",
            Inside::Paper => "staff:paper",
            Inside::Volume => "staff:volume",
            Inside::Log => "staff:log",
        }
    }

    fn name(self) -> Text {
        match self {
            Inside::Menu => say::menu(),
            Inside::Test => say::test(),
            Inside::Paper => say::paper(),
            Inside::Volume => say::volume_title(),
            Inside::Log => say::log(),
        }
    }
}

/// Touches of the emblem so far, and when they are forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Emblem {
    touches: u8,
    pub(super) until: Mono,
}

impl Default for Emblem {
    fn default() -> Emblem {
        Emblem { touches: 0, until: Mono::NEVER }
    }
}

impl SignOn {
    fn line(&mut self) -> &mut String {
        match self.asked {
            Asked::Id => &mut self.id,
            Asked::Pin => &mut self.pin,
            Asked::Code => &mut self.code,
        }
    }

    /// What the field shows: of a PIN only how long it is.
    fn shown(&self) -> String {
        match self.asked {
            Asked::Id => self.id.clone(),
            Asked::Pin => "●".repeat(self.pin.chars().count()),
            Asked::Code => self.code.clone(),
        }
    }

    /// Takes over the field: dots in it stand for the signs that were there.
    fn input(&mut self, line: &str) {
        let kept = line.chars().take_while(|sign| *sign == '●').count();
        let kept: String = self.line().chars().take(kept).collect();
        let new = line.chars().filter(char::is_ascii_alphanumeric);
        *self.line() = kept.chars().chain(new).take(usize::from(LINE_MAX)).collect();
    }

    /// By a staff card the number is known.
    fn with_card(mut self, id: &str) -> SignOn {
        id.clone_into(&mut self.id);
        self.asked = Asked::Pin;
        self
    }
}

impl Terminal {
    /// A touch of the emblem; the last of five lets staff sign on.
    pub(super) fn emblem(&mut self, now: Moment) {
        if !matches!(self.view, View::Attract) || self.staff.is_some() {
            return;
        }
        self.emblem.touches += 1;
        self.emblem.until = now.mono + EMBLEM_PAUSE;
        if self.emblem.touches >= EMBLEM_TOUCHES && self.devices.staff {
            self.emblem = Emblem::default();
            self.session = Some(Session::begin(now.mono));
            self.staff = Some(Staff::SignOn(SignOn::default()));
        }
    }

    /// A staff card lies there or was scanned; whether it was one.
    pub(super) fn staff_card(&mut self, now: Moment, card: &str) -> bool {
        let Some(clerk) = self.door.roster().by_card(card) else { return false };
        let id = clerk.id.clone();
        let sign_on = match self.staff.take() {
            Some(Staff::SignOn(sign_on)) => sign_on,
            None if matches!(self.view, View::Attract) => {
                self.session = Some(Session::begin(now.mono));
                SignOn::default()
            }
            other => {
                self.staff = other;
                return false;
            }
        };
        self.staff = Some(Staff::SignOn(sign_on.with_card(&id)));
        true
    }

    /// A citizen asks that staff confirm who she is.
    pub(super) fn call_staff(&mut self) {
        self.staff = Some(Staff::SignOn(SignOn { for_citizen: true, ..SignOn::default() }));
        if let Some(session) = &mut self.session {
            session.set_waiting(true);
        }
    }

    /// What was done while staff stand there.
    pub(super) fn staff_act(&mut self, now: Moment, act: &Act) -> Vec<Effect> {
        match self.staff.take() {
            None => vec![],
            Some(Staff::SignOn(sign_on)) => self.sign_on_act(now, sign_on, act),
            Some(Staff::Confirm { who, is_she }) => self.confirm_act(now, who, is_she, act),
            Some(Staff::Inside { who, page }) => self.inside_act(now, who, page, act),
        }
    }

    fn sign_on_act(&mut self, now: Moment, mut sign_on: SignOn, act: &Act) -> Vec<Effect> {
        sign_on.error = None;
        match (act, sign_on.asked) {
            (Act::Input(line), _) => sign_on.input(line),
            (Act::Back, _) => return self.leave_sign_on(now, sign_on.for_citizen),
            (Act::Next, _) if sign_on.line().is_empty() => {
                sign_on.error = Some(words::write_first());
            }
            (Act::Next, Asked::Id) => sign_on.asked = Asked::Pin,
            (Act::Next, Asked::Pin) => sign_on.asked = Asked::Code,
            (Act::Next, Asked::Code) => return self.sign_on(now, &sign_on),
            _ => {}
        }
        self.staff = Some(Staff::SignOn(sign_on));
        vec![]
    }

    fn sign_on(&mut self, now: Moment, sign_on: &SignOn) -> Vec<Effect> {
        let SignOn { for_citizen, id, pin, code, .. } = sign_on;
        match self.door.sign_on(now, id, pin, code) {
            Ok(who) if *for_citizen => {
                self.staff = Some(Staff::Confirm { who: who.clone(), is_she: None });
                vec![self.audit(now, Some(who), Deed::SignedOn, None)]
            }
            Ok(who) => {
                self.session = Some(Session::of_staff(now.mono));
                self.staff = Some(Staff::Inside { who: who.clone(), page: Inside::Menu });
                vec![self.audit(now, Some(who), Deed::SignedOn, None)]
            }
            Err(refusal) => {
                let deed = match refusal {
                    Refusal::Wrong { .. } => Deed::Refused,
                    Refusal::Locked { .. } => Deed::LockedOut,
                };
                let error = Some(say::refused(refusal));
                let for_citizen = *for_citizen;
                let again = SignOn { for_citizen, error, ..SignOn::default() };
                self.staff = Some(Staff::SignOn(again));
                vec![self.audit(now, None, deed, None)]
            }
        }
    }

    /// Back to the citizen, or to nobody.
    fn leave_sign_on(&mut self, now: Moment, for_citizen: bool) -> Vec<Effect> {
        if !for_citizen {
            return self.end(now, Happened::Ended);
        }
        self.staff = None;
        if let Some(session) = &mut self.session {
            session.set_waiting(false);
        }
        vec![]
    }

    fn confirm_act(
        &mut self,
        now: Moment,
        who: String,
        is_she: Option<bool>,
        act: &Act,
    ) -> Vec<Effect> {
        let is_she = match (act, is_she) {
            (Act::Choose(index @ (0 | 1)), _) => Some(*index == 0),
            (Act::Back, _) => return self.leave_sign_on(now, true),
            (Act::Next, Some(is_she)) => {
                self.leave_sign_on(now, true);
                let deed = if is_she { Deed::ConfirmedIdentity } else { Deed::DeniedIdentity };
                let item = self.flow().map(|flow| flow.service().code.clone());
                let audit = self.audit(now, Some(who), deed, item);
                let around = self.around(now);
                let went_on = self.with_flow(|flow| flow.confirmed(around, is_she));
                return [audit].into_iter().chain(went_on).collect();
            }
            (_, is_she) => is_she,
        };
        self.staff = Some(Staff::Confirm { who, is_she });
        vec![]
    }

    fn inside_act(&mut self, now: Moment, who: String, page: Inside, act: &Act) -> Vec<Effect> {
        let mut next = page;
        let mut effects = vec![];
        let clerk = Some(who.clone());
        match (act, page) {
            (Act::Open(id), _) => {
                next = Inside::ALL.into_iter().find(|page| page.id() == id).unwrap_or(page);
                if id == "staff:language" {
                    self.modes.language = self.modes.language.other();
                }
                if id == "staff:end" {
                    self.staff = Some(Staff::Inside { who, page });
                    return self.end(now, Happened::Ended);
                }
                match next {
                    Inside::Test if page != next => {
                        effects.push(Effect::Recheck);
                        effects.push(self.audit(now, clerk, Deed::CheckedDevices, None));
                    }
                    Inside::Log if page != next => {
                        effects.push(self.audit(now, clerk, Deed::ReadLog, None));
                    }
                    _ => {}
                }
            }
            (Act::Next, Inside::Test) => {
                effects.push(Effect::Recheck);
                effects.push(self.audit(now, clerk, Deed::CheckedDevices, None));
            }
            (Act::Next, Inside::Paper) => {
                effects.push(Effect::Recheck);
                effects.push(self.audit(now, clerk, Deed::RefilledPaper, None));
            }
            (Act::Choose(step), Inside::Volume) => {
                if let Some(volume) = volumes().nth(*step) {
                    self.volume = volume;
                    effects.push(Effect::Volume(volume));
                    effects.push(self.audit(now, clerk, Deed::SetVolume, None));
                }
            }
            (Act::Back, Inside::Menu) => {
                self.staff = Some(Staff::Inside { who, page });
                return self.end(now, Happened::Ended);
            }
            (Act::Back | Act::Next, _) => next = Inside::Menu,
            _ => {}
        }
        self.staff = Some(Staff::Inside { who, page: next });
        effects
    }

    /// Writes down what staff did, here and for the platform.
    pub(super) fn audit(
        &mut self,
        now: Moment,
        who: Option<String>,
        what: Deed,
        item: Option<String>,
    ) -> Effect {
        self.diary.write(now.wall, Happened::Staff(what), item.clone());
        Effect::Audit(Audit { at: now.wall, who, what, item })
    }
}

fn volumes() -> impl Iterator<Item = u8> {
    (0..=100).step_by(usize::from(VOLUME_STEP))
}
