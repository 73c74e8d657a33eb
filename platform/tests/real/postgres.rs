//! A PostgreSQL server of its own, in a temporary folder.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};

/// Where Debian puts the programs of PostgreSQL 15.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// A running server; it ends with this value.
pub(crate) struct Postgres {
    server: Child,
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Postgres {
    /// `None`, with a line that says so, where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Postgres> {
        if !Path::new(PROGRAMS).join("initdb").exists() {
            println!("skipped: PostgreSQL is not installed (apt-get install postgresql-15)");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a folder in it");
        // The server refuses to run as root.
        let user =
            geteuid().is_root().then(|| User::from_name("postgres").ok().flatten()).flatten();
        if let Some(user) = &user {
            let open = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(folder.path(), open).expect("our own folder");
            chown(&data, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                .expect("root may do this");
        }
        let program = |name: &str| {
            let mut command = Command::new(Path::new(PROGRAMS).join(name));
            if let Some(user) = &user {
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
            command
                .current_dir(&data)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command
        };
        let made = program("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", "gulou", "-A", "trust", "--no-sync"])
            .status();
        assert!(made.is_ok_and(|status| status.success()), "initdb failed in {}", data.display());
        // No TCP port: the socket lies in the folder, so servers never meet.
        let server = program("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=", "-k"])
            .arg(&data)
            .spawn()
            .expect("postgres starts");
        Some(Postgres { server, socket: data, _folder: folder })
    }

    /// URL of its database.
    pub(crate) fn url(&self) -> String {
        let host = self.socket.display().to_string().replace('/', "%2F");
        format!("postgres://gulou@{host}/postgres")
    }

    /// Returns once the server takes connections.
    pub(crate) async fn ready(&self) {
        sqlx::any::install_default_drivers();
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(50));
        for _ in 0..600 {
            pause.tick().await;
            if sqlx::AnyPool::connect(&self.url()).await.is_ok() {
                return;
            }
        }
        panic!("PostgreSQL takes no connections");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is its fast shutdown.
        if let Ok(pid) = i32::try_from(self.server.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
        }
        let _ = self.server.wait();
    }
}
