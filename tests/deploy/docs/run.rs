//! Commands of the documentation that are run: ours where they need no cluster; kubectl's and Helm's as far as they can tell
//! an unknown flag without one.

use super::{
    command::{Call, calls},
    place::{FILES, Place, place},
};
use crate::{chart::Helm, files};
use floorcast_testbed::tools::Module;
use std::{path::Path, process::Stdio, time::Duration};

/// Nine days of half hours with a day in them.
fn load() -> String {
    let row =
        |i: i64| format!("{},{}\n", 1_772_409_600 + i * 1_800, 100 + 80 * ((i % 48) - 24).abs() / 24 + i * 7919 % 11);
    (0..9 * 48).map(row).collect::<Vec<_>>().concat()
}

async fn said(program: &Path, arguments: &[String], folder: &Path) -> (bool, String) {
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).current_dir(folder).env("KUBECONFIG", "/nonexistent/kubeconfig").stdin(Stdio::null());
    let out = tokio::time::timeout(Duration::from_mins(3), command.kill_on_drop(true).output()).await;
    let out = out.unwrap_or_else(|_| panic!("{} {arguments:?} does not end", program.display())).unwrap();
    (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

#[tokio::test]
async fn what_needs_no_cluster_does_what_the_page_says() {
    let folder = tempfile::tempdir().unwrap();
    let [recording, config] = FILES.map(|name| folder.path().join(name));
    std::fs::write(recording, load()).unwrap();
    std::fs::copy(files::path("deploy/config/floorcast.yaml"), config).unwrap();
    std::os::unix::fs::symlink(files::path("deploy"), folder.path().join("deploy")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_floorcast"));
    let alone: Vec<Call> = calls().into_iter().filter(|call| place(call) == Some(Place::Alone)).collect();
    assert!(alone.len() > 10, "{} commands need no cluster", alone.len());
    let mut replayed = false;
    for call in &alone {
        let mut arguments = call.ours().unwrap().to_vec();
        // A simulated day is as good as three, and once as good as twice.
        if arguments[0] == "demo" {
            if std::mem::replace(&mut replayed, true) {
                continue;
            }
            arguments.extend(["--days".to_owned(), "1".to_owned()]);
        }
        let (done, said) = said(program, &arguments, folder.path()).await;
        assert!(done, "{}\n{said}", call.said());
    }
    assert!(replayed, "the README begins with the demo");
}

/// Without a cluster they fail; with a flag or a verb that they do not know they say so first.
#[tokio::test]
async fn kubectl_and_helm_know_every_verb_and_flag() {
    if floorcast_testbed::left_out() {
        return;
    }
    let helm = Helm::built().await;
    let kubectl = Module::Kubernetes.built().await.unwrap().join("kubectl");
    let root = files::path("");
    for call in calls().into_iter().filter(|call| call.ours().is_none()) {
        let words: Vec<String> = call.words.iter().map(|word| word.replace('…', "x")).collect();
        let said = match words[0].as_str() {
            "kubectl" if call.after("-k").is_some() => {
                let folder = call.after("-k").unwrap().to_owned();
                let (done, said) = said(&kubectl, &["kustomize".to_owned(), folder], &root).await;
                assert!(done, "{}\n{said}", call.said());
                continue;
            }
            "kubectl" => said(&kubectl, &words[1..], &root).await.1,
            "helm" if words[1] == "install" => {
                rendered(&helm, &call, &words).await;
                continue;
            }
            "helm" => {
                helm.run(None, &words[1..].iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap_or_else(|e| e)
            }
            _ => continue,
        };
        let unknown =
            said.contains("unknown flag") || said.contains("unknown shorthand") || said.contains("unknown command");
        assert!(!unknown, "{}\n{said}", call.said());
    }
}

/// What would be installed can be rendered.
async fn rendered(helm: &Helm, call: &Call, words: &[String]) {
    let root = files::path("");
    let absolute =
        |word: &String| if word.starts_with("deploy/") { root.join(word).display().to_string() } else { word.clone() };
    let args: Vec<String> = std::iter::once("template".to_owned()).chain(words[2..].iter().map(absolute)).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    helm.run(None, &args).await.unwrap_or_else(|why| panic!("{}\n{why}", call.said()));
}
