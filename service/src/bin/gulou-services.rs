//! Checks the catalogue: `gulou-services content/services`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "content/services".into());
    let mut paths: Vec<_> = std::fs::read_dir(Path::new(&folder))
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect();
    paths.sort();
    let mut failed = 0;
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        if let Err(error) = toml::from_str::<service::definition::Service>(&text) {
            println!("{}: {error}", path.display());
            failed += 1;
        }
    }
    println!("{} files, {failed} wrong", paths.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
