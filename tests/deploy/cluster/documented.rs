//! The commands of the documentation, run one after the other in the order of its pages, against the installed release.

use super::{SECOND, Stage, kubelet};
use crate::docs::command::{Call, calls};
use crate::docs::place::{Place, place};
use floorcast::annotations::Key;
use floorcast_testbed::daemon::Daemon;
use floorcast_testbed::workload::{Shape, Workload};
use floorcast_testbed::{command, wait};
use serde_json::json;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Instant;
use tokio::io::AsyncReadExt as _;

/// The cluster as the reader sees it: his rights, his folder, the daemon where the tunnel would lead.
struct Reader<'a> {
    stage: &'a Stage,
    folder: PathBuf,
    server: String,
}

impl Reader<'_> {
    /// A call of ours as it is typed, with the server's address where a tunnel through a pod would be dug.
    fn arguments(&self, ours: &[String]) -> Vec<String> {
        let mut arguments = ours.to_vec();
        let asks = ["status", "plan", "explain"].contains(&ours[0].as_str()) && !ours.contains(&"--at".to_owned());
        match arguments.iter().position(|word| word == "--server") {
            Some(flag) => arguments[flag + 1].clone_from(&self.server),
            None if asks => arguments.extend(["--server".to_owned(), self.server.clone()]),
            None => {}
        }
        // With equal service a backtest takes a minute of a test's build.
        if ours[0] == "backtest" && !ours.contains(&"--patch".to_owned()) {
            arguments.push("--no-equal-service".to_owned());
        }
        arguments
    }

    /// kubectl's arguments; what would take the release away is tried on the server only.
    fn kubectl(words: &[String]) -> Vec<String> {
        let mut arguments = words.to_vec();
        if arguments.iter().any(|word| word == "delete") {
            arguments.extend(["--dry-run=server", "--ignore-not-found"].map(str::to_owned));
        }
        arguments
    }

    fn command(&self, call: &Call) -> tokio::process::Command {
        let (program, arguments) = match call.ours() {
            Some(ours) => (kubelet::program().to_owned(), self.arguments(ours)),
            None => (self.stage.bed.kubectl_program().to_owned(), Self::kubectl(&call.words[1..])),
        };
        let mut typed = tokio::process::Command::new(&program);
        typed.args(&arguments).current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        typed.env("KUBECONFIG", self.stage.bed.kubeconfig());
        typed
    }

    async fn types(&self, call: &Call) -> Result<(), String> {
        if call.words.iter().any(|word| ["-w", "--watch"].contains(&word.as_str())) {
            return watches(self.command(call)).await;
        }
        let out = tokio::time::timeout(120 * SECOND, self.command(call).output()).await;
        let out = out.map_err(|_| "it does not end".to_owned())?.map_err(|e| e.to_string())?;
        ended_well(call, &out)?;
        if let Some(file) = &call.into {
            std::fs::write(self.folder.join(file), &out.stdout).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// An opt-in is seen within seconds: what is asked of the daemon is asked again.
    async fn asks(&self, call: &Call) -> Result<(), String> {
        let what = call.said();
        let result = wait::until(&what, 20 * SECOND, || async {
            let done = self.types(call).await;
            assert!(done.as_ref().err().is_none_or(|why| why.contains("knows no HPA")), "{what}: {done:?}");
            done
        });
        result.await.map_err(|e| e.to_string())
    }

    /// Every page begins with workloads that were opted in by the program, and with nothing else said.
    async fn begins_a_page(&self) {
        let keys = Key::ALL.map(|key| format!("{}-", key.annotation()));
        let mut annotate = vec!["-n", "shop", "annotate", "hpa", "web", "checkout"];
        annotate.extend(keys.iter().map(String::as_str));
        self.stage.bed.kubectl(&annotate).await.unwrap();
        for name in ["web", "checkout"] {
            let mut enable = tokio::process::Command::new(kubelet::program());
            enable.args(["enable", name, "-n", "shop"]).env("KUBECONFIG", self.stage.bed.kubeconfig());
            command::run(enable, None).await.unwrap();
        }
    }
}

/// Success, or what a command tells by ending with 1.
fn ended_well(call: &Call, out: &Output) -> Result<(), String> {
    let said = [out.stdout.as_slice(), &out.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    // These end with 1 where there is something to mend, nothing to release, and no patch worth making.
    let told = match call.ours().map(|ours| ours[0].as_str()) {
        Some("doctor") => said.contains(" failed"),
        Some("release") => said.contains("no floor is held"),
        Some("backtest") => said.contains("Nothing is recommended:") || said.contains("Nothing to change:"),
        _ => false,
    };
    if out.status.success() || (out.status.code() == Some(1) && told) {
        return Ok(());
    }
    Err(format!("{}: {said}", out.status))
}

/// What does not end tells what there is now, and goes on.
async fn watches(mut command: tokio::process::Command) -> Result<(), String> {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
    let mut first = [0; 1_024];
    let mut told = child.stdout.take().ok_or("it has no output")?;
    let read = tokio::time::timeout(20 * SECOND, told.read(&mut first)).await;
    let read = read.map_err(|_| "it tells nothing".to_owned())?.map_err(|e| e.to_string())?;
    tokio::time::sleep(SECOND).await;
    match child.try_wait().map_err(|e| e.to_string())? {
        None if read > 0 => child.kill().await.map_err(|e| e.to_string()),
        ended => Err(format!("it ended: {ended:?}: {}", String::from_utf8_lossy(&first[..read]))),
    }
}

fn folder(stage: &Stage) -> PathBuf {
    let folder = stage.bed.folder().path().join("reader");
    std::fs::create_dir_all(&folder).unwrap();
    let config = json!({"datasources": [{"name": "main", "url": stage.prometheus.url()}]});
    std::fs::write(folder.join("floorcast.yaml"), config.to_string()).unwrap();
    std::os::unix::fs::symlink(crate::files::path("deploy"), folder.join("deploy")).unwrap();
    folder
}

pub(super) async fn commands_do_what_the_pages_say(stage: &Stage, daemon: &Daemon) {
    let reader = Reader { stage, folder: folder(stage), server: daemon.api() };
    // The pages speak of two workloads in one namespace; both have a past.
    let client = stage.bed.client().await.unwrap();
    Workload::create(client, "shop", "checkout", &Shape::default()).await.unwrap();
    let here: Vec<Call> = calls().into_iter().filter(|call| place(call) == Some(Place::Cluster)).collect();
    let (mut failed, mut page) = (Vec::new(), String::new());
    for call in &here {
        let on = call.at.split(':').next().unwrap_or_default();
        if page != on {
            reader.begins_a_page().await;
            on.clone_into(&mut page);
        }
        let asks = call.ours().is_some_and(|ours| ["plan", "explain"].contains(&ours[0].as_str()));
        let begun = Instant::now();
        let done = if asks { reader.asks(call).await } else { reader.types(call).await };
        println!("{:.1} s: {}", begun.elapsed().as_secs_f64(), call.said());
        failed.extend(done.err().map(|why| format!("{}\n  {why}", call.said())));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    println!("{} commands of the documentation were run", here.len());
    assert!(here.len() > 80, "{}", here.len());
}
