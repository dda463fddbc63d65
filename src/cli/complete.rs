//! Completions through kubectl.
//!
//! For `kubectl floorcast pl⇥` kubectl runs `kubectl_complete-floorcast pl` from its PATH and takes a line for each candidate,
//! a tabulator and its meaning after it, and last `:` with a directive of cobra's. This program under that name is that
//! program: `ln -s kubectl-floorcast kubectl_complete-floorcast`. Words come from the tree of commands, names of HPAs
//! from the API server.

use super::{Cli, Exit, is_named, output, pages};
use crate::kubernetes::{self, Source};
use clap::CommandFactory;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::{Api, api::ListParams};
use std::{ffi::OsString, time::Duration};

/// The name under which kubectl asks.
const NAME: &str = "kubectl_complete-floorcast";
/// Longest time the API server may take for names: a person waits at the prompt.
const PATIENCE: Duration = Duration::from_secs(2);
/// HPAs that are offered at most.
const MOST: u32 = 200;
/// cobra's directive: the shell adds no names of files.
const NO_FILES: &str = ":4";
/// cobra's directive: the shell does as it likes, names of files where nothing else is offered.
const DEFAULT: &str = ":0";

/// The words to complete, where this program was called for that.
pub(super) fn asked(mut arguments: impl Iterator<Item = OsString>) -> Option<Vec<String>> {
    let program = arguments.next()?;
    let words = arguments.map(|word| word.to_string_lossy().into_owned());
    is_named(Some(&program), NAME).then(|| words.collect())
}

/// Prints what may stand in place of the last word. What cannot be known is not offered: a prompt is no place for errors.
pub(super) fn answer(words: &[String]) -> Exit {
    let offered = candidates(words);
    let lines = if offered.is_empty() && wants_hpa(words) { names(words) } else { offered };
    let directive = if lines.is_empty() && !wants_hpa(words) { DEFAULT } else { NO_FILES };
    let text = lines.into_iter().chain([directive.to_owned()]).map(|line| line + "\n").collect::<String>();
    match output::write(&text) {
        Ok(_) => Exit::Done,
        Err(failure) => failure.exit,
    }
}

/// What the tree of commands offers, as `word⇥meaning`. Flags are offered to who began one.
fn candidates(words: &[String]) -> Vec<String> {
    let last = words.last().map_or("", String::as_str);
    let all: Vec<OsString> =
        std::iter::once("floorcast").chain(words.iter().map(String::as_str)).map(Into::into).collect();
    let place = words.len().max(1);
    let found = clap_complete::engine::complete(&mut pages::tree(), all, place, None).unwrap_or_default();
    let flag = last.starts_with('-');
    let found = found.into_iter().filter(|candidate| !candidate.is_hide_set());
    let lines = found.filter_map(|candidate| {
        let word = candidate.get_value().to_str()?.to_owned();
        let meaning = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let meaning = meaning.lines().next().unwrap_or_default().to_owned();
        (flag || !word.starts_with('-')).then(|| if meaning.is_empty() { word } else { format!("{word}\t{meaning}") })
    });
    lines.collect()
}

/// Whether an HPA's name is to be written here: its command takes one, and no option waits for its value.
fn wants_hpa(words: &[String]) -> bool {
    let Some((last, before)) = words.split_last() else { return false };
    let tree = Cli::command();
    let command = before.iter().find_map(|word| tree.find_subcommand(word));
    let Some(command) = command.filter(|c| c.get_positionals().any(|p| p.get_id() == "hpa")) else { return false };
    let waits = before.last().is_some_and(|word| {
        let takes = |arg: &clap::Arg| arg.get_action().takes_values();
        let is = |arg: &&clap::Arg| {
            arg.get_long().is_some_and(|long| word.strip_prefix("--") == Some(long))
                || arg.get_short().is_some_and(|short| word.strip_prefix('-') == Some(short.to_string().as_str()))
        };
        command.get_arguments().chain(tree.get_arguments()).find(is).is_some_and(takes)
    });
    !waits && !last.starts_with('-')
}

/// Names of the HPAs in the namespace that is meant.
fn names(words: &[String]) -> Vec<String> {
    let last = words.last().cloned().unwrap_or_default();
    let value = |flags: &[&str]| {
        let at = words.iter().position(|word| flags.contains(&word.as_str()));
        let joined = words.iter().find_map(|word| flags.iter().find_map(|f| word.strip_prefix(&format!("{f}="))));
        at.and_then(|i| words.get(i + 1)).cloned().or_else(|| joined.map(str::to_owned))
    };
    let source = Source { kubeconfig: value(&["--kubeconfig"]).map(Into::into), context: value(&["--context"]) };
    let (named, begun) = match last.split_once('/') {
        Some((namespace, begun)) => (Some(namespace.to_owned()), begun.to_owned()),
        None => (None, last.clone()),
    };
    let prefix = named.as_ref().map_or_else(String::new, |namespace| format!("{namespace}/"));
    let look = async {
        let clients = kubernetes::connect(&source).await.ok()?;
        let namespace = named.or_else(|| value(&["-n", "--namespace"])).unwrap_or_else(|| clients.namespace.clone());
        let api: Api<HorizontalPodAutoscaler> = Api::namespaced(clients.watch, &namespace);
        api.list_metadata(&ListParams::default().limit(MOST)).await.ok()
    };
    let Ok(runtime) = super::runtime() else { return Vec::new() };
    let list = runtime.block_on(async { tokio::time::timeout(PATIENCE, look).await.ok().flatten() });
    let names = list.map(|list| list.items).unwrap_or_default().into_iter().filter_map(|hpa| hpa.metadata.name);
    names.filter(|name| name.starts_with(&begun)).map(|name| format!("{prefix}{name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    fn offered(line: &str) -> Vec<String> {
        let word = |line: String| line.split('\t').next().unwrap_or_default().to_owned();
        candidates(&words(line)).into_iter().map(word).collect()
    }

    #[test]
    fn commands_flags_and_values_are_offered() {
        assert_eq!(offered("sta"), ["status"]);
        assert_eq!(offered("re"), ["report", "resume", "release"]);
        assert!(offered("").contains(&"plan".to_owned()) && !offered("").iter().any(|word| word.starts_with('-')));
        assert_eq!(offered("status --no-h"), ["--no-headers"]);
        assert_eq!(offered("status -o j"), ["json", "jsonpath="]);
        assert_eq!(offered("enable web --mode "), Vec::<String>::new());
        assert_eq!(offered("config v"), ["view", "validate"]);
        assert_eq!(offered("completion z"), ["zsh"]);
        assert!(candidates(&words("sta"))[0].contains("\tAll workloads"), "{:?}", candidates(&words("sta")));
    }

    #[test]
    fn names_are_offered_where_an_hpa_is_meant() {
        for (line, wanted) in [
            ("plan ", true),
            ("plan we", true),
            ("explain -n shop we", true),
            ("pause --dry-run ", true),
            ("pause --for ", false),
            ("plan -n ", false),
            ("plan --", false),
            ("status ", false),
            ("pl", false),
        ] {
            assert_eq!(wants_hpa(&words(line)), wanted, "{line}");
        }
    }

    #[test]
    fn only_kubectls_name_asks_for_completions() {
        let asked = |program: &str| asked([program, "plan", ""].map(OsString::from).into_iter());
        assert_eq!(asked("/usr/local/bin/kubectl_complete-floorcast"), Some(words("plan ")));
        assert_eq!(asked("kubectl-floorcast"), None);
    }
}
