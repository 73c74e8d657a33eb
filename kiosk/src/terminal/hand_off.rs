//! A page on the citizen's own telephone: by a code that opens once and holds nothing of her.

use service::text::Text;
use sync::Moment;

use super::{Effect, Terminal};
use crate::diary::Happened;
use crate::flow::{Stage, Token};
use crate::page::{Act, Body, Button, Offer, Page};
use crate::sheet::Sheet;
use crate::words;

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Handing {
    /// The shell makes the page.
    Making(Token),
    /// The address stands on the glass as a code.
    Ready(String),
    /// It could not be made; it can be tried again.
    Failed(Text),
}

impl Terminal {
    /// Gives the shell what stands here, to make a page of.
    pub(super) fn hand_off(&mut self, now: Moment) -> Vec<Effect> {
        let Some(sheet) = self.sheet(now) else { return vec![] };
        self.tokens.0 += 1;
        self.handing = Some(Handing::Making(self.tokens));
        let papers = self.flow().is_some_and(|flow| flow.stage() == Stage::Done);
        vec![Effect::HandOff { token: self.tokens, sheet, papers }]
    }

    /// The page is made, or not. What was made for somebody who has gone is not shown.
    pub(super) fn handed_off(&mut self, now: Moment, token: Token, result: Result<String, Text>) {
        if self.handing != Some(Handing::Making(token)) {
            return;
        }
        let item = self.flow().map(|flow| flow.service().code.clone());
        match result {
            Ok(code) => {
                self.diary.write(now.wall, Happened::HandedOff, item);
                self.handing = Some(Handing::Ready(code));
                self.copied = true;
            }
            Err(why) => self.handing = Some(Handing::Failed(why)),
        }
    }

    /// What was done on the page with the code.
    pub(super) fn handing_act(&mut self, now: Moment, act: &Act) -> Vec<Effect> {
        match (act, &self.handing) {
            (Act::Next, Some(Handing::Failed(_))) => return self.hand_off(now),
            (Act::Next | Act::Back, _) => self.handing = None,
            _ => {}
        }
        vec![]
    }

    pub(super) fn handing_page(&self, handing: &Handing) -> Page {
        let language = self.modes.language;
        let say = |text: Text| text.get(language).to_owned();
        let blank = Page { finish: true, back: true, ..self.attract() };
        match handing {
            Handing::Making(_) => Page {
                title: say(words::making_code()),
                help: String::new(),
                body: Body::Working { what: say(words::take_along()), seconds: 0 },
                back: true,
                ..blank
            },
            Handing::Ready(code) => Page {
                title: say(words::scan_this()),
                help: say(words::scan_this_help()),
                body: Body::Code { code: code.clone() },
                main: Some(Button { label: say(words::got_it()), enabled: true }),
                ..blank
            },
            Handing::Failed(why) => Page {
                title: why.get(language).to_owned(),
                help: String::new(),
                body: Body::Stop { call: say(words::call()) },
                main: Some(Button { label: say(words::again()), enabled: true }),
                ..blank
            },
        }
    }

    /// The page of an item with what else can be done: taken along, printed again.
    pub(super) fn with_offers(&self, now: Moment, mut page: Page) -> Page {
        let language = self.modes.language;
        let offer = |words: Text, act| Offer { label: words.get(language).to_owned(), act };
        if let Some(trouble) = &self.trouble {
            page.error = Some(trouble.get(language).to_owned());
        }
        if self.owes_paper(now) {
            page.also.push(offer(words::print_again(), Act::Print));
        }
        if self.copies_first(now) {
            let label = words::take_copy().get(language).to_owned();
            page.main = Some(Button { label, enabled: true });
        } else if self.sheet(now).is_some() {
            let is_done = self.flow().is_some_and(|flow| flow.stage() == Stage::Done);
            let words = if is_done { words::take_copy() } else { words::take_along() };
            page.also.push(offer(words, Act::HandOff));
        }
        page
    }

    /// Whether papers of an item that has come to its end did not come out.
    fn owes_paper(&self, now: Moment) -> bool {
        self.trouble.is_some() && !self.leaves(now).is_empty()
    }

    /// Whether the main action is to get a copy: the paper will not come, and she came for it.
    pub(super) fn copies_first(&self, now: Moment) -> bool {
        self.owes_paper(now) && !self.copied && self.sheet(now).is_some()
    }

    /// What stands on the item's page, where it may be taken along; only with a link.
    fn sheet(&self, now: Moment) -> Option<Sheet> {
        let flow = self.flow().filter(|flow| self.devices.link && flow.may_be_taken_along())?;
        let language = self.modes.language;
        Sheet::of(&flow.page(self.around(now), language), words::materials().get(language))
    }
}
