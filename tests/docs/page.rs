//! The pages as they are written: their blocks of code, their links, the commands in their sentences.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::fs;
use std::path::{Path, PathBuf};

pub struct Page {
    /// From the top of the package: `docs/backup.md`.
    pub path: String,
    pub blocks: Vec<Block>,
    /// Where the links lead, as it is written.
    pub links: Vec<String>,
    /// What stands between backticks in sentences and tables.
    pub spans: Vec<String>,
}

/// A block of code between fences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What stands behind the fence: `sh needs a cluster`.
    pub info: String,
    pub text: String,
    /// Whether nothing stands between it and the block before.
    pub follows: bool,
}

impl Block {
    pub fn is_shell(&self) -> bool {
        matches!(self.info.split(' ').next(), Some("sh" | ""))
    }

    /// The words behind the language.
    pub fn condition(&self) -> Option<&str> {
        self.info.split_once(' ').map(|(_, words)| words)
    }
}

pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn files_below(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            files_below(&path, extension, found);
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
}

/// The pages of `docs/`, in the order of their names.
pub fn guide() -> Vec<Page> {
    let mut paths = Vec::new();
    files_below(&top().join("docs"), "md", &mut paths);
    paths.sort();
    paths.iter().map(|path| Page::read(path)).collect()
}

/// These and the pages beside the sources.
pub fn all() -> Vec<Page> {
    let others = ["README.md", "ARCHITECTURE.md", "assets/schemas/README.md"];
    others.iter().map(|name| Page::read(&top().join(name))).chain(guide()).collect()
}

impl Page {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("pages are UTF-8");
        let name = path.strip_prefix(top()).expect("it lies below").to_string_lossy().into_owned();
        Page::of(name, &text)
    }

    fn of(path: String, text: &str) -> Self {
        let mut page = Page { path, blocks: Vec::new(), links: Vec::new(), spans: Vec::new() };
        let (mut within, mut follows) = (false, false);
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let info = match kind {
                        CodeBlockKind::Fenced(info) => info.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    page.blocks.push(Block { info, text: String::new(), follows });
                    within = true;
                }
                Event::End(TagEnd::CodeBlock) => (within, follows) = (false, true),
                Event::Text(text) if within => {
                    page.blocks.last_mut().expect("a block is open").text.push_str(&text);
                }
                Event::Start(Tag::Link { dest_url, .. }) => page.links.push(dest_url.into_string()),
                Event::Code(text) => page.spans.push(text.into_string()),
                _ => follows = false,
            }
        }
        page
    }
}

#[test]
fn a_page_is_taken_apart_as_it_is_written() {
    let text = "# A\n\nSee [b](b.md#c) and `treebeard x`.\n\n```sh\nls\n```\n\n```text\nfile\n```\n\nSo.\n\n```sh needs a cup\npwd\n```\n";
    let page = Page::of("docs/a.md".to_owned(), text);
    assert_eq!((page.links, page.spans), (vec!["b.md#c".to_owned()], vec!["treebeard x".to_owned()]));
    let blocks: Vec<_> =
        page.blocks.iter().map(|block| (block.text.as_str(), block.condition(), block.follows)).collect();
    assert_eq!(blocks, [("ls\n", None, false), ("file\n", None, true), ("pwd\n", Some("needs a cup"), false)]);
    assert_eq!(page.blocks.iter().map(Block::is_shell).collect::<Vec<_>>(), [true, false, true]);
}
