//! A real Prometheus over a given history.

mod history;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

pub use history::{Series, write_open_metrics};

use crate::ports::Port;
use crate::process::{Folder, Launch, Process};
use crate::tools::Module;
use crate::{Error, wait};

/// How long Prometheus may take to become ready; it takes under a second on an idle machine.
const READY: Duration = Duration::from_mins(1);

/// The only user when a password is wanted, see [`Options::password`].
pub const USER: &str = "floorcast";
/// His password.
pub const PASSWORD: &str = "correct horse";
/// bcrypt of [`PASSWORD`] at the lowest cost, as web.config.file wants it.
const PASSWORD_HASH: &str = "$2a$04$7pWfxJM3duQi7KvM62CYnuMnbIrYmHK/Gz/nxUHQ0/.Q/PpTPl.ne";

/// What a Prometheus may differ in.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// What it knows at its start. Samples of the future are seen when their time has come, but while there are any,
    /// nothing can be scraped: Prometheus takes no sample older than its newest block.
    pub history: Vec<Series>,
    /// What it scrapes.
    pub scrape: Vec<Scrape>,
    /// Whether it asks for [`USER`] and [`PASSWORD`].
    pub password: bool,
}

/// A scraped endpoint.
#[derive(Debug, Clone)]
pub struct Scrape {
    /// Value of the label `job`.
    pub job: String,
    /// `host:port`.
    pub target: String,
    /// Path, such as `/metrics`.
    pub path: String,
    /// How often; whole seconds.
    pub every: Duration,
    /// Labels of the target win over those of the samples unless this is set.
    pub honor_labels: bool,
}

/// A running Prometheus. Ends with its value.
pub struct Prometheus {
    process: Mutex<Process>,
    port: Port,
    password: bool,
    took: Duration,
    folder: Arc<Folder>,
}

impl Prometheus {
    /// Builds it if needed, loads the history, starts it and waits until it is ready.
    pub async fn start(options: Options) -> Result<Self, Error> {
        crate::install_crypto();
        let programs = Module::Prometheus.built().await?;
        let begun = Instant::now();
        let folder = Folder::new("prometheus")?;
        let data = folder.join("data");
        std::fs::create_dir_all(&data).map_err(Error::file("create", &data))?;
        if !options.history.is_empty() {
            load(&programs.join("promtool"), &folder, options.history).await?;
        }
        let port = Port::claim()?;
        let process = Process::start(
            &folder,
            "prometheus",
            launch(&programs, &folder, &port, &options.scrape, options.password)?,
        )?;
        let mut prometheus =
            Self { process: Mutex::new(process), port, password: options.password, took: Duration::ZERO, folder };
        prometheus.wait_ready().await?;
        prometheus.took = begun.elapsed();
        Ok(prometheus)
    }

    async fn wait_ready(&self) -> Result<(), Error> {
        wait::until("Prometheus to be ready", READY, || async {
            self.lock().check().map_err(|e| e.to_string())?;
            let answer = self.get("/-/ready", &[]).await.map_err(|e| e.to_string())?;
            if answer.status().is_success() { Ok(()) } else { Err(answer.status().to_string()) }
        })
        .await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<reqwest::Response, Error> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.url()))
            .map_err(|e| Error::Unexpected(format!("{path} is no path of a URL: {e}")))?;
        url.query_pairs_mut().extend_pairs(query);
        let mut request = reqwest::Client::new().get(url).timeout(Duration::from_secs(20));
        if self.password {
            request = request.basic_auth(USER, Some(PASSWORD));
        }
        Ok(request.send().await?)
    }

    /// How long the start took, loading the history included, building not.
    pub fn start_took(&self) -> Duration {
        self.took
    }

    /// Its address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// The folder with its data and log.
    pub fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// Asks for an instant vector now: its values in the order of the answer.
    pub async fn query(&self, promql: &str) -> Result<Vec<f64>, Error> {
        let text = self.get("/api/v1/query", &[("query", promql)]).await?.text().await?;
        let body: Value = serde_json::from_str(&text)?;
        if body["status"] != "success" {
            return Err(Error::Unexpected(format!("`{promql}`: {text}")));
        }
        let result = body["data"]["result"].as_array().cloned().unwrap_or_default();
        Ok(result.iter().filter_map(|s| s["value"][1].as_str()?.parse().ok()).collect())
    }

    /// The values of a label over the series that match, as Grafana asks for the options of a variable.
    pub async fn label_values(&self, label: &str, matching: &str) -> Result<Vec<String>, Error> {
        let path = format!("/api/v1/label/{label}/values");
        let text = self.get(&path, &[("match[]", matching)]).await?.text().await?;
        let body: Value = serde_json::from_str(&text)?;
        if body["status"] != "success" {
            return Err(Error::Unexpected(format!("{label} of `{matching}`: {text}")));
        }
        Ok(serde_json::from_value(body["data"].clone())?)
    }

    /// Asks for a range: the series of the answer, each with `metric` and `values`, as the API gives them.
    pub async fn query_range(
        &self,
        promql: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        step: Duration,
    ) -> Result<Vec<Value>, Error> {
        let (from, to, step) = (from.timestamp().to_string(), to.timestamp().to_string(), step.as_secs().to_string());
        let query = [("query", promql), ("start", &from), ("end", &to), ("step", &step)];
        let text = self.get("/api/v1/query_range", &query).await?.text().await?;
        let body: Value = serde_json::from_str(&text)?;
        if body["status"] != "success" {
            return Err(Error::Unexpected(format!("`{promql}`: {text}")));
        }
        Ok(body["data"]["result"].as_array().cloned().unwrap_or_default())
    }

    /// Kills it as a crash would.
    pub fn kill(&self) {
        self.lock().kill();
    }

    /// Starts it again on the same port with the same data.
    pub async fn restart(&self) -> Result<(), Error> {
        self.lock().restart()?;
        self.wait_ready().await
    }

    /// Sends a signal, such as STOP (it hangs) and CONT.
    pub fn signal(&self, signal: rustix::process::Signal) {
        self.lock().signal(signal);
    }

    /// The last lines of its log.
    pub fn tail(&self, lines: usize) -> String {
        self.lock().tail(lines)
    }
}

fn launch(programs: &Path, folder: &Folder, port: &Port, scrape: &[Scrape], password: bool) -> Result<Launch, Error> {
    // JSON is YAML.
    let config =
        json!({"global": {"scrape_interval": "15s"}, "scrape_configs": scrape.iter().map(job).collect::<Vec<_>>()});
    let config = folder.write("prometheus.yml", config.to_string())?;
    let mut launch = Launch::new(programs.join("prometheus"))
        .path("config.file", &config)
        .path("storage.tsdb.path", &folder.join("data"))
        .arg("--storage.tsdb.retention.time=10y")
        .arg(format!("--web.listen-address=127.0.0.1:{}", port.number()))
        .arg("--web.enable-lifecycle")
        .arg("--log.level=warn");
    if password {
        let users = json!({"basic_auth_users": {USER: PASSWORD_HASH}});
        launch = launch.path("web.config.file", &folder.write("web.yml", users.to_string())?);
    }
    Ok(launch)
}

fn job(scrape: &Scrape) -> Value {
    let every = format!("{}s", scrape.every.as_secs().max(1));
    json!({
        "job_name": scrape.job, "metrics_path": scrape.path, "honor_labels": scrape.honor_labels,
        "scrape_interval": every, "scrape_timeout": every,
        "static_configs": [{"targets": [scrape.target]}],
    })
}

async fn load(promtool: &Path, folder: &Folder, history: Vec<Series>) -> Result<(), Error> {
    let path = folder.join("history.om");
    let written = path.clone();
    let write = tokio::task::spawn_blocking(move || write_open_metrics(&history, &written));
    write.await.map_err(|e| Error::Unexpected(format!("writing the history was cut short: {e}")))??;
    let mut command = tokio::process::Command::new(promtool);
    command
        .args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=336h", "--quiet"])
        .arg(&path)
        .arg(folder.join("data"));
    crate::command::run(command, None).await?;
    std::fs::remove_file(&path).map_err(Error::file("remove", &path))
}
