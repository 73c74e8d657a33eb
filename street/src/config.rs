//! What the street was told on its command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

/// The whole street on one machine: platform, signs, terminal and a city full of buses, in one web page.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Hidden verbs.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// How to run.
    #[command(flatten)]
    pub run: Run,
}

/// What else the binary does.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Becomes a child's program; see `process.rs`.
    #[command(hide = true)]
    Hold {
        /// Ending, parent, program and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// How to run.
#[derive(Debug, Args)]
pub struct Run {
    /// Port of the page on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Folder for everything the street writes; by default a temporary one that goes with it.
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// Another seed gives another day's traffic.
    #[arg(long, default_value_t = 1102)]
    pub seed: u64,
    /// Takes pictures of the page into this folder with headless Chromium, then ends.
    #[arg(long, value_name = "FOLDER")]
    pub screenshots: Option<PathBuf>,
}

/// The real binaries that the street starts.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// `gulou-platform`.
    pub platform: PathBuf,
    /// `gulou-sign`.
    pub sign: PathBuf,
    /// `gulou-terminal`.
    pub terminal: PathBuf,
    /// `gulou-peer`.
    pub peer: PathBuf,
}

/// What terminals offer. Started from anywhere, the street shows the content it was built with.
pub fn content() -> PathBuf {
    let built_with = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../content"));
    if built_with.is_dir() { built_with.to_owned() } else { PathBuf::from("content") }
}

impl Binaries {
    /// Finds them beside the street's own.
    pub fn find() -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("where this program lies")?;
        let beside = |name: &str| {
            let path = own.with_file_name(name);
            anyhow::ensure!(
                path.exists(),
                "{} is missing: run `cargo build --workspace --bins` first",
                path.display()
            );
            Ok(path)
        };
        Ok(Binaries {
            platform: beside("gulou-platform")?,
            sign: beside("gulou-sign")?,
            terminal: beside("gulou-terminal")?,
            peer: beside("gulou-peer")?,
        })
    }
}
