//! The commands of the documentation, run one after the other in the order of its pages, against the installed release.

use super::{SECOND, Stage, kubelet};
use crate::docs::command::{Call, calls};
use floorcast::annotations::Key;
use floorcast_testbed::daemon::Daemon;
use floorcast_testbed::workload::{Shape, Workload};
use floorcast_testbed::{command, wait};
use serde_json::json;
use std::path::PathBuf;
use std::process::Stdio;

/// Why a command is not run here.
fn left_out(call: &Call) -> Option<&'static str> {
    let line = call.words.join(" ");
    let any = |words: &[&str]| words.iter().any(|word| line.contains(word));
    match call.words[0].as_str() {
        _ if any(&["…", "NAMESPACE", "TRACE", "FILE", "$"]) => Some("it stands for many"),
        _ if any(&["--watch", " -w"]) => Some("it does not end"),
        "kubectl" if any(&["port-forward", "/proxy/", " logs ", " top ", " rollout "]) => {
            Some("the pods of this cluster run no program")
        }
        "kubectl" if any(&[" -k ", "krew "]) => {
            Some("it installs what is installed here by Helm; the manifests are applied by every scenario")
        }
        "kubectl" if call.ours().is_none() => None,
        "helm" => Some("the life of a release runs it"),
        _ if call.ours().is_none() => Some("it is another program's, and needs no cluster"),
        _ if call.words[0] == "cargo" => Some("it is the same as without cargo"),
        _ if any(&[" run ", " demo", "--csv", "config ", "completion ", " man ", "evaluate ", "--print"]) => {
            Some("it needs no cluster, and is run without one")
        }
        _ if any(&["kubeconfig"]) => Some("it names a file of the reader's"),
        _ => None,
    }
}

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

    async fn types(&self, call: &Call) -> Result<(), String> {
        let (program, arguments) = match call.ours() {
            Some(ours) => (kubelet::program().to_owned(), self.arguments(ours)),
            None => (self.stage.bed.kubectl_program().to_owned(), call.words[1..].to_vec()),
        };
        let mut typed = tokio::process::Command::new(&program);
        typed.args(&arguments).current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        typed.env("KUBECONFIG", self.stage.bed.kubeconfig());
        let out = tokio::time::timeout(120 * SECOND, typed.output()).await;
        let out = out.map_err(|_| "it does not end".to_owned())?.map_err(|e| e.to_string())?;
        let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        // These two end with 1 where there is something to mend, and nothing to release.
        let told = match call.ours().map(|ours| ours[0].as_str()) {
            Some("doctor") => said.contains(" failed"),
            Some("release") => said.contains("no floor is held"),
            _ => false,
        };
        if out.status.success() || (out.status.code() == Some(1) && told) {
            return Ok(());
        }
        Err(format!("{}: {said}", out.status))
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
    let (mut ran, mut failed, mut page) = (0, Vec::new(), String::new());
    for call in &calls() {
        if let Some(why) = left_out(call) {
            println!("not run: {}: {why}", call.said());
            continue;
        }
        ran += 1;
        let on = call.at.split(':').next().unwrap_or_default();
        if page != on {
            reader.begins_a_page().await;
            on.clone_into(&mut page);
        }
        let asks = call.ours().is_some_and(|ours| ["plan", "explain"].contains(&ours[0].as_str()));
        let done = if asks { reader.asks(call).await } else { reader.types(call).await };
        failed.extend(done.err().map(|why| format!("{}\n  {why}", call.said())));
    }
    println!("{ran} commands of the documentation were run");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(ran > 60, "{ran}");
}
