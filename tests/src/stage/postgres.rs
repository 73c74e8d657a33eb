//! A PostgreSQL of Debian's packages with an empty database, in a folder of its own.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use nix::unistd::{User, chown, geteuid};
use tempfile::TempDir;
use tokio::process::Child;

/// Where Debian puts each version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The account of Debian's package; the server refuses to run as root.
const ACCOUNT: &str = "postgres";

/// A running server; it ends with its value.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    _process: Child,
    _folder: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts a server on a free port of the loopback interface.
    pub async fn start() -> anyhow::Result<Postgres> {
        let programs = programs()?;
        let account = geteuid().is_root().then(|| User::from_name(ACCOUNT)).transpose()?.flatten();
        let folder = tempfile::tempdir()?;
        if let Some(account) = &account {
            chown(folder.path(), Some(account.uid), Some(account.gid))?;
        }
        let program = |name: &str| {
            let mut command = Command::new(programs.join(name));
            if let Some(account) = &account {
                command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
            }
            command.current_dir(folder.path()).stdin(Stdio::null());
            command
        };
        let [port, ..] = super::free_ports()?;
        let made = program("initdb")
            .args(["-D", "data", "-U", "gulou", "-A", "trust", "-E", "UTF8", "--no-sync"])
            .output()?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut server = program("postgres");
        server.args(["-D", "data", "-p", &port.to_string(), "-k", "", "-h", "127.0.0.1"]);
        let process = super::spawn(server.into(), &folder.path().join("postgres.log"))?;
        let ready = || {
            program("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).status()
        };
        super::until("PostgreSQL is ready", async || ready().is_ok_and(|status| status.success()))
            .await?;
        Ok(Postgres { port, _process: process, _folder: folder })
    }

    /// Its URL, with a user who may do everything.
    pub fn url(&self) -> String {
        format!("postgres://gulou@127.0.0.1:{}/postgres", self.port)
    }
}

/// The programs of the newest version installed.
fn programs() -> anyhow::Result<PathBuf> {
    let versions = Path::new(VERSIONS)
        .read_dir()
        .context("PostgreSQL is not installed: run `make test`, which installs it")?;
    let mut versions: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let (_, newest) = versions.pop().with_context(|| format!("{VERSIONS} is empty"))?;
    Ok(newest)
}
