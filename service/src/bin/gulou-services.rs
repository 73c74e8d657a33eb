//! Checks the catalogue of services: `gulou-services check content/services`.

#![expect(clippy::print_stdout, reason = "what is found is the output of the program")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use service::catalogue::Catalogue;
use service::certificate::Kinds;
use service::prove;
use service::registry::Registry;

/// Checks what the terminal offers.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Checks the services of this folder only, without the answers of the registry.
    folder: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Walks every way through every service, asks the registry for every citizen, and says
    /// what an author must mend.
    Check {
        /// Folder with one file per service; the registry stands beside it.
        #[arg(default_value = "content/services")]
        folder: PathBuf,
    },
    /// Prints the JSON Schema of a service's file.
    Schema,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let folder = arguments.folder.unwrap_or_else(|| PathBuf::from("content/services"));
    match arguments.command {
        None => check(&folder, false),
        Some(Command::Check { folder }) => check(&folder, true),
        Some(Command::Schema) => {
            print!("{}", service::schema());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(folder: &Path, with_registry: bool) -> anyhow::Result<ExitCode> {
    let files = read(folder)?;
    let (catalogue, errors) = Catalogue::read(pairs(&files));
    let registry = folder.parent().unwrap_or(Path::new(".")).join("registry");
    let files = read(&registry)?;
    let kinds = files.iter().find(|(name, _)| name == "certificates.toml");
    let (_, kinds) =
        kinds.with_context(|| format!("no certificates.toml in {}", registry.display()))?;
    let kinds = Kinds::parse(kinds).map_err(anyhow::Error::msg)?;
    let today = today();
    let mut problems: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for service in catalogue.iter() {
        problems.extend(prove::service(service, &kinds, today).iter().map(ToString::to_string));
    }
    problems.extend(prove::whole(&catalogue).iter().map(ToString::to_string));
    if with_registry {
        match Registry::read(pairs(&files)) {
            Err(errors) => problems.extend(errors.iter().map(ToString::to_string)),
            Ok(registry) => {
                let proof = service::registry::prove(&catalogue, &registry, today);
                problems.extend(proof.problems.iter().map(ToString::to_string));
                proof.records.iter().for_each(|record| println!("{record}"));
            }
        }
    }
    for problem in &problems {
        println!("{problem}");
    }
    println!("{} services, {} problems", catalogue.len(), problems.len());
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn pairs(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

/// The day in China, whatever the clock of the author's machine is set to.
fn today() -> Date {
    #[expect(clippy::disallowed_methods, reason = "the shell of this program")]
    let now = Timestamp::now();
    Offset::constant(8).to_datetime(now).date()
}

/// Name and text of every `.toml` of a folder, in order.
fn read(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text))
        })
        .collect()
}
