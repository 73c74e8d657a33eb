//! The platform's own Mosquitto: its configuration, its life, its end.
//!
//! Configuration is written anew at each start; what the broker keeps (retained messages, sessions)
//! may be lost at any time, because whoever needs it says it again.
//! `per_listener_settings` is never used: Mosquitto 2.0.12 to 2.0.18 lose persistent sessions with it.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sync::Tenant;
use sync::packet::PAYLOAD_MAX;
use sync::topic::ROOT;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// Where Debian and source builds put it; `/usr/sbin` is not in everyone's `PATH`.
const PROGRAMS: [&str; 3] = ["mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"];
/// Room for topic and properties beside the largest payload, in bytes.
const PACKET_OVERHEAD: usize = 16 * 1024;
/// Most messages the broker holds for one slow client; devices send dropped ones again.
const QUEUED_MAX: usize = 50_000;
/// Most bytes the broker holds for one slow client.
const QUEUED_BYTES_MAX: usize = 64 << 20;
/// First and longest wait before a dead broker is started again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// A broker that lived this long starts again at once.
const SETTLED: Duration = Duration::from_secs(30);
/// How long a predecessor may take to leave the port.
const PORT_PATIENCE: Duration = Duration::from_secs(3);
/// How long the broker may take to write its files at the end.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// What the generated configuration depends on.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of configuration and persistence; made when absent.
    pub folder: PathBuf,
    /// Whose topics it carries.
    pub tenant: Tenant,
    /// TCP port for devices.
    pub port: u16,
    /// PEM file of the authority that signs client certificates.
    pub ca: PathBuf,
    /// PEM file of that authority's revocation list.
    pub revocations: PathBuf,
    /// PEM file of the broker's certificate.
    pub certificate: PathBuf,
    /// PEM file of its key.
    pub key: PathBuf,
}

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// No program.
    #[error(
        "mosquitto is not installed: run `sudo apt-get install mosquitto`, or name another broker with --broker"
    )]
    NotInstalled,
    /// No port.
    #[error("port {0} is taken: stop what listens there, or choose another one with --mqtt-port")]
    PortTaken(u16),
    /// No file.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// No process.
    #[error("mosquitto does not start: {0}")]
    Spawn(io::Error),
}

/// How the broker is, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Its process, while there is one.
    pub pid: Option<u32>,
    /// How often it had to be started again.
    pub restarts: u64,
}

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    settings: Settings,
    child: Child,
    life: watch::Sender<Life>,
}

impl Broker {
    /// Writes the configuration and starts the process.
    pub async fn start(settings: Settings) -> Result<Broker, BrokerError> {
        write(&settings)?;
        await_port(settings.port).await?;
        let child = spawn(&settings.folder)?;
        let (life, _) = watch::channel(Life { pid: child.id(), restarts: 0 });
        Ok(Broker { settings, child, life })
    }

    /// Where to watch its life.
    pub fn life(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }

    /// Starts it again whenever it dies, until `stop`; then ends it. Whenever `revoked` changes, it reads its
    /// revocation list anew.
    pub async fn supervise(mut self, mut revoked: watch::Receiver<()>, stop: CancellationToken) {
        let mut backoff = BACKOFF.0;
        loop {
            let ended = tokio::select! {
                ended = death(&mut self.child, &mut backoff) => ended,
                // A broker that is only just starting dies of it, and reads the list when it starts again.
                Ok(()) = revoked.changed() => {
                    self.signal(Signal::SIGHUP);
                    continue;
                }
                () = stop.cancelled() => return self.end().await,
            };
            report(ended);
            self.life.send_modify(|life| life.pid = None);
            if timeout(backoff, stop.cancelled()).await.is_ok() {
                return;
            }
            backoff = (backoff * 2).min(BACKOFF.1);
            revoked.mark_unchanged();
            match spawn(&self.settings.folder) {
                Ok(child) => self.child = child,
                Err(error) => error!("{error}"),
            }
            let pid = self.child.id();
            self.life.send_modify(|life| *life = Life { pid, restarts: life.restarts + 1 });
        }
    }

    /// Asks it to write its files and leave; insists after a while.
    async fn end(&mut self) {
        self.signal(Signal::SIGTERM);
        if timeout(STOP_PATIENCE, self.child.wait()).await.is_err() {
            warn!("mosquitto does not stop; killing it");
            let _ = self.child.kill().await;
        }
    }

    /// Nothing when the process is gone.
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }
}

/// Resolves when the process is gone; one that lived long enough starts again at once.
async fn death(child: &mut Child, backoff: &mut Duration) -> io::Result<ExitStatus> {
    if let Ok(ended) = timeout(SETTLED, child.wait()).await {
        return ended;
    }
    *backoff = BACKOFF.0;
    child.wait().await
}

fn report(ended: io::Result<ExitStatus>) {
    match ended {
        Ok(status) => error!("mosquitto died ({status}); starting it again"),
        Err(error) => error!("mosquitto is lost ({error}); starting it again"),
    }
}

/// Waits until the port is free: a predecessor may still be writing its files.
async fn await_port(port: u16) -> Result<(), BrokerError> {
    let free = async {
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        loop {
            pause.tick().await;
            if TcpListener::bind(("0.0.0.0", port)).is_ok() {
                return;
            }
        }
    };
    timeout(PORT_PATIENCE, free).await.map_err(|_| BrokerError::PortTaken(port))
}

fn spawn(folder: &Path) -> Result<Child, BrokerError> {
    for program in PROGRAMS {
        let mut command = Command::new(program);
        command
            .arg("-c")
            .arg(folder.join("mosquitto.conf"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        die_with_parent(&mut command);
        match command.spawn() {
            Ok(child) => {
                info!("mosquitto runs as process {}", child.id().unwrap_or_default());
                return Ok(child);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(BrokerError::Spawn(error)),
        }
    }
    Err(BrokerError::NotInstalled)
}

/// Has the kernel end the child when the platform is killed and can't do it itself.
///
/// The signal comes with the death of the thread that started the child. The runtime's workers
/// live as long as the runtime, since nothing in the platform calls `block_in_place`.
#[expect(
    unsafe_code,
    reason = "prctl is async-signal-safe, and nothing else runs between fork and exec"
)]
fn die_with_parent(command: &mut Command) {
    let before_exec = || nix::sys::prctl::set_pdeathsig(Signal::SIGTERM).map_err(io::Error::from);
    // SAFETY: the closure makes one system call and touches no memory of the parent.
    unsafe { command.pre_exec(before_exec) };
}

/// Writes configuration and rights into the folder.
fn write(settings: &Settings) -> Result<(), BrokerError> {
    let folder = &settings.folder;
    let file = |path: &Path, text: String| {
        fs::write(path, text).map_err(|error| BrokerError::File { path: path.to_owned(), error })
    };
    fs::create_dir_all(folder)
        .map_err(|error| BrokerError::File { path: folder.clone(), error })?;
    file(&folder.join("rights.acl"), rights(&settings.tenant))?;
    file(&folder.join("mosquitto.conf"), configuration(settings))
}

/// What each side may say and hear: the table of `sync/src/topic.rs`.
fn rights(tenant: &Tenant) -> String {
    let own = format!("{ROOT}/{tenant}");
    format!(
        "user platform\n\
         topic readwrite {own}/#\n\
         \n\
         # Every device, by the common name of its certificate.\n\
         pattern write {own}/device/%u/up/#\n\
         pattern read {own}/device/%u/down/#\n\
         pattern read {own}/public/#\n"
    )
}

/// Text of `mosquitto.conf` (mosquitto.conf(5), version 2.0.11).
fn configuration(settings: &Settings) -> String {
    // As root, Mosquitto would become `mosquitto` and be unable to read these files.
    let user = if nix::unistd::geteuid().is_root() { "user root\n" } else { "" };
    let (folder, port) = (settings.folder.display(), settings.port);
    let (ca, revocations) = (settings.ca.display(), settings.revocations.display());
    let (certificate, key) = (settings.certificate.display(), settings.key.display());
    let packet_max = PAYLOAD_MAX + PACKET_OVERHEAD;
    format!(
        "# Made by gulou-platform at each start.\n\
         {user}\
         persistence true\n\
         persistence_location {folder}/\n\
         autosave_interval 60\n\
         max_packet_size {packet_max}\n\
         message_size_limit {PAYLOAD_MAX}\n\
         max_queued_messages {QUEUED_MAX}\n\
         max_queued_bytes {QUEUED_BYTES_MAX}\n\
         set_tcp_nodelay true\n\
         allow_anonymous false\n\
         acl_file {folder}/rights.acl\n\
         log_dest stderr\n\
         log_type error\n\
         connection_messages false\n\
         \n\
         listener {port}\n\
         cafile {ca}\n\
         crlfile {revocations}\n\
         certfile {certificate}\n\
         keyfile {key}\n\
         require_certificate true\n\
         use_identity_as_username true\n\
         use_username_as_clientid true\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_the_rights_of_the_topic_table_and_no_others() {
        assert_eq!(
            rights(&"gulou".parse().unwrap()),
            "user platform\n\
             topic readwrite gulou/1/gulou/#\n\
             \n\
             # Every device, by the common name of its certificate.\n\
             pattern write gulou/1/gulou/device/%u/up/#\n\
             pattern read gulou/1/gulou/device/%u/down/#\n\
             pattern read gulou/1/gulou/public/#\n"
        );
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let holder = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = holder.local_addr().unwrap().port();
        let error = await_port(port).await.unwrap_err();
        assert!(error.to_string().contains(&format!("port {port} is taken")), "{error}");
    }
}
