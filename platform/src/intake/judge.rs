//! Which of the events that arrived take effect. Pure: the store runs it inside its transaction.

use std::collections::{BTreeMap, HashMap};

use serde::de::IgnoredAny;
use sync::cursor::{Accept, Cursor};
use sync::{Ack, Ask, CommandStatus, DeviceId, Document, Event, SyncVector};

use super::uplink::Reported;

/// Kinds that describe a state: the newest of each is kept at hand.
pub const STATES: [&str; 2] = [Event::SHOWN, Event::HEALTH];

/// A stream of a device.
pub type Stream = (DeviceId, String);

/// Cursors as read at the start of a transaction, and everything its end must write and say.
#[derive(Debug, Default)]
pub struct Judge<'a> {
    cursors: HashMap<Stream, Cursor>,
    /// Highest number of each stream that came before something it follows.
    ahead: HashMap<Stream, u64>,
    /// Streams whose cursor must be written.
    pub moved: BTreeMap<Stream, Cursor>,
    /// Events to write, each with its payload as text.
    pub events: Vec<(&'a Reported, &'a str)>,
    /// Events that nobody can read, each with the reason.
    pub poison: Vec<(&'a Reported, String)>,
    /// Newest event of each kind in [`STATES`], by device and kind.
    pub states: BTreeMap<(&'a DeviceId, &'a str), (&'a Reported, &'a str)>,
    /// What became of commands, in order.
    pub commands: Vec<(&'a DeviceId, CommandStatus)>,
    /// What citizens submitted, to be executed once it is written down.
    pub submissions: Vec<(&'a DeviceId, Ask)>,
    /// Papers that were printed.
    pub documents: Vec<(&'a DeviceId, Document)>,
    /// The answer to every device that said something.
    pub acks: BTreeMap<DeviceId, BTreeMap<String, Ack>>,
    /// Events that were known already.
    pub duplicates: u64,
    /// Events that came before something they follow.
    pub early: u64,
    /// Events that a device holds acks for and this database never saw: it was set back.
    pub forgotten: u64,
}

impl<'a> Judge<'a> {
    /// Takes over cursors from the database; streams without one start at nothing.
    pub fn new(cursors: HashMap<Stream, Cursor>) -> Self {
        Self { cursors, ..Self::default() }
    }

    /// Judges one event.
    pub fn event(&mut self, reported: &'a Reported) {
        let stream = (reported.device.clone(), reported.key.stream.clone());
        let cursor = self.cursors.entry(stream.clone()).or_default();
        let verdict = cursor.accept(reported.key.epoch, reported.key.seq, reported.gap_from);
        let cursor = *cursor;
        match verdict {
            Accept::Apply | Accept::NewEpoch => {
                self.moved.insert(stream.clone(), cursor);
                self.apply(reported);
            }
            Accept::Duplicate => self.duplicates += 1,
            Accept::Missing => {
                self.early += 1;
                self.ahead.insert(stream.clone(), reported.key.seq);
            }
        }
        let resend = self.ahead.get(&stream).is_some_and(|&seq| seq > cursor.last);
        self.answer(stream, |name| cursor.ack(name, resend));
    }

    /// Answers what a device has and misses: one ack for every stream it names.
    ///
    /// A device that holds acks beyond our cursor talks to a database that was set back. Those
    /// events are gone from both sides, so the cursor follows the device and the loss is counted.
    pub fn sync(&mut self, device: &DeviceId, vector: &SyncVector) {
        for (name, state) in &vector.streams {
            let stream = (device.clone(), name.clone());
            let cursor = self.cursors.entry(stream.clone()).or_default();
            if state.epoch == cursor.epoch && state.acked > cursor.last {
                self.forgotten += state.acked - cursor.last;
                cursor.last = state.acked;
                self.moved.insert(stream.clone(), *cursor);
            }
            let cursor = *cursor;
            self.answer(stream, |name| cursor.answer(name, *state));
        }
    }

    /// A later answer says all that an earlier one said.
    fn answer(&mut self, (device, stream): Stream, ack: impl FnOnce(&str) -> Ack) {
        let ack = ack(&stream);
        self.acks.entry(device).or_default().insert(stream, ack);
    }

    fn apply(&mut self, reported: &'a Reported) {
        match read(reported) {
            Err(reason) => self.poison.push((reported, reason)),
            Ok((text, event)) => {
                self.events.push((reported, text));
                if STATES.contains(&reported.kind.as_str()) {
                    self.states.insert((&reported.device, &reported.kind), (reported, text));
                }
                let device = &reported.device;
                match event {
                    Some(Event::Command(status)) => self.commands.push((device, status)),
                    Some(Event::Submission(ask)) => self.submissions.push((device, ask)),
                    Some(Event::Document(document)) => self.documents.push((device, document)),
                    _ => {}
                }
            }
        }
    }
}

/// The payload as text and as an event; one of a newer version only has to be JSON.
fn read(reported: &Reported) -> Result<(&str, Option<Event>), String> {
    let event = Event::parse(&reported.kind, &reported.payload).transpose();
    let event = event.map_err(|error| error.to_string())?;
    if event.is_none() {
        serde_json::from_slice::<IgnoredAny>(&reported.payload)
            .map_err(|error| error.to_string())?;
    }
    let text = std::str::from_utf8(&reported.payload).map_err(|error| error.to_string())?;
    Ok((text, event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync::Key;
    use sync::stream::StreamState;

    fn event(seq: u64, payload: &'static str) -> Reported {
        Reported {
            device: "sign-7".parse().unwrap(),
            key: Key { stream: "events".into(), epoch: 1, seq },
            gap_from: None,
            kind: Event::COMMAND.into(),
            boot_id: "b".into(),
            mono_ms: 0,
            time: jiff::Timestamp::UNIX_EPOCH,
            clock_error_ms: None,
            payload: payload.into(),
        }
    }

    const GOOD: &str = r#"{"id":"c","state":"done"}"#;

    fn answered(judge: &Judge<'_>) -> (u64, bool) {
        let ack = &judge.acks[&"sign-7".parse().unwrap()]["events"];
        (ack.upto, ack.resend)
    }

    #[test]
    fn the_same_event_twice_has_one_effect_and_two_answers() {
        let events = [event(1, GOOD), event(1, GOOD)];
        let mut judge = Judge::default();
        for event in &events {
            judge.event(event);
        }
        assert_eq!((judge.events.len(), judge.duplicates), (1, 1));
        assert_eq!(answered(&judge), (1, false));
    }

    #[test]
    fn poison_is_put_aside_and_its_stream_goes_on() {
        let events = [event(1, "{"), event(2, GOOD)];
        let mut judge = Judge::default();
        for event in &events {
            judge.event(event);
        }
        assert_eq!((judge.poison.len(), judge.events.len()), (1, 1));
        assert_eq!(answered(&judge), (2, false));
    }

    #[test]
    fn a_hole_is_asked_for_until_it_is_closed() {
        let events = [event(2, GOOD), event(1, GOOD), event(2, GOOD)];
        let mut judge = Judge::default();
        let answers: Vec<_> =
            events.iter().map(|event| (judge.event(event), answered(&judge)).1).collect();
        assert_eq!(answers, [(0, true), (1, true), (2, false)]);
    }

    #[test]
    fn a_database_that_was_set_back_follows_the_device_and_counts_what_is_gone() {
        let device: DeviceId = "sign-7".parse().unwrap();
        let stream = (device.clone(), "events".to_owned());
        let mut judge = Judge::new(HashMap::from([(stream, Cursor { epoch: 1, last: 4 })]));
        let state = StreamState { epoch: 1, last: 9, acked: 7 };
        let vector =
            SyncVector { streams: [("events".to_owned(), state)].into(), ..SyncVector::default() };
        judge.sync(&device, &vector);
        assert_eq!((answered(&judge), judge.forgotten), ((7, false), 3));
        let next = event(8, GOOD);
        judge.event(&next);
        assert_eq!(answered(&judge), (8, false));
    }
}
