//! Real binaries of this workspace as child processes, in a folder of their own, on free ports.

mod broker;
mod postgres;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::timeout;

pub use broker::OtherBroker;
pub use postgres::Postgres;

/// What has not happened by then never will.
pub const PATIENCE: Duration = Duration::from_mins(3);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lines of a log that are shown when something went wrong.
const LOG_LINES: usize = 40;

/// A platform with its own broker; both end with it.
#[derive(Debug)]
pub struct Platform {
    folder: PathBuf,
    ports: [u16; 3],
    more: Vec<String>,
    process: Child,
    http: reqwest::Client,
}

impl Platform {
    /// Starts it in `folder` with `more` arguments, and waits until it is healthy.
    pub async fn start(folder: &Path, more: Vec<String>) -> anyhow::Result<Platform> {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = folder.to_owned();
        let ports = free_ports()?;
        let process = launch(&folder, ports, &more)?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let platform = Platform { folder, ports, more, process, http };
        platform.await_health().await?;
        Ok(platform)
    }

    /// Registers a device; returns the line that it is given at its installation.
    pub async fn register(
        &self,
        device: &str,
        role: &str,
        stop: Option<&str>,
    ) -> anyhow::Result<String> {
        let token = fs::read_to_string(self.folder.join("platform/operator.token"))?;
        let body = json!({ "device": device, "role": role, "stop": stop });
        let request =
            self.http.post(self.url("/api/devices")).bearer_auth(token.trim()).json(&body);
        let answer: Value = request.send().await?.json().await?;
        let provision =
            answer["provision"].as_str().with_context(|| format!("no provision in {answer}"))?;
        Ok(provision.to_owned())
    }

    /// What its API answers at `path`.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(self.url(path)).send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.status());
        Ok(answer.json().await?)
    }

    /// Ends it as a power cut does.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Starts it again after [`stop`](Self::stop), and waits until it is healthy.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.process = launch(&self.folder, self.ports, &self.more)?;
        self.await_health().await
    }

    /// Kills it with `kill -9` and starts it again, without waiting for it.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().await?;
        self.process = launch(&self.folder, self.ports, &self.more)?;
        Ok(())
    }

    /// Kills its broker with `kill -9`; false when none runs just now.
    pub fn kill_broker(&self) -> bool {
        let broker = self.process.id().and_then(|parent| children(parent).first().copied());
        broker.is_some_and(|broker| kill(broker, Signal::SIGKILL).is_ok())
    }

    /// Waits until it says that it is healthy.
    pub async fn await_health(&self) -> anyhow::Result<()> {
        let healthy = async || {
            self.http
                .get(self.url("/healthz"))
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        };
        let ended = until("the platform is healthy", healthy).await;
        ended.with_context(|| format!("its log ends:\n{}", tail(&self.folder.join("platform.log"))))
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports[0])
    }
}

fn launch(
    folder: &Path,
    [http, device_https, mqtt]: [u16; 3],
    more: &[String],
) -> anyhow::Result<Child> {
    let mut command = Command::new(binary("gulou-platform")?);
    command.arg("--data").arg(folder.join("platform"));
    command.args(["--content", concat!(env!("CARGO_MANIFEST_DIR"), "/../content")]);
    command.args([
        "--http",
        &format!("127.0.0.1:{http}"),
        "--device-https",
        &format!("127.0.0.1:{device_https}"),
    ]);
    if !more.iter().any(|argument| argument == "--broker") {
        command.args(["--mqtt-port", &mqtt.to_string()]);
    }
    command.args(more);
    spawn(command, &folder.join("platform.log"))
}

/// A binary of this workspace in the profile of whoever asks; `make` builds them first.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.ancestors().nth(2).context("tests lie in target/PROFILE/deps")?.join(name);
    ensure!(path.exists(), "{} is not built; run `make build`", path.display());
    Ok(path)
}

/// Starts a process that ends with us and writes into `log`.
pub fn spawn(mut command: Command, log: &Path) -> anyhow::Result<Child> {
    let file = fs::File::options().create(true).append(true).open(log)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).kill_on_drop(true);
    command.spawn().with_context(|| format!("{command:?}"))
}

/// How a log ends.
pub fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

/// Waits until something is so, and says what is not.
pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) -> anyhow::Result<()> {
    let waiting = async {
        while !is_so().await {
            pause(LOOK_EVERY).await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .map_err(|_| anyhow!("after {} s it is still not so that {what}", PATIENCE.as_secs()))
}

/// Waits; what has processes has a pace.
#[expect(clippy::disallowed_methods, reason = "processes tell nobody when they are ready")]
pub async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

fn free_ports() -> anyhow::Result<[u16; 3]> {
    let mut ports = [0; 3];
    // All are held until all are known, so that they differ.
    let mut held = Vec::new();
    for port in &mut ports {
        let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
        *port = socket.local_addr()?.port();
        held.push(socket);
    }
    Ok(ports)
}

/// Children of a process, from `/proc`; each thread has its own.
fn children(parent: u32) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids: Vec<String> = lists
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    pids.iter().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()
}
