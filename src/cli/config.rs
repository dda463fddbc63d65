//! `config view|validate|schema`.

use super::{Exit, Failure, Global, Output, output};
use crate::config;
use clap::Subcommand;
use std::path::PathBuf;

/// Look at, check or describe the configuration.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// The effective configuration, defaults included, secrets hidden
    View {
        /// The file; absent: defaults only
        #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Check a file: exit code 0 good, 1 not
    Validate {
        /// The file
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// The file, named as for every other command
        #[arg(long, short, value_name = "FILE", conflicts_with = "file")]
        config: Option<PathBuf>,
    },
    /// The JSON Schema of the file
    Schema,
}

/// Does what the command says.
pub fn run(global: &Global, command: &Config) -> Result<Exit, Failure> {
    match command {
        Config::View { config } => view(&global.output, config.as_ref())?,
        Config::Validate { file, config: named } => {
            let Some(file) = file.as_ref().or(named.as_ref()) else {
                return Err(Failure::misused(
                    "no file is named; write floorcast config validate FILE, or --config FILE",
                ));
            };
            let config = config::load(file)?;
            output::write(&format!("{}: good; {}\n", file.display(), summary(&config)))?;
        }
        Config::Schema => {
            let text = serde_json::to_string_pretty(&config::Config::schema())
                .map_err(|e| Failure::new(Exit::No, e.to_string()))?;
            output::write(&(text + "\n"))?;
        }
    }
    Ok(Exit::Done)
}

fn view(form: &Output, file: Option<&PathBuf>) -> Result<(), Failure> {
    let config = match file {
        Some(file) => config::load(file)?,
        None => config::Config::default(),
    };
    let form = if form.for_people() { &Output::Yaml } else { form };
    output::print(form, &config.redacted(), |_| String::new())
}

fn summary(config: &config::Config) -> String {
    let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    [
        count(config.datasources.len(), "datasource"),
        count(config.templates.len(), "template"),
        count(config.opt_in.len(), "opt-in rule"),
    ]
    .join(", ")
}
