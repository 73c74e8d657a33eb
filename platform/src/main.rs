//! `gulou-platform`: see `gulou-platform --help`.

use clap::Parser as _;
use platform::config::{Arguments, Config, Verb};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let raw = match arguments.verb {
        Some(Verb::Run(raw)) => *raw,
        None => arguments.run,
    };
    let config = Config::check(raw)?;
    tracing::info!("{config:?}");
    Ok(())
}
