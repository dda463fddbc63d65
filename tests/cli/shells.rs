//! Completions and man pages, read by the shells and the formatter themselves where they are installed; bash always is.

use super::said;
use std::{io::ErrorKind, path::Path, process::Command};

/// Runs a program with a file; `None`, and a word about it, where it is not installed.
fn judged(program: &str, arguments: &[&str], files: &[&Path]) -> Option<(bool, String)> {
    match Command::new(program).args(arguments).args(files).output() {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            println!("{program} is not installed: what it would say is not asked");
            None
        }
        output => {
            let output = output.unwrap();
            let said = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
        }
    }
}

#[test]
fn every_shell_reads_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    let mut asked = 0;
    for (shell, only_read) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let file = folder.path().join(shell);
        std::fs::write(&file, said(&["completion", shell]).1).unwrap();
        let Some((fine, told)) = judged(shell, &[only_read], &[&file]) else { continue };
        assert!(fine && told.is_empty(), "{shell}: {told}");
        asked += 1;
    }
    assert!(asked > 0, "not even bash is there");
}

/// What a person sees who presses the tabulator.
#[test]
fn bash_completes_commands_flags_and_values() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), said(&["completion", "bash"]).1).unwrap();
    for (words, wanted) in [
        ("floorcast sta", "status"),
        ("floorcast completion z", "zsh"),
        ("floorcast status --no-h", "--no-headers"),
        ("floorcast config vi", "view"),
    ] {
        let before = words.split(' ').rev().nth(1).unwrap();
        let last = words.split(' ').next_back().unwrap();
        let script = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _floorcast floorcast {last} {before}; echo \"${{COMPREPLY[*]}}\"",
            file.path().display()
        );
        let (fine, told) = judged("bash", &["-c", &script], &[]).unwrap();
        assert!(fine && told.split_whitespace().eq([wanted]), "{words}: {told}");
    }
}

#[test]
fn a_formatter_finds_no_error_in_the_man_pages() {
    let folder = tempfile::tempdir().unwrap();
    said(&["man", "--into", folder.path().to_str().unwrap()]);
    let pages: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(pages.len() > 15, "{pages:?}");
    let pages: Vec<&Path> = pages.iter().map(std::path::PathBuf::as_path).collect();
    if let Some((fine, told)) = judged("mandoc", &["-T", "lint", "-W", "error"], &pages) {
        assert!(fine, "{told}");
    }
}
