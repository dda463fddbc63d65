//! A page of Markdown as far as it is checked: links, headings, commands.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::collections::BTreeSet;

/// A link as it stands.
pub(super) struct Link {
    pub(super) line: usize,
    pub(super) target: String,
}

/// A line that a reader types, continuation lines joined.
pub(super) struct Typed {
    pub(super) at: String,
    pub(super) text: String,
}

pub(super) struct Page {
    /// In the repository.
    pub(super) path: String,
    pub(super) links: Vec<Link>,
    pub(super) anchors: BTreeSet<String>,
    pub(super) typed: Vec<Typed>,
    /// Words in a sentence that are set as code.
    pub(super) mentioned: Vec<Typed>,
}

impl Page {
    pub(super) fn read(path: String) -> Self {
        let text = crate::files::text(&path);
        let mut page =
            Self { path, links: Vec::new(), anchors: BTreeSet::new(), typed: Vec::new(), mentioned: Vec::new() };
        let (mut heading, mut shell): (Option<String>, bool) = (None, false);
        for (event, place) in Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter() {
            let line = text[..place.start].lines().count().max(1);
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(Link { line, target: dest_url.into_string() });
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.anchors.extend(heading.take().map(|text| anchor(&text))),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => shell = &*language == "sh",
                Event::Text(code) if shell => page.type_all(&code, line),
                Event::End(TagEnd::CodeBlock) => shell = false,
                Event::Text(word) | Event::Code(word) if heading.is_some() => {
                    heading.get_or_insert_default().push_str(&word);
                }
                Event::Code(word) => {
                    let at = format!("{}:{line}", page.path);
                    page.mentioned.push(Typed { at, text: word.into_string() });
                }
                _ => {}
            }
        }
        page
    }

    fn type_all(&mut self, code: &str, first: usize) {
        let mut begun = String::new();
        for (i, line) in code.lines().enumerate() {
            begun.push_str(line.trim_end());
            if begun.ends_with('\\') {
                begun.pop();
                continue;
            }
            let text = std::mem::take(&mut begun);
            if !text.trim().is_empty() {
                self.typed.push(Typed { at: format!("{}:{}", self.path, first + i), text });
            }
        }
    }

    /// A path of the repository, from one that is relative to this page.
    pub(super) fn beside(&self, path: &str) -> String {
        let mut folders: Vec<&str> = self.path.split('/').collect();
        folders.pop();
        for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if part == ".." {
                folders.pop();
            } else {
                folders.push(part);
            }
        }
        folders.join("/")
    }
}

/// What a heading is called in an address, by GitHub and by mdBook.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
