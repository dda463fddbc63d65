//! The floorcast daemon as a process of its own, with its configuration file, under whatever account it is given.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::ports::Port;
use crate::process::{Folder, Launch, Process};
use crate::{Error, wait};

/// How long the daemon may take to answer `/readyz`; it takes about a second.
const READY: Duration = Duration::from_mins(1);

/// A running daemon. Killed with its value.
pub struct Daemon {
    process: Process,
    config: PathBuf,
    settings: Value,
    listen: Port,
    api: Port,
}

impl Daemon {
    /// Starts `floorcast run` with this configuration (a tree as in the file; the addresses to listen on are ours).
    /// `name` tells several daemons of one folder apart.
    pub fn start(
        folder: &Arc<Folder>,
        name: &str,
        program: &Path,
        kubeconfig: &Path,
        settings: &Value,
    ) -> Result<Self, Error> {
        Self::start_on((Port::claim()?, Port::claim()?), folder, name, program, kubeconfig, settings)
    }

    /// The same on these ports: that of metrics, and that of the API.
    pub fn start_on(
        (listen, api): (Port, Port),
        folder: &Arc<Folder>,
        name: &str,
        program: &Path,
        kubeconfig: &Path,
        settings: &Value,
    ) -> Result<Self, Error> {
        let mut settings = settings.clone();
        settings["http"] = json!({
            "listen": format!("127.0.0.1:{}", listen.number()), "api": format!("127.0.0.1:{}", api.number()),
        });
        let config = folder.write(&format!("{name}.yaml"), format!("{settings:#}\n"))?;
        let launch = Launch::new(program)
            .arg("run")
            .arg("--config")
            .arg(config.display().to_string())
            .arg("--kubeconfig")
            .arg(kubeconfig.display().to_string())
            // One name a process, as pods have: it becomes the holder's identity.
            .env("POD_NAME", name)
            .env("RUST_BACKTRACE", "1");
        let process = Process::start(folder, name, launch)?;
        Ok(Self { process, config, settings, listen, api })
    }

    /// Starts it and waits until it is ready.
    pub async fn start_ready(
        folder: &Arc<Folder>,
        name: &str,
        program: &Path,
        kubeconfig: &Path,
        settings: &Value,
    ) -> Result<Self, Error> {
        let mut daemon = Self::start(folder, name, program, kubeconfig, settings)?;
        daemon.wait_ready().await?;
        Ok(daemon)
    }

    /// Waits until `/readyz` says yes.
    pub async fn wait_ready(&mut self) -> Result<(), Error> {
        let url = format!("{}/readyz?verbose", self.url());
        let mut last = String::new();
        let begun = std::time::Instant::now();
        while begun.elapsed() < READY {
            self.process.check()?;
            match fetch(&url).await {
                Ok((200, _)) => return Ok(()),
                Ok((code, body)) => last = format!("{code}: {body}"),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(wait::LOOK).await;
        }
        let seen = format!("{last}\n{}", self.process.tail(30));
        Err(Error::TimedOut {
            what: format!("{} to be ready", self.process.name()),
            seconds: READY.as_secs_f64(),
            seen,
        })
    }

    /// Waits until it leads.
    pub async fn wait_leader(&self, limit: Duration) -> Result<(), Error> {
        wait::until("leadership", limit, || async {
            match self.metric("floorcast_leader").await {
                Ok(Some(leads)) if leads > 0.5 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }

    /// Address of `/livez`, `/readyz` and `/metrics`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.listen.number())
    }

    /// Address of `/api/v1`.
    pub fn api(&self) -> String {
        format!("http://127.0.0.1:{}", self.api.number())
    }

    /// Its configuration file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// What its configuration file holds.
    pub fn settings(&self) -> &Value {
        &self.settings
    }

    /// Writes the configuration file anew, as a ConfigMap's update would; the daemon reads it again by itself.
    pub fn configure(&self, text: &str) -> Result<(), Error> {
        std::fs::write(&self.config, text).map_err(Error::file("write", &self.config))
    }

    /// The answer of `/api/v1/<path>`.
    pub async fn ask(&self, path: &str) -> Result<Value, Error> {
        let (code, body) = fetch(&format!("{}/api/v1/{path}", self.api())).await?;
        if code != 200 {
            return Err(Error::Unexpected(format!("/api/v1/{path}: {code}: {body}")));
        }
        Ok(serde_json::from_str(&body)?)
    }

    /// One value of `/metrics`: that of the line that begins with `series`, such as `floorcast_leader`, or
    /// `floorcast_writes_total{result="done"}` in the order of labels of the page.
    pub async fn metric(&self, series: &str) -> Result<Option<f64>, Error> {
        let (_, body) = fetch(&format!("{}/metrics", self.url())).await?;
        Ok(value_of(&body, series))
    }

    /// The whole of `/metrics`.
    pub async fn metrics(&self) -> Result<String, Error> {
        Ok(fetch(&format!("{}/metrics", self.url())).await?.1)
    }

    /// Its process: to kill, stop, read its log.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Everything that it logged.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGSTOP: it stands still as a frozen machine would.
    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }
}

fn value_of(page: &str, series: &str) -> Option<f64> {
    let rest = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    rest.trim().parse().ok()
}

async fn fetch(url: &str) -> Result<(u16, String), Error> {
    crate::install_crypto();
    let answer = reqwest::Client::new().get(url).timeout(Duration::from_secs(5)).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

/// A configuration for tests in real time: what takes minutes in production takes seconds. `changes` win, key by key.
pub fn fast_settings(prometheus: &str, changes: &Value) -> Value {
    let mut settings = json!({
        "datasources": [{"name": "main", "url": prometheus}],
        "defaults": {"step": "10s", "history": "4w", "leadTime": "3m"},
        "guard": {"rampPerMinute": 0.7, "rampStep": "45s", "respect": "20s", "writesPerHour": 60},
        "timing": {
            "tick": "500ms", "learn": "1h", "leaseDuration": "3s", "leaseRenewDeadline": "2s", "leaseRetry": "300ms",
            "writeTimeout": "800ms", "queryTimeout": "5s", "reload": "500ms", "permissions": "10s",
        },
        "hpaController": {
            "downscaleStabilisation": "20s", "syncPeriod": "1s", "cpuInitializationPeriod": "1s",
            "initialReadinessDelay": "1s",
        },
        "log": {"format": "json", "level": "info,floorcast=debug"},
    });
    merge(&mut settings, changes);
    settings
}

/// Puts `changes` over `tree`, key by key; anything but an object replaces what was there.
pub fn merge(tree: &mut Value, changes: &Value) {
    match (tree, changes) {
        (Value::Object(tree), Value::Object(changes)) => {
            for (key, change) in changes {
                merge(tree.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
        (tree, change) => *tree = change.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn changes_win_key_by_key() {
        let settings = fast_settings("http://p", &json!({"timing": {"tick": "1s"}, "budgets": {"cluster": 5}}));
        assert_eq!(settings["timing"]["tick"], "1s");
        assert_eq!(settings["timing"]["leaseRetry"], "300ms");
        assert_eq!(settings["budgets"]["cluster"], 5);
    }

    #[test]
    fn a_metric_is_found_by_its_whole_name() {
        let page = "# HELP a_b x\na_b_c 3\na_b 2\na{x=\"y\"} 1e3\n";
        assert_eq!(value_of(page, "a_b"), Some(2.0));
        assert_eq!(value_of(page, "a{x=\"y\"}"), Some(1000.0));
        assert_eq!(value_of(page, "a"), None);
    }
}
