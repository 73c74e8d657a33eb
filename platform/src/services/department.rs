//! Who answers an operation: the demonstration registry, or a department's own server.
//!
//! `--departments FILE` names the servers:
//!
//! ```toml
//! [[department]]
//! operations = ["water."]            # whole names, or beginnings that end with a dot
//! url = "https://water.example/ask"  # described by platform/openapi/department.json
//! timeout_s = 10
//! token_file = "/etc/gulou/water.token"
//! ```

mod demonstration;
mod server;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use service::registry::Registry;

pub use server::{Asked, Contract, Replied, Server, Unanswered};

/// Who answers.
#[derive(Debug)]
pub enum Department {
    /// A department's own server.
    Http(Server),
    /// `content/registry`, for a street without departments. Held while one question is answered.
    Registry(Mutex<Registry>),
}

/// All who answer.
#[derive(Debug)]
pub struct Departments {
    /// Names or beginnings of operations, and who answers them.
    servers: Vec<(Vec<String>, Department)>,
    registry: Department,
}

/// Why the servers of departments are not known.
#[derive(Debug, thiserror::Error)]
pub enum DepartmentsError {
    /// A file can't be read.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// It does not read.
    #[error("{0}: {1}")]
    Malformed(PathBuf, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    department: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    operations: Vec<String>,
    url: String,
    #[serde(default = "ten")]
    timeout_s: u64,
    token_file: Option<PathBuf>,
}

fn ten() -> u64 {
    10
}

impl Departments {
    /// The registry answers everything that no server of `file` does.
    pub fn open(registry: Registry, file: Option<&Path>) -> Result<Departments, DepartmentsError> {
        let mut servers = Vec::new();
        if let Some(path) = file {
            let text = read(path)?;
            let malformed = |why: String| DepartmentsError::Malformed(path.to_owned(), why);
            let file: File = toml::from_str(&text).map_err(|error| malformed(error.to_string()))?;
            for entry in file.department {
                let url: Url = entry
                    .url
                    .parse()
                    .map_err(|error| malformed(format!("{}: {error}", entry.url)))?;
                if !(1..=60).contains(&entry.timeout_s) || entry.operations.is_empty() {
                    let says = format!("{}: name operations, and 1 to 60 timeout_s", entry.url);
                    return Err(malformed(says));
                }
                let token = entry.token_file.as_deref().map(read).transpose()?;
                let token = token.map(|token| token.trim().to_owned());
                let server = Server::new(url, Duration::from_secs(entry.timeout_s), token);
                servers.push((entry.operations, Department::Http(server)));
            }
        }
        Ok(Departments { servers, registry: Department::Registry(Mutex::new(registry)) })
    }

    /// Who answers an operation: the one who is named most exactly.
    pub fn of(&self, operation: &str) -> &Department {
        let fits = |name: &&String| {
            *name == operation || (name.ends_with('.') && operation.starts_with(name.as_str()))
        };
        let candidates = self.servers.iter().filter_map(|(names, department)| {
            let longest = names.iter().filter(fits).map(String::len).max()?;
            Some((longest, department))
        });
        let best = candidates.max_by_key(|(length, _)| *length);
        best.map_or(&self.registry, |(_, department)| department)
    }

    pub(super) fn registry(&self) -> MutexGuard<'_, Registry> {
        match &self.registry {
            Department::Registry(registry) => {
                registry.lock().unwrap_or_else(PoisonError::into_inner)
            }
            Department::Http(_) => unreachable!("the registry is made in `open`"),
        }
    }
}

fn read(path: &Path) -> Result<String, DepartmentsError> {
    std::fs::read_to_string(path).map_err(|error| DepartmentsError::File(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::shelf::Shelf;
    use crate::services::shelf::tests::content;

    #[test]
    fn the_most_exact_name_answers() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("departments.toml");
        let text = "[[department]]\noperations = [\"water.\"]\nurl = \"http://127.0.0.1:1/a\"\n\
             [[department]]\noperations = [\"water.bill.pay\"]\nurl = \"http://127.0.0.1:1/b\"\n";
        std::fs::write(&path, text).unwrap();
        let registry = || Shelf::read(&content()).unwrap().1;
        let departments = Departments::open(registry(), Some(&path)).unwrap();
        let place = |operation: &str| match departments.of(operation) {
            Department::Http(server) => server.place().path().to_owned(),
            Department::Registry(_) => "registry".to_owned(),
        };
        assert_eq!(place("water.bill.list"), "/a");
        assert_eq!(place("water.bill.pay"), "/b");
        assert_eq!(place("watery"), "registry");
        std::fs::write(&path, text.replace("url", "uri")).unwrap();
        let says = Departments::open(registry(), Some(&path)).unwrap_err().to_string();
        assert!(says.contains("departments.toml") && says.contains("uri"), "{says}");
    }
}
