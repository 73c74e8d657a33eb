//! The source tree as the laws see it: paths, and Rust files with comments and strings blanked out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that are made, not written.
const MADE: [&str; 7] = [".git", "target", "corpus", "artifacts", "node_modules", "var", "vendor"];

pub(super) struct Tree {
    /// Every file, relative to the root, sorted.
    pub(super) paths: Vec<String>,
    pub(super) rust: Vec<Rust>,
}

pub(super) struct Rust {
    pub(super) path: String,
    text: String,
    /// `text` with the inside of comments, strings and characters as blanks; same lines.
    pub(super) code: String,
}

pub(super) struct Function {
    pub(super) name: String,
    /// From the line of `fn` to that of the closing brace.
    pub(super) lines: usize,
}

pub(super) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ lies in the root").to_owned()
}

impl Tree {
    pub(super) fn read() -> Tree {
        let mut paths = Vec::new();
        walk(&root(), "", &mut paths);
        paths.sort();
        let source =
            |path: &&String| Path::new(path.as_str()).extension().is_some_and(|end| end == "rs");
        let rust = paths.iter().filter(source).map(|path| Rust::new(path, read(path))).collect();
        Tree { paths, rust }
    }
}

pub(super) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn walk(folder: &Path, prefix: &str, paths: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the tree is readable") {
        let entry = entry.expect("the tree is readable");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !MADE.contains(&name.as_str()) => {
                walk(&entry.path(), &format!("{path}/"), paths);
            }
            Ok(kind) if kind.is_file() => paths.push(path),
            _ => {}
        }
    }
}

impl Rust {
    pub(super) fn new(path: &str, text: String) -> Rust {
        Rust { path: path.to_owned(), code: blank(&text), text }
    }

    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    pub(super) fn filled_lines(&self) -> usize {
        self.text.lines().filter(|line| !line.trim().is_empty()).count()
    }

    pub(super) fn comment_lines(&self) -> usize {
        self.text.lines().filter(|line| line.trim_start().starts_with("//")).count()
    }

    pub(super) fn tests(&self) -> usize {
        ["#[test]", "#[tokio::test"].iter().map(|mark| self.code.matches(mark).count()).sum()
    }

    /// Says so in its first line, as generators do.
    pub(super) fn is_generated(&self) -> bool {
        self.text.lines().next().is_some_and(|line| line.contains("@generated"))
    }

    pub(super) fn words(&self) -> BTreeSet<&str> {
        self.code.split(|symbol: char| !symbol.is_alphanumeric() && symbol != '_').collect()
    }

    /// Functions with a body, nested ones and macro arms included.
    pub(super) fn functions(&self) -> impl Iterator<Item = Function> + '_ {
        let starts = self.code.match_indices("fn ").map(|(at, _)| at);
        let word = |at: usize| {
            !self.code[..at].ends_with(|symbol: char| symbol.is_alphanumeric() || symbol == '_')
        };
        starts.filter(move |at| word(*at)).filter_map(|at| function(&self.code[at..]))
    }
}

/// The function that `code` starts with; `None` for a declaration or a function pointer type.
fn function(code: &str) -> Option<Function> {
    let name: String =
        code[3..].chars().take_while(|symbol| symbol.is_alphanumeric() || *symbol == '_').collect();
    if name.is_empty() {
        return None;
    }
    let mut round = 0_i32;
    let open = code.char_indices().find_map(|(at, symbol)| {
        round += i32::from(matches!(symbol, '(' | '[')) - i32::from(matches!(symbol, ')' | ']'));
        (round == 0 && matches!(symbol, '{' | ';')).then_some((at, symbol))
    });
    let (open, _) = open.filter(|(_, symbol)| *symbol == '{')?;
    let mut depth = 0_i32;
    let close = code[open..].char_indices().find_map(|(at, symbol)| {
        depth += i32::from(symbol == '{') - i32::from(symbol == '}');
        (depth == 0).then_some(open + at)
    })?;
    Some(Function { name, lines: code[..close].matches('\n').count() + 1 })
}

/// Replaces the inside of comments, strings and characters by blanks, line breaks stay.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(symbol) = rest.chars().next() {
        let hidden = hidden_length(rest, code.chars().next_back());
        let length = if hidden == 0 { symbol.len_utf8() } else { hidden };
        let (taken, left) = rest.split_at(length);
        if hidden == 0 {
            code.push(symbol);
        } else {
            code.extend(taken.chars().map(|symbol| if symbol == '\n' { '\n' } else { ' ' }));
        }
        rest = left;
    }
    code
}

/// How many bytes at the start of `rest` are a comment, a string or a character literal.
fn hidden_length(rest: &str, before: Option<char>) -> usize {
    let in_word = before.is_some_and(|symbol| symbol.is_alphanumeric() || symbol == '_');
    let until = |end: &str, from: usize| {
        rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return until("*/", 2);
    }
    let raw = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r')).filter(|_| !in_word);
    if let Some(tail) = raw {
        let hashes = tail.len() - tail.trim_start_matches('#').len();
        if tail[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return until(&end, rest.len() - tail.len() + hashes + 1);
        }
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    let mut ahead = rest.chars();
    let literal =
        ahead.next() == Some('\'') && (ahead.next() == Some('\\') || ahead.next() == Some('\''));
    if literal { quoted(rest, '\'') } else { 0 }
}

/// Length of a literal that ends at an unescaped `quote`.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, symbol)| {
        let ends = *symbol == quote && !escaped;
        escaped = *symbol == '\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |(at, _)| at + quote.len_utf8())
}

#[test]
fn functions_are_found_whatever_their_strings_and_comments_say() {
    let text = r##"
fn first<'a>(of: &'a [u8; 3]) -> impl Fn(u8) -> u8 {
    let brace = '{'; // fn not_this() {
    let text = "fn nor { this \" }";
    let raw = r#"fn nor } "this" {"#;
    fn inner() {}
}
trait T { fn declared(&self); }
type Pointer = fn (u8) -> u8;
"##;
    let file = Rust::new("x.rs", text.to_owned());
    let found: Vec<_> = file.functions().map(|found| (found.name, found.lines)).collect();
    assert_eq!(found, [("first".to_owned(), 6), ("inner".to_owned(), 1)]);
}
