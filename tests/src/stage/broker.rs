//! A Mosquitto that somebody else runs: the platform is only told where it is.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use platform::authority::{Authority, Credentials};
use platform::broker::{Broker, Settings};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running broker; it ends with its value.
#[derive(Debug)]
pub struct OtherBroker {
    port: u16,
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    _end: DropGuard,
}

impl OtherBroker {
    /// Starts it for the platform whose data will be below `folder`, under the same authority.
    pub async fn start(folder: &Path) -> anyhow::Result<OtherBroker> {
        let now = wall();
        let authority =
            Authority::open(&folder.join("platform/authority"), &"gulou".parse()?, now)?;
        let file = |name: &str| folder.join(name);
        let write = |name: &str, credentials: Credentials| {
            fs::write(file(&format!("{name}.pem")), credentials.certificate)?;
            fs::write(file(&format!("{name}.key")), credentials.key)
        };
        write("broker", authority.issue_server(&["127.0.0.1"], now)?)?;
        write("center", authority.issue_platform(now)?)?;
        let [port, ..] = super::free_ports()?;
        let settings = Settings {
            folder: file("other-broker"),
            tenant: authority.tenant().clone(),
            port,
            ca: authority.root_path(),
            revocations: authority.revocations_path(),
            certificate: file("broker.pem"),
            key: file("broker.key"),
        };
        let stop = CancellationToken::new();
        let broker = Broker::start(settings).await?;
        tokio::spawn(broker.supervise(watch::channel(()).1, stop.clone()));
        let (certificate, key) = (file("center.pem"), file("center.key"));
        Ok(OtherBroker {
            port,
            authority: authority.root_path(),
            certificate,
            key,
            _end: stop.drop_guard(),
        })
    }

    /// How the platform is told of it.
    pub fn arguments(&self) -> Vec<String> {
        let path = |path: &Path| path.display().to_string();
        let url = format!("mqtts://127.0.0.1:{}", self.port);
        let pairs = [
            ("--broker", url),
            ("--broker-ca", path(&self.authority)),
            ("--broker-cert", path(&self.certificate)),
            ("--broker-key", path(&self.key)),
        ];
        pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "a stage is a shell")]
fn wall() -> Timestamp {
    Timestamp::now()
}
