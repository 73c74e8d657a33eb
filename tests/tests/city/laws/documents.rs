//! Documents that cannot rot: their links resolve, their examples parse, their commands exist.

use std::process::Command;

use super::source::{self, Tree};

fn documents() -> Vec<(String, String)> {
    let markdown = |path: &String| path.to_lowercase().ends_with(".md");
    Tree::read()
        .paths
        .into_iter()
        .filter(markdown)
        .map(|path| (path.clone(), source::read(&path)))
        .collect()
}

/// Targets of `[text](target)` outside code, without their anchors.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    let targets = prose.flat_map(|prose| prose.split("](").skip(1));
    let file = |target: &&str| {
        !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:")
    };
    targets
        .filter_map(|tail| tail.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or(target))
        .filter(file)
        .collect()
}

/// Fenced blocks of one language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fenced = text.split("```").skip(1).step_by(2);
    fenced
        .filter_map(|block| block.split_once('\n'))
        .filter(|(head, _)| head.trim() == language)
        .map(|(_, body)| body)
        .collect()
}

#[test]
fn links_to_files_resolve() {
    for (path, text) in documents() {
        let folder =
            source::root().join(&path).parent().expect("a file lies in a folder").to_owned();
        for target in links(&text) {
            assert!(folder.join(target).exists(), "{path} links to {target}, which is not there");
        }
    }
}

#[test]
fn examples_parse() {
    for (path, text) in documents() {
        for block in blocks(&text, "toml") {
            assert!(
                toml::from_str::<toml::Table>(block).is_ok(),
                "{path}: this is not TOML:\n{block}"
            );
        }
        for block in blocks(&text, "json") {
            assert!(
                serde_json::from_str::<serde_json::Value>(block).is_ok(),
                "{path}: this is not JSON:\n{block}"
            );
        }
    }
}

#[test]
fn a_sign_takes_the_configuration_of_the_readme() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sign.toml");
    for readme in ["README.md", "README.zh-CN.md"] {
        let text = source::read(readme);
        let [config] = blocks(&text, "toml")[..] else { panic!("{readme} has one configuration") };
        std::fs::write(&file, config).expect("a file");
        let sign = tests::stage::binary("gulou-sign").expect("make builds it");
        let output = Command::new(sign)
            .arg("--config")
            .arg(&file)
            .arg("--check")
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{readme}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn commands_exist() {
    let makefile = source::read("Makefile");
    for (path, text) in documents() {
        let shell = blocks(&text, "sh").into_iter().flat_map(str::lines);
        let inline = text.split('`').skip(1).step_by(2);
        for command in
            shell.chain(inline).filter_map(|command| command.trim().strip_prefix("make "))
        {
            let target = command.split_whitespace().next().unwrap_or_default();
            assert!(
                makefile.contains(&format!("\n{target}: ")),
                "{path}: there is no `make {target}`"
            );
        }
    }
}

#[test]
fn decisions_have_numbers_of_their_own() {
    let decision = |(path, text): (String, String)| {
        let number = path.strip_prefix("docs/decisions/")?.get(..4)?.to_owned();
        Some((path, number, text))
    };
    let mut seen = std::collections::BTreeSet::new();
    for (path, number, text) in documents().into_iter().filter_map(decision) {
        assert!(
            number == "0000" || text.starts_with(&format!("# {number}: ")),
            "{path} starts with another number"
        );
        assert!(seen.insert(number), "{path}: this number is taken");
    }
}

#[test]
fn links_are_found() {
    let text = "See [a](docs/a.md#top), ![b](b.png), [c](https://example.org).\n```\n[d](d)\n```\n";
    assert_eq!(links(text), ["docs/a.md", "b.png"]);
}
