//! Reading what is shipped, and writing what is made from the code.

use serde_json::Value;
use std::path::PathBuf;

/// Writes generated files anew when set to `1`, instead of comparing them.
const UPDATE: &str = "UPDATE";

/// A path of the repository.
pub(crate) fn path(file: &str) -> PathBuf {
    floorcast_testbed::repository().join(file)
}

/// A file's text.
pub(crate) fn text(file: &str) -> String {
    std::fs::read_to_string(path(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// The documents of a YAML text; empty ones are left out.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let text = format!("\n{text}");
    let documents =
        text.split("\n---").map(|d| serde_saphyr::from_str::<Value>(d).unwrap_or_else(|e| panic!("{e}\n{d}")));
    documents.filter(|d| !d.is_null()).collect()
}

/// The one document of a YAML file.
pub(crate) fn yaml(file: &str) -> Value {
    serde_saphyr::from_str(&text(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// The files of a folder whose names end so, sorted.
pub(crate) fn names(folder: &str, end: &str) -> Vec<String> {
    let files = floorcast_testbed::files(folder, end).unwrap_or_else(|e| panic!("{folder}: {e}"));
    files.iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Between `<!-- NAME: …` and `<!-- /NAME -->` the file must hold this text; with `UPDATE=1` it is written.
pub(crate) fn part_up_to_date(file: &str, name: &str, made: &str) {
    let text = text(file);
    let (before, rest) = text.split_once(&format!("<!-- {name}: ")).unwrap_or_else(|| panic!("{file} has no {name}"));
    let (head, _) = rest.split_once("-->\n").unwrap();
    let end = format!("<!-- /{name} -->");
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{file}: {name} does not end"));
    up_to_date(file, &format!("{before}<!-- {name}: {head}-->\n{made}{end}{after}"));
}

/// The file must hold this text; with `UPDATE=1` it is written.
pub(crate) fn up_to_date(file: &str, made: &str) {
    let path = path(file);
    if std::env::var(UPDATE).is_ok_and(|v| v == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, made).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if found != made {
        let line = found.lines().zip(made.lines()).position(|(a, b)| a != b);
        let line = line.unwrap_or_else(|| found.lines().count().min(made.lines().count()));
        let (old, new) = (found.lines().nth(line).unwrap_or("(end)"), made.lines().nth(line).unwrap_or("(end)"));
        panic!(
            "{file} is out of date from line {}:\n- {old}\n+ {new}\nrun `UPDATE=1 cargo test --test deploy` and commit it",
            line + 1
        );
    }
}
