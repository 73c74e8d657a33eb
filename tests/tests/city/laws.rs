//! The laws of this repository that no compiler knows.

mod documents;
mod messages;
mod source;

use std::collections::BTreeMap;
use std::process::Command;

use source::{Rust, Tree};

const FILE_LINES_MAX: usize = 700;
const FUNCTION_LINES_MAX: usize = 70;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] =
    ["util", "utils", "helper", "helpers", "common", "core", "manager", "misc", "shared"];

/// Which of our crates each of our crates may use. A crate that is not listed may not exist.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("sync", &[]),
    ("service", &[]),
    ("drivers", &[]),
    // In its tests only, where both sides of a wire meet.
    ("peer", &["drivers"]),
    ("screen", &["drivers"]),
    ("paper", &[]),
    ("pole", &["sync", "drivers"]),
    ("kiosk", &["sync", "service", "hall"]),
    // Citizens for the tests of the terminal, with and without its screen.
    ("hall", &["sync", "service", "kiosk"]),
    // The terminal's screen and shell: what links Slint.
    ("terminal", &["sync", "service", "drivers", "screen", "paper", "kiosk", "hall"]),
    ("platform", &["sync", "service"]),
    ("street", &["sync", "drivers", "pole", "platform"]),
    ("tests", &["sync", "drivers", "pole", "paper", "kiosk", "platform", "street"]),
];

/// A library behind a seam, and the only places that may name it.
const SEAMS: [(&str, &[&str]); 5] = [
    ("rumqttc", &["sync/src/link.rs", "sync/src/link/"]),
    ("rppal", &["drivers/src/host/"]),
    ("gpiocdev", &["drivers/src/host/"]),
    ("cpal", &["audio/src/output.rs"]),
    ("slint", &["screen/", "kiosk/", "audio/guide/"]),
];

#[test]
fn crates_depend_in_one_direction() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--manifest-path"])
        .arg(source::root().join("Cargo.toml"))
        .output()
        .expect("cargo runs this test, so it runs");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let law = BTreeMap::from(MAY_USE);
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("name");
        let allowed =
            law.get(name).unwrap_or_else(|| panic!("crate {name} has no place in MAY_USE"));
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let used = dependency["name"].as_str().expect("name");
            let ours = dependency["path"].is_string();
            assert!(!ours || allowed.contains(&used), "{name} must not use {used}");
        }
    }
}

#[test]
fn files_and_functions_stay_short() {
    let tree = Tree::read();
    let mut broken = Vec::new();
    for file in &tree.rust {
        if file.lines() > FILE_LINES_MAX && !file.is_generated() {
            broken.push(format!("{}: {} lines", file.path, file.lines()));
        }
        for function in file.functions().filter(|function| function.lines > FUNCTION_LINES_MAX) {
            broken
                .push(format!("{}: fn {} has {} lines", file.path, function.name, function.lines));
        }
    }
    assert!(broken.is_empty(), "split by noun:\n{}", broken.join("\n"));
}

#[test]
fn names_say_what_is_inside() {
    for path in &Tree::read().paths {
        for part in path.split('/') {
            let stem = part.split('.').next().unwrap_or(part);
            assert!(
                !EMPTY_NAMES.contains(&stem),
                "{path}: {stem} says nothing about what is inside"
            );
        }
    }
}

#[test]
fn libraries_stay_behind_their_seams() {
    for file in &Tree::read().rust {
        let words = file.words();
        for (library, places) in SEAMS {
            let allowed = places.iter().any(|place| file.path.starts_with(place));
            assert!(allowed || !words.contains(library), "{} names {library}", file.path);
        }
    }
}

#[test]
fn clocks_are_lifted_with_a_reason() {
    for file in &Tree::read().rust {
        let allowed = file.code.contains("allow(clippy::disallowed_methods");
        assert!(
            !allowed,
            "{}: lift the clock with #[expect(.., reason = ..)] at the one place",
            file.path
        );
    }
}

/// Not a law: figures for the reader, printed with `--no-capture`.
#[test]
fn figures_of_the_code() {
    let tree = Tree::read();
    let mut lengths: Vec<usize> = tree.rust.iter().map(Rust::lines).collect();
    let mut functions: Vec<usize> =
        tree.rust.iter().flat_map(Rust::functions).map(|found| found.lines).collect();
    lengths.sort_unstable();
    functions.sort_unstable();
    let at = |sorted: &[usize], percent: usize| {
        sorted.get(sorted.len() * percent / 100).copied().unwrap_or(0)
    };
    let (comments, filled) = tree.rust.iter().fold((0, 0), |(comments, filled), file| {
        (comments + file.comment_lines(), filled + file.filled_lines())
    });
    let tests: usize = tree.rust.iter().map(Rust::tests).sum();
    println!("{} files, {filled} lines that are not blank", lengths.len());
    println!("file lines: median {}, p90 {}", at(&lengths, 50), at(&lengths, 90));
    println!("function lines: median {}, p90 {}", at(&functions, 50), at(&functions, 90));
    println!("comments: {} %", comments * 100 / filled.max(1));
    println!("tests: {tests}, {} per 1,000 lines", tests * 1000 / filled.max(1));
}
