//! `gulou-terminal`: the self-service terminal on its screen.

use std::alloc::System;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use terminal::config::Config;
use terminal::desk::Desk;
use zeroizing_alloc::ZeroAlloc;

/// What a citizen typed does not stay in memory that was given back.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

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
    // Both ends of the line and the page printer's client use it; the first to come must find it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    end_with_any_thread();
    let config = Config::load(&arguments.config)?;
    if arguments.check {
        println!("{config}");
        return Ok(());
    }
    Desk::open(config)?.run()
}

/// A terminal without its printers' or its platform's thread would wait for ever: it ends and is started again.
fn end_with_any_thread() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        say(panic);
        std::process::abort();
    }));
}
