//! The in-memory API server against the real one: one script, two servers, the same answers.
//!
//! Without this the simulation would prove only itself.
#![allow(clippy::unwrap_used)]

#[path = "conformance/answers.rs"]
mod answers;
#[path = "conformance/script.rs"]
mod script;

use answers::Recorder;
use floorcast::simulated::api::Server;
use floorcast::simulated::clock::Clock;
use floorcast_testbed::cluster::{Cluster, Component, Options};

async fn play(client: kube::Client) -> Vec<String> {
    let mut recorder = Recorder::new(client);
    for step in script::steps() {
        recorder.play(&step).await;
    }
    recorder.finished()
}

#[tokio::test(start_paused = true)]
async fn the_script_runs_on_the_simulated_server_as_written_down() {
    let server = Server::new(Clock::starting_at(chrono::DateTime::UNIX_EPOCH), 1);
    let answers = play(server.client("admin", "default")).await;
    assert_eq!(answers.len(), script::steps().len());
    for (step, answer) in script::steps().iter().zip(&answers) {
        let code: u16 = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert_eq!(code, step.code, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_servers_answer_alike() {
    if floorcast_testbed::left_out() {
        return;
    }
    let real = Cluster::start(Options::default()).await.unwrap();
    // The controllers would write in between.
    real.kill(Component::ControllerManager);
    real.kill(Component::Kwok);
    let wanted = play(real.client().await.unwrap()).await;
    let server = Server::new(Clock::starting_at(chrono::Utc::now()), 1);
    let got = play(server.client("admin", "default")).await;
    let differences: Vec<String> = wanted
        .iter()
        .zip(&got)
        .filter(|(wanted, got)| wanted != got)
        .map(|(wanted, got)| format!("real:      {wanted}\nsimulated: {got}\n"))
        .collect();
    assert!(
        differences.is_empty(),
        "{} of {} answers differ:\n{}",
        differences.len(),
        wanted.len(),
        differences.join("\n")
    );
}
