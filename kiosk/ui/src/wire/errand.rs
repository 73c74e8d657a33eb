//! Errands beside asks: a page for a citizen's telephone, and what staff did.

use kiosk::flow::Token;
use kiosk::page::Section;
use kiosk::sheet::Sheet;
use kiosk::staff::Audit;
use kiosk::words;
use service::text::Language;
use sync::Clock;
use sync::ask::Counter;
use sync::audit;
use sync::courier::{CourierError, Incoming};
use sync::handoff::{self, Kind, Page};
use sync::name::Text;
use sync::outbox::Draft;
use sync::stream::Class;
use sync::telemetry::Event;
use tokio::task::JoinSet;

use super::{ASKS_MAX, Line, News};

/// Something for the platform that is no ask.
#[derive(Debug)]
pub enum Errand {
    /// Seal a sheet, to be opened once.
    HandOff { token: Token, sheet: Sheet, language: Language },
    /// Seal a paper, to be opened once.
    Copy { token: Token, pdf: Vec<u8> },
    /// Keep what staff did, and send it.
    Audit(Audit),
}

impl Line {
    /// Sends somebody with a sheet, or keeps an audit on disk.
    pub(super) async fn run(
        &mut self,
        errand: Errand,
        clock: &Clock,
        asks: &mut JoinSet<News>,
    ) -> Result<Vec<Incoming>, CourierError> {
        match errand {
            Errand::HandOff { token, sheet, language } => {
                let page = serde_json::to_vec(&page(&sheet, language)).unwrap_or_default();
                self.hand_off(token, Kind::Page, page, asks);
            }
            Errand::Copy { token, pdf } => self.hand_off(token, Kind::Pdf, pdf, asks),
            Errand::Audit(audit) => {
                if let Some(draft) = draft(&audit)
                    && let Err(error) = self.courier.post(clock.now(), vec![draft]).await
                {
                    tracing::error!("what staff did is not on disk: {error}");
                }
            }
        }
        Ok(vec![])
    }

    fn hand_off(&self, token: Token, kind: Kind, content: Vec<u8>, asks: &mut JoinSet<News>) {
        let counter = self.counter.borrow().clone();
        let is_busy = asks.len() >= ASKS_MAX;
        asks.spawn(async move {
            let handed = if is_busy { None } else { hand_off(&counter, kind, &content).await };
            News::HandedOff(token, handed.ok_or_else(words::code_failed))
        });
    }
}

/// The address with its key, for the code on the glass.
async fn hand_off(counter: &Counter, kind: Kind, content: &[u8]) -> Option<String> {
    let (body, key) = handoff::seal(kind, content)
        .inspect_err(|error| tracing::warn!("hand-off: {error}"))
        .ok()?;
    let place = counter.hand_off(body).await;
    let place = place.inspect_err(|error| tracing::warn!("hand-off: {error}")).ok()?;
    Some(place.address(&key))
}

/// The sheet in the one language she reads.
fn page(sheet: &Sheet, language: Language) -> Page {
    let text = |words: &str| match language {
        Language::Chinese => Text { zh: words.to_owned(), en: String::new() },
        Language::English => Text { zh: String::new(), en: words.to_owned() },
    };
    let note = Section { heading: sheet.note.clone(), ..Section::default() };
    let sections = [&note].into_iter().chain(&sheet.sections).map(|section| handoff::Section {
        title: text(&section.heading),
        lines: section.lines().iter().map(|line| text(line)).collect(),
    });
    Page { title: text(&sheet.title), sections: sections.collect() }
}

/// As the platform reads it; who was not let in is unknown.
fn draft(audit: &Audit) -> Option<Draft> {
    let what = serde_json::to_value(audit.what).ok()?;
    let who = audit.who.as_deref().unwrap_or("unknown");
    let record = audit::Audit::new(who, what.as_str()?, audit.item.as_deref());
    let record = record.inspect_err(|error| tracing::error!("audit: {error}")).ok()?;
    let event = Event::Audit(record);
    let (stream, kind) = (audit::STREAM.to_owned(), event.kind().to_owned());
    Some(Draft { stream, class: Class::Critical, kind, payload: event.to_json() })
}

#[cfg(test)]
mod tests {
    use kiosk::page::Row;
    use kiosk::staff::Deed;

    use super::*;

    #[test]
    fn a_sheet_is_handed_over_in_the_language_she_reads() {
        let row =
            Row { name: "事项".into(), value: "无房证明".into(), source: None, edit: None };
        let section = Section { rows: vec![row], ..Section::default() };
        let sheet =
            Sheet { title: "办好了".into(), note: "请收好".into(), sections: vec![section] };
        let page = page(&sheet, Language::Chinese);
        let titles: Vec<&str> = page.sections.iter().map(|it| it.title.zh.as_str()).collect();
        assert_eq!((page.title.zh.as_str(), titles), ("办好了", vec!["请收好", ""]));
        assert_eq!(page.sections[1].lines[0].zh, "事项: 无房证明");
        assert_eq!(page.title.en, "");
    }

    #[test]
    fn every_deed_of_staff_is_a_plain_name_on_the_wire() {
        let audit = Audit {
            at: jiff::Timestamp::UNIX_EPOCH,
            who: None,
            what: Deed::ConfirmedIdentity,
            item: Some("T038".into()),
        };
        let draft = draft(&audit).unwrap();
        let payload = String::from_utf8(draft.payload).unwrap();
        assert_eq!(payload, r#"{"who":"unknown","what":"confirmed-identity","item":"T038"}"#);
        assert_eq!((draft.stream.as_str(), draft.kind.as_str()), ("audit", "gulou.audit.v1"));
    }
}
