//! `gulou-sign`: the display of one bus stop.

#![forbid(unsafe_code)]

mod config;
mod render;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "gulou-sign", version, about = "The display of one bus stop")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Renders one frame from files
    Render(render::Render),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().verb {
        Verb::Render(render) => render::run(&render),
    }
}
