//! The book: rendered by mdBook. What its pages link to outside of `docs/` is linked where the repository is published.

use super::page::Page;
use crate::files;
use mdbook_driver::{MDBook, book::BookItem};
use std::time::{Duration, Instant};

/// Where files of the repository are read.
const PUBLISHED: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main");

/// It takes about two seconds; a full machine may need some more.
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn the_book_is_rendered_and_its_pages_lead_to_each_other() {
    let begun = Instant::now();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("book");
    let mut book = MDBook::load(files::path("docs")).unwrap();
    book.config.build.build_dir.clone_from(&folder);
    let mut chapters = Vec::new();
    book.book.for_each_mut(|item| {
        if let BookItem::Chapter(chapter) = item {
            let path = chapter.path.clone().unwrap();
            let page = Page::read(format!("docs/{}", path.display()));
            chapter.content = outward(&chapter.content, &page);
            chapters.push((path, page));
        }
    });
    book.build().unwrap();
    println!("the book took {:.1} s", begun.elapsed().as_secs_f64());
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    assert!(chapters.len() > 40, "{}", chapters.len());
    for (path, page) in chapters {
        let path = path.with_file_name(path.file_name().unwrap().to_str().unwrap().replace("README", "index"));
        let html = std::fs::read_to_string(folder.join(path.with_extension("html"))).unwrap();
        for anchor in &page.anchors {
            assert!(html.contains(&format!("id=\"{anchor}\"")), "{}: no heading {anchor}", page.path);
        }
        for link in page.links.iter().filter(|link| !link.target.contains("://") && link.target.contains(".md")) {
            let target = link.target.split('#').next().unwrap();
            let there = page.beside(target);
            let Some(there) = there.strip_prefix("docs/") else { continue };
            let there = there.replace("README.md", "index.html").replace(".md", ".html");
            assert!(folder.join(&there).is_file(), "{}:{}: {there} was not rendered", page.path, link.line);
        }
    }
}

/// The text with links that leave the book as addresses.
fn outward(text: &str, page: &Page) -> String {
    let leaving = page.links.iter().filter(|link| !link.target.contains("://") && !link.target.starts_with('#'));
    leaving.fold(text.to_owned(), |text, link| {
        let (path, anchor) =
            link.target.split_once('#').map_or((link.target.as_str(), ""), |(path, rest)| (path, rest));
        let there = page.beside(path);
        if there.starts_with("docs/") {
            return text;
        }
        let anchor = if anchor.is_empty() { String::new() } else { format!("#{anchor}") };
        text.replace(&format!("]({})", link.target), &format!("]({PUBLISHED}/{there}{anchor})"))
    })
}
