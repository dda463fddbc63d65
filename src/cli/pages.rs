//! What is made from the tree of commands: usage under the name it was called by, completions, man pages.

use super::{Cli, Exit, Failure, called, output};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::{borrow::Cow, path::PathBuf};

/// The name of the program alone.
const NAME: &str = "floorcast";

/// Completions for a shell.
///
/// bash:        source <(floorcast completion bash)
/// zsh:         floorcast completion zsh > "${fpath[1]}/_floorcast"
/// fish:        floorcast completion fish > ~/.config/fish/completions/floorcast.fish
/// powershell:  floorcast completion powershell | Out-String | Invoke-Expression
///
/// Through kubectl's own completion, names of HPAs included, in a folder of the PATH:
///
/// ln -s kubectl-floorcast kubectl_complete-floorcast
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Completion {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// Man pages: this program's on stdout, or one per command in a folder.
#[derive(Debug, Args)]
pub struct Man {
    /// Folder for floorcast.1, floorcast-status.1 and so on; made where it does not exist
    #[arg(long, value_name = "FOLDER")]
    pub into: Option<PathBuf>,
}

/// The tree of commands under the name it was called by.
pub fn tree() -> clap::Command {
    renamed(Cli::command().bin_name(called()), called())
}

/// Examples call the program as it was called.
fn renamed(command: clap::Command, name: &str) -> clap::Command {
    let examples = command.get_after_help().map(|text| named(&text.to_string(), name).into_owned());
    let about = command.get_long_about().map(|text| named(&text.to_string(), name).into_owned());
    let command = match examples {
        Some(text) => command.after_help(text),
        None => command,
    };
    let command = match about {
        Some(text) => command.long_about(text),
        None => command,
    };
    command.mut_subcommands(|inner| renamed(inner, name))
}

/// A text in which commands are suggested, as the program was called.
pub fn as_called(text: &str) -> Cow<'_, str> {
    named(text, called())
}

/// `floorcast doctor` becomes `kubectl floorcast doctor`, for each command there is; where `kubectl` stands already, nothing.
fn named<'a>(text: &'a str, name: &str) -> Cow<'a, str> {
    if name == NAME || !text.contains(NAME) {
        return Cow::Borrowed(text);
    }
    let tree = Cli::command();
    let known = |word: &str| tree.get_subcommands().any(|command| command.get_name() == word);
    let mut parts = text.split("floorcast ");
    let mut renamed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let word: String = part.chars().take_while(char::is_ascii_lowercase).collect();
        // `/usr/bin/floorcast`, `kubectl-floorcast` and `kubectl floorcast` are no calls to rename.
        let begins = renamed.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && !"/-._".contains(c));
        if known(&word) && begins && !renamed.ends_with("kubectl ") {
            renamed.push_str(name.trim_end_matches(NAME));
        }
        renamed.push_str("floorcast ");
        renamed.push_str(part);
    }
    Cow::Owned(renamed)
}

/// Prints a shell's completions.
pub fn completion(command: &Completion) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Cli::command(), NAME, &mut script);
    output::write(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Prints or writes man pages.
pub fn man(command: &Man) -> Result<Exit, Failure> {
    let unwritable = |what: &str, e: &std::io::Error| {
        Failure::unreachable(format!("{what} cannot be written: {e}; check that the folder may be written"))
    };
    let Some(folder) = &command.into else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(|e| unwritable("the page", &e))?;
        output::write(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Done);
    };
    let shown = folder.display().to_string();
    std::fs::create_dir_all(folder).map_err(|e| unwritable(&shown, &e))?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(|e| unwritable(&shown, &e))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_suggested_as_the_program_was_called() {
        for (text, plugin) in [
            ("see floorcast doctor", "see kubectl floorcast doctor"),
            ("kubectl floorcast plan web", "kubectl floorcast plan web"),
            (
                "undo: floorcast resume web; floorcast pause",
                "undo: kubectl floorcast resume web; kubectl floorcast pause",
            ),
            ("floorcast 0.1.0 on floorcast-0", "floorcast 0.1.0 on floorcast-0"),
            ("ConfigMap floorcast/floorcast drain", "ConfigMap floorcast/floorcast drain"),
            ("no floorcast metrics", "no floorcast metrics"),
        ] {
            assert_eq!(named(text, "kubectl floorcast"), plugin);
            assert_eq!(named(text, "floorcast"), text);
        }
    }

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
        let mut plugin = renamed(Cli::command().bin_name("kubectl floorcast"), "kubectl floorcast");
        plugin.build();
        let enable = plugin.find_subcommand_mut("enable").map(|c| c.render_long_help().to_string()).unwrap_or_default();
        assert!(enable.contains("Usage: kubectl floorcast enable"), "{enable}");
        assert!(enable.contains("  kubectl floorcast enable web -n shop "), "{enable}");
    }
}
