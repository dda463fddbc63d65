//! `run`: the daemon.

use super::{Exit, Failure, Global};
use crate::{
    config::{self, Config, Datasource},
    logging,
    process::{self, Options, StartError},
};
use clap::Args;
use std::{net::SocketAddr, path::PathBuf};
use tokio_util::sync::CancellationToken;

/// Run the daemon.
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// The configuration; absent: defaults. Read again when it changes
    #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address of a Prometheus, for a try without a configuration file
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    pub prometheus: Option<String>,
    /// Address of health and metrics; wins over the configuration
    #[arg(long, value_name = "ADDRESS", env = "FLOORCAST_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Address of the API; wins over the configuration
    #[arg(long, value_name = "ADDRESS", env = "FLOORCAST_API")]
    pub api: Option<SocketAddr>,
    /// Form of log lines; wins over the configuration
    #[arg(long, value_enum, value_name = "FORM", env = "FLOORCAST_LOG_FORMAT")]
    pub log_format: Option<config::LogFormat>,
    /// Identity in the Lease; absent: the pod's name, else the host's name
    #[arg(long, value_name = "NAME", env = "FLOORCAST_IDENTITY")]
    pub identity: Option<String>,
}

/// Runs until told to stop.
pub async fn run(global: &Global, command: Run) -> Result<Exit, Failure> {
    let config = configuration(&command)?;
    logging::start(&config.log, global.log_level.as_deref()).map_err(|e| Failure::misused(e.to_string()))?;
    let options = Options {
        config: command.config,
        source: global.source(),
        own_namespace: global.floorcast_namespace.clone(),
        identity: command.identity,
    };
    match process::run(options, config, CancellationToken::new()).await {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Err(Failure::new(exit(&error), error.to_string())),
    }
}

/// The file's configuration, and what the command line says above it.
fn configuration(command: &Run) -> Result<Config, Failure> {
    let mut config = match &command.config {
        Some(file) => config::load(file)?,
        None => Config::default(),
    };
    if let Some(url) = &command.prometheus {
        config.datasources = vec![Datasource::at("main", url)];
    }
    config.http.listen = command.listen.unwrap_or(config.http.listen);
    config.http.api = command.api.unwrap_or(config.http.api);
    config.log.format = command.log_format.unwrap_or(config.log.format);
    Ok(config)
}

const fn exit(error: &StartError) -> Exit {
    match error {
        StartError::Config(_) | StartError::Datasource(_) => Exit::No,
        StartError::Connect(_) | StartError::Bind(_) | StartError::System(_) => Exit::Unreachable,
    }
}
