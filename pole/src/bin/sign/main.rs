//! `gulou-sign`: the display of one bus stop.

#![forbid(unsafe_code)]

mod config;
mod enrolment;
mod light;
mod render;
mod run;

use std::path::PathBuf;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(
    name = "gulou-sign",
    version,
    about = "The display of one bus stop",
    args_conflicts_with_subcommands = true
)]
struct Cli {
    /// Configuration file (TOML)
    #[arg(long, required = true)]
    config: Option<PathBuf>,
    /// Only check the configuration, and say what it means
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Render one frame from files, and print its words
    Render(Box<render::Render>),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Some(Verb::Render(render)) = cli.verb {
        return render::run(&render);
    }
    let config = config::Config::load(&cli.config.expect("clap requires it without a verb"))?;
    if cli.check {
        #[expect(clippy::print_stdout, reason = "it is what --check is for")]
        {
            println!("{config}");
        }
        return Ok(());
    }
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_writer(std::io::stderr)
        .init();
    // Another provider can only have been installed by a test.
    let _ = rustls::crypto::ring::default_provider().install_default();
    run::run(config).await
}
