//! The documentation: its links lead somewhere, its commands are commands, and it is a book.

mod book;
pub(crate) mod command;
mod page;
pub(crate) mod place;
mod run;

use page::Page;
use std::collections::BTreeSet;

/// Everything that people read, by its path in the repository.
fn pages() -> Vec<Page> {
    let mut files: Vec<String> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "deploy/helm/floorcast/README.md"].map(String::from).into();
    let mut folders = vec!["docs".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(crate::files::path(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if std::path::Path::new(&path).extension().is_some_and(|end| end == "md") {
                files.push(path);
            }
        }
    }
    files.sort();
    files.into_iter().map(Page::read).collect()
}

#[test]
fn every_link_leads_to_a_file_and_every_anchor_to_a_heading() {
    let pages = pages();
    let mut broken = Vec::new();
    for page in &pages {
        for link in page.links.iter().filter(|link| !link.target.contains("://")) {
            let (path, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
            let path = if path.is_empty() { page.path.clone() } else { page.beside(path) };
            let headings = || pages.iter().find(|other| other.path == path).map(|other| &other.anchors);
            let there = crate::files::path(&path).exists();
            if !there || (!anchor.is_empty() && !headings().is_none_or(|all| all.contains(anchor))) {
                broken.push(format!("{}:{}: {}", page.path, link.line, link.target));
            }
        }
    }
    assert!(broken.is_empty(), "these lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn every_page_has_its_place_in_the_book() {
    let pages = pages();
    let summary = pages.iter().find(|page| page.path == "docs/SUMMARY.md").unwrap();
    let listed: BTreeSet<String> = summary.links.iter().map(|link| summary.beside(&link.target)).collect();
    let all = pages.iter().map(|page| page.path.clone());
    let all: BTreeSet<String> = all.filter(|path| path.starts_with("docs/") && path != "docs/SUMMARY.md").collect();
    assert_eq!(listed, all, "docs/SUMMARY.md and the pages of docs/");
}
