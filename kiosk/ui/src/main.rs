//! `gulou-terminal`: the self-service terminal on its screen.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use terminal::config::Config;
use terminal::desk::Desk;

/// The self-service terminal: pages, forms and papers for every citizen.
#[derive(Debug, Parser)]
#[command(name = "gulou-terminal", version)]
struct Arguments {
    /// Configuration, a TOML file.
    config: PathBuf,
    /// Says what the configuration means, and ends.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gulou-terminal: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config)?;
    if arguments.check {
        println!("{config}");
        return Ok(());
    }
    Desk::open(config)?.run()
}
