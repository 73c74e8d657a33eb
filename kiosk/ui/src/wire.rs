//! The terminal's line to the platform, on a thread of its own: asks that want an answer now, and
//! submissions that must arrive however long it takes.

mod certificate;
mod errand;

use std::path::PathBuf;
use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use anyhow::Context as _;
use kiosk::flow::{Outcome, Token};
use screen::Waker;
use serde_json::{Map, Value};
use service::text::Text;
use sync::ask::{Answer, Ask, Counter, CounterError, STREAM};
use sync::courier::{Courier, CourierError, Incoming, LinkState};
use sync::document::{self, Document};
use sync::identity::{self, Identity, Provision, Renewal};
use sync::link::{Link, MqttConfig, TlsFiles};
use sync::outbox::{Draft, Limits};
use sync::seal::PublicKey;
use sync::stream::Class;
use sync::{Clock, DeviceId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

pub use self::errand::Errand;
use crate::notary::Notary;
use crate::print::Registry;

/// Asks that wait; a terminal has one citizen, who asks one thing at a time.
const ORDERS_MAX: usize = 16;
/// Asks on their way at once: the one a citizen waits for, and those that others before her gave up.
const ASKS_MAX: usize = 4;
/// News that wait; the screen takes them at every turn.
const NEWS_MAX: usize = 64;
/// Records of papers that wait.
const RECORDS_MAX: usize = 16;
/// A certificate's life is looked at so often.
const DAY: Duration = Duration::from_hours(24);
/// What failed is tried again after so long.
const RETRY: Duration = Duration::from_secs(5);

/// Where the platform is, and as whom the terminal speaks to it.
#[derive(Debug, Clone)]
pub struct Wire {
    pub device: DeviceId,
    pub state: PathBuf,
    pub provision: Option<Provision>,
    /// Addresses to use instead of those the enrolment gave, for a device behind a relay.
    pub broker: Option<String>,
    pub content: Option<String>,
}

/// One thing for the platform.
#[derive(Debug)]
pub struct Order {
    pub token: Token,
    /// Names the submission for ever: the same one asked again has one effect.
    pub id: Uuid,
    pub service: String,
    pub operation: String,
    pub answers: Map<String, Value>,
    /// To be kept and sent later, where there is no link.
    pub keep: bool,
}

/// What comes back.
#[derive(Debug)]
pub enum News {
    Link(bool),
    Answered(Token, Outcome),
    /// Where a citizen's page lies, or why nowhere.
    HandedOff(Token, Result<String, Text>),
}

/// Where errands are taken.
pub type Errands = mpsc::Sender<Errand>;

/// Both ends of the thread, for the shell.
#[derive(Debug)]
pub struct Ends {
    pub orders: mpsc::Sender<Order>,
    pub news: std_mpsc::Receiver<News>,
}

/// Starts the thread. It never ends before the program does.
pub fn start(wire: Wire, clock: Clock, waker: Waker) -> anyhow::Result<(Ends, Registry, Errands)> {
    let (orders, asked) = mpsc::channel(ORDERS_MAX);
    let (records, printed) = mpsc::channel(RECORDS_MAX);
    let (errands, run_for) = mpsc::channel(ORDERS_MAX);
    let (certified, notary) = watch::channel(None);
    let (tell, news) = std_mpsc::sync_channel(NEWS_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let voice = Voice { tell, waker };
    let taken = Taken { orders: asked, records: printed, errands: run_for, certified };
    std::thread::Builder::new()
        .name("wire".to_owned())
        .spawn(move || runtime.block_on(run(wire, clock, taken, voice)))
        .context("start the thread of the wire")?;
    Ok((Ends { orders, news }, Registry { notary, records }, errands))
}

/// What other threads hand over, and what they get.
struct Taken {
    orders: mpsc::Receiver<Order>,
    records: mpsc::Receiver<Document>,
    errands: mpsc::Receiver<Errand>,
    certified: watch::Sender<Option<Notary>>,
}

/// Tells the screen's thread, and wakes it.
struct Voice {
    tell: std_mpsc::SyncSender<News>,
    waker: Waker,
}

impl Voice {
    /// A full queue means a screen that hangs; its watchdog ends it, and nothing here is lost that is not asked again.
    fn say(&self, news: News) {
        if self.tell.try_send(news).is_err() {
            tracing::error!("the screen does not take its news");
        }
        self.waker.nudge();
    }
}

async fn run(wire: Wire, clock: Clock, taken: Taken, voice: Voice) {
    let Taken { mut orders, mut records, mut errands, certified } = taken;
    let identity = loop {
        match enrol(&wire, &clock).await {
            Ok(identity) => break identity,
            Err(error) => tracing::warn!("enrolment: {error:#}"),
        }
        pause().await;
    };
    let mut line = loop {
        match Line::open(&wire, &identity, &clock).await {
            Ok(line) => break line,
            Err(error) => tracing::warn!("line: {error:#}"),
        }
        pause().await;
    };
    tokio::spawn(certify(wire.state, line.counter.subscribe(), clock.clone(), certified));
    // An answer may take its time; meanwhile the courier goes on.
    let mut asks = JoinSet::new();
    loop {
        let due = line.courier.next_deadline().min(line.renewal.next_deadline());
        let wait = due.since(clock.now().mono);
        #[expect(
            clippy::disallowed_methods,
            reason = "a shell waits for the deadline of its cores"
        )]
        let deadline = tokio::time::sleep(wait);
        let told = tokio::select! {
            event = line.courier.next() => line.courier.handle(clock.now(), event).await,
            () = deadline => line.courier.tick(clock.now()).await,
            order = orders.recv() => {
                let Some(order) = order else { return };
                if let Some(answered) = line.take(order, &clock, &mut asks).await {
                    voice.say(answered);
                }
                Ok(vec![])
            }
            Some(errand) = errands.recv() => line.run(errand, &clock, &mut asks).await,
            Some(document) = records.recv() => line.record(&document, &clock).await,
            Some(answered) = asks.join_next() => {
                match answered {
                    Ok(answered) => voice.say(answered),
                    Err(error) => tracing::error!("an ask failed: {error}"),
                }
                Ok(vec![])
            }
        };
        let told = told.unwrap_or_else(|error| {
            tracing::warn!("line: {error}");
            vec![]
        });
        line.renew(told, clock.now()).await;
        line.tell_link(&voice);
    }
}

#[expect(clippy::disallowed_methods, reason = "a shell waits before it tries again")]
async fn pause() {
    tokio::time::sleep(RETRY).await;
}

/// Keeps a document key that is certified; looked at once a day.
async fn certify(
    state: PathBuf,
    counters: watch::Receiver<Counter>,
    clock: Clock,
    certified: watch::Sender<Option<Notary>>,
) {
    loop {
        let counter = counters.borrow().clone();
        match Notary::open(&state, &counter, clock.now().wall).await {
            Ok(notary) => {
                certified.send_replace(Some(notary));
                #[expect(clippy::disallowed_methods, reason = "a shell waits for tomorrow")]
                tokio::time::sleep(DAY).await;
            }
            Err(error) => {
                tracing::warn!("papers can't be signed: {error:#}");
                pause().await;
            }
        }
    }
}

async fn enrol(wire: &Wire, clock: &Clock) -> anyhow::Result<Identity> {
    if let Some(identity) = Identity::load(&wire.state, &wire.device)? {
        return Ok(identity);
    }
    let provision = wire.provision.as_ref();
    let provision =
        provision.context("not enrolled, and the configuration has no provision string")?;
    Ok(identity::enrol(&wire.state, &wire.device, provision, clock.now()).await?)
}

/// The line, once there is an identity.
struct Line {
    courier: Courier,
    identity: Identity,
    renewal: Renewal,
    /// Another one after each renewal.
    counter: watch::Sender<Counter>,
    seal: PublicKey,
    link: bool,
}

impl Line {
    async fn open(wire: &Wire, identity: &Identity, clock: &Clock) -> anyhow::Result<Line> {
        let mut identity = identity.clone();
        if let Some(content) = &wire.content {
            identity.content.clone_from(content);
        }
        let counter = Counter::open(&identity, clock.now())?;
        let seal = match identity.seal_key {
            Some(key) => key,
            None => counter.keys().await?.seal,
        };
        let tls = TlsFiles {
            authority: identity.authority_path(),
            certificate: identity.certificate_path(),
            key: identity.key_path(),
        };
        let url = wire.broker.clone().unwrap_or_else(|| identity.broker.clone());
        let client_id = identity.device.as_str().to_owned();
        let link = Link::mqtt(MqttConfig { url, client_id, tls: Some(tls) });
        let config = sync::courier::Config {
            tenant: identity.tenant.clone(),
            device: identity.device.clone(),
            role: identity.role.clone(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            stop: None,
            capabilities: vec!["ask".to_owned()],
            areas: vec![],
            boards: vec![],
            folder: wire.state.join("outbox"),
            limits: Limits::default(),
            seed: fastrand::u64(..),
        };
        let courier = Courier::open(config, link, clock.now()).await?;
        let renewal = Renewal::new(&identity);
        let counter = watch::Sender::new(counter);
        Ok(Line { courier, identity, renewal, counter, seal, link: false })
    }

    fn tell_link(&mut self, voice: &Voice) {
        let link = self.courier.link_state() == LinkState::Up;
        if link != self.link {
            self.link = link;
            voice.say(News::Link(link));
        }
    }

    /// Keeps on disk before it answers, or sends someone to ask, who answers later.
    async fn take(
        &mut self,
        order: Order,
        clock: &Clock,
        asks: &mut JoinSet<News>,
    ) -> Option<News> {
        let Order { token, id, service, operation, answers, keep } = order;
        let ask = match Ask::new(id, (&service, &operation), &answers, &self.seal) {
            Ok(ask) => ask,
            Err(error) => {
                tracing::error!("{operation} of {service:?}: {error}");
                return Some(News::Answered(token, Outcome::Unanswered));
            }
        };
        if keep {
            return Some(News::Answered(token, self.keep(&ask, clock).await));
        }
        if asks.len() >= ASKS_MAX {
            tracing::warn!("{ask:?}: {ASKS_MAX} asks wait already");
            return Some(News::Answered(token, Outcome::Unanswered));
        }
        let counter = self.counter.borrow().clone();
        asks.spawn(async move { News::Answered(token, answer(&counter, &ask).await) });
        None
    }

    /// Hash and title of a paper that was printed, so that its short code finds it.
    async fn record(
        &mut self,
        document: &Document,
        clock: &Clock,
    ) -> Result<Vec<Incoming>, CourierError> {
        let payload = serde_json::to_vec(document).unwrap_or_default();
        let (stream, kind) = (document::STREAM.to_owned(), "gulou.document.v1".to_owned());
        let draft = Draft { stream, class: Class::Critical, kind, payload };
        if let Err(error) = self.courier.post(clock.now(), vec![draft]).await {
            tracing::error!("the record of a paper is not on disk: {error}");
        }
        Ok(vec![])
    }

    async fn keep(&mut self, ask: &Ask, clock: &Clock) -> Outcome {
        let payload = serde_json::to_vec(ask).unwrap_or_default();
        let kind = "gulou.submission.v1".to_owned();
        let draft = Draft { stream: STREAM.to_owned(), class: Class::Critical, kind, payload };
        match self.courier.post(clock.now(), vec![draft]).await {
            Ok(()) => {
                let id = ask.id.simple().to_string().to_uppercase();
                Outcome::Kept { number: format!("{}-{}", &id[..4], &id[4..8]) }
            }
            Err(error) => {
                tracing::error!("a submission is not on disk: {error}");
                Outcome::Unanswered
            }
        }
    }
}

/// What nobody answered can be asked again with the same id.
async fn answer(counter: &Counter, ask: &Ask) -> Outcome {
    match counter.ask(ask).await {
        Ok(Answer::Returned(value)) => Outcome::Returned(value),
        Ok(Answer::Refused(why)) => Outcome::Refused(Text { zh: why.zh, en: why.en }),
        Err(error @ (CounterError::Unreachable(_) | CounterError::NotTaken { .. })) => {
            tracing::warn!("{ask:?}: {error}");
            Outcome::Unanswered
        }
        Err(error) => {
            tracing::error!("{ask:?}: {error}");
            Outcome::Unanswered
        }
    }
}
