//! Every command in the documentation, checked: ours by our own command line, paths by what is there, packages and tests by name.

use super::{page::Typed, pages};
use crate::files;
use clap::Parser;
use floorcast_testbed::arguments::{API, Arguments};
use std::iter::once;

/// One program with its arguments.
pub(crate) struct Call {
    pub(crate) at: String,
    pub(crate) words: Vec<String>,
    /// The file that its output goes to.
    pub(crate) into: Option<String>,
}

/// Folders of the repository: a word that begins with one is a path, and must be there.
const FOLDERS: [&str; 8] = ["deploy/", "docs/", "tests/", "src/", "models/", "benches/", ".github/", ".ci/"];
/// Words that stand for a recording of the reader's.
const RECORDINGS: [&str; 3] = ["TRACE.csv…", "TRACE.csv", "FILE.csv…"];

/// Every call of every page: comments and variables before it left out, pipes taken apart.
pub(crate) fn calls() -> Vec<Call> {
    let typed = pages().into_iter().flat_map(|page| page.typed);
    typed.flat_map(taken_apart).collect()
}

fn taken_apart(typed: Typed) -> Vec<Call> {
    let Typed { at, text } = typed;
    let words = shlex::split(&text).unwrap_or_else(|| panic!("{at}: a quote is not closed: {text}"));
    let parts = words.split(|word| ["|", "&&", ";"].contains(&word.as_str()));
    let call = |part: &[String]| {
        let end = part.iter().position(|word| word.starts_with('>')).unwrap_or(part.len());
        let into = part[end..].iter().map(|word| word.trim_start_matches('>')).find(|word| !word.is_empty());
        let recording = |word: &String| RECORDINGS.contains(&word.as_str());
        let part = part[..end].iter().map(|word| if recording(word) { "load.csv".into() } else { word.clone() });
        let is_variable = |word: &str| word.split_once('=').is_some_and(|(name, _)| is_variable(name));
        let words: Vec<String> = part.skip_while(|word| is_variable(word) || *word == "xargs").collect();
        (!words.is_empty()).then(|| Call { at: at.clone(), words, into: into.map(str::to_owned) })
    };
    parts.filter_map(call).collect()
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

impl Call {
    pub(crate) fn said(&self) -> String {
        format!("{}: {}", self.at, self.words.join(" "))
    }

    /// The arguments of our program, whichever way it is called.
    pub(crate) fn ours(&self) -> Option<&[String]> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["floorcast", ..] => Some(&self.words[1..]),
            ["kubectl", "floorcast", ..] => Some(&self.words[2..]),
            ["cargo", "run", ..] if !words.contains(&"-p") => {
                let dashes = words.iter().position(|word| *word == "--")?;
                Some(&self.words[dashes + 1..])
            }
            _ => None,
        }
    }

    fn check(&self) -> Result<(), String> {
        let files: Vec<&str> = match self.words[0].as_str() {
            // Elsewhere `deploy/web` is a Deployment.
            "kubectl" => ["-f", "-k"].into_iter().filter_map(|flag| self.after(flag)).collect(),
            _ => self.words.iter().map(String::as_str).collect(),
        };
        for word in files.into_iter().filter(|word| !word.contains(['…', '*', '$', '<'])) {
            // `-c FILE`, `--config=FILE`, `--set-file KEY=FILE`
            let path = word.rsplit('=').next().unwrap_or(word);
            if FOLDERS.iter().any(|folder| path.starts_with(folder)) && !files::path(path).exists() {
                return Err(format!("there is no {path}"));
            }
        }
        if let Some(arguments) = self.ours() {
            // Whoever names a server means the one of the local control plane.
            if let Some(server) = self.after("--server").filter(|server| *server != format!("http://127.0.0.1:{API}")) {
                return Err(format!("{server} is not where the local control plane's daemon answers"));
            }
            let line = once("floorcast").chain(arguments.iter().map(String::as_str));
            return floorcast::cli::pages::tree().try_get_matches_from(line).map(drop).map_err(|e| e.to_string());
        }
        if self.words[0] == "cargo" { self.cargo() } else { Ok(()) }
    }

    /// Packages, tests, benchmarks and examples that it names are there, and what the testbed is asked for it can do.
    fn cargo(&self) -> Result<(), String> {
        let there = |paths: &[String]| paths.iter().any(|path| files::path(path).exists());
        let package = self.after("-p").unwrap_or("floorcast");
        let folder = match package {
            "floorcast" => "",
            "floorcast-models" => "models/",
            "floorcast-testbed" => "tests/testbed/",
            other => return Err(format!("there is no package {other}")),
        };
        for (flag, place) in [("--test", "tests"), ("--bench", "benches"), ("--example", "examples")] {
            let Some(name) = self.after(flag) else { continue };
            let file = format!("{folder}{place}/{name}");
            if !there(&[format!("{file}.rs"), format!("{file}/main.rs")]) {
                return Err(format!("there is no {flag} {name}"));
            }
        }
        if package == "floorcast-testbed" && self.words[1] == "run" {
            let words = self.words.iter().skip_while(|word| *word != "--").map(String::as_str);
            let line = once("floorcast-testbed").chain(words.skip(1));
            Arguments::try_parse_from(line).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    pub(crate) fn after(&self, flag: &str) -> Option<&str> {
        let place = self.words.iter().position(|word| word == flag)?;
        self.words.get(place + 1).map(String::as_str)
    }
}

#[test]
fn every_command_is_one_and_names_what_is_there() {
    let calls = calls();
    assert!(calls.iter().filter(|call| call.ours().is_some()).count() > 50, "the pages were read");
    let wrong = calls.iter().filter_map(|call| call.check().err().map(|why| format!("{}\n  {why}", call.said())));
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A command in a sentence may be short of what it needs, but says nothing that there is not.
#[test]
fn every_command_in_a_sentence_is_one() {
    use clap::error::ErrorKind::{
        DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion, MissingRequiredArgument,
        MissingSubcommand,
    };
    let mentioned = pages().into_iter().flat_map(|page| page.mentioned).filter(|said| {
        let ours = said.text.starts_with("floorcast ") || said.text.starts_with("kubectl floorcast ");
        ours && !said.text.contains('…') && !said.text.contains("COMMAND")
    });
    let (mut read, mut wrong) = (0, Vec::new());
    for call in mentioned.flat_map(taken_apart) {
        let Some(ours) = call.ours().filter(|_| call.words[0] != "cargo") else { continue };
        read += 1;
        let line = once("floorcast").chain(ours.iter().map(String::as_str));
        let Err(why) = floorcast::cli::pages::tree().try_get_matches_from(line) else { continue };
        let short = [
            DisplayHelp,
            DisplayHelpOnMissingArgumentOrSubcommand,
            DisplayVersion,
            MissingRequiredArgument,
            MissingSubcommand,
        ];
        if !short.contains(&why.kind()) {
            wrong.push(format!("{}\n  {why}", call.said()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read > 30, "{read} were read");
}
