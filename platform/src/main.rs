//! `gulou-platform`: see `gulou-platform --help`.

use clap::Parser as _;
use platform::config::{Arguments, Config, Verb};
use platform::oneshot;
use platform::run::Platform;
use platform::verify;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let raw = match arguments.verb {
        Some(Verb::Boards(arguments)) => return oneshot::run(&arguments),
        Some(Verb::Verify(arguments)) => return verify::run(&arguments).await,
        Some(Verb::Run(raw)) => *raw,
        None => arguments.run,
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut platform = Platform::start(Config::check(raw)?).await?;
    let failed = tokio::select! {
        () = platform.ended() => true,
        _ = tokio::signal::ctrl_c() => false,
        _ = terminate.recv() => false,
    };
    platform.stop().await;
    anyhow::ensure!(!failed, "a part of the platform ended; see the lines above");
    Ok(())
}
