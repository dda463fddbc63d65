//! `up --with-daemon --peak-in 7`, as the tutorial types it: it says where its daemon answers, what answers there is a forecast, and
//! all of it ends with the process.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use floorcast_testbed::{command, left_out, wait};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Control plane and Prometheus take about ten seconds; the machine may be full, and what is missing is built first.
const STARTS: Duration = Duration::from_mins(15);
/// The first forecast takes a few seconds more.
const LEARNS: Duration = Duration::from_mins(2);

/// What it prints, line by line.
struct Up {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
}

impl Up {
    fn start() -> Self {
        let mut up = Command::new(env!("CARGO_BIN_EXE_floorcast-testbed"));
        up.args(["up", "--with-daemon", "--peak-in", "7"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = up.kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, said: String::new() }
    }

    /// Reads until a line has this; returns what stands behind it, up to a blank or a bracket.
    async fn until(&mut self, mark: &str) -> String {
        let found = tokio::time::timeout(STARTS, async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.said += &format!("{line}\n");
                if let Some((_, rest)) = line.split_once(mark) {
                    return rest.split([' ', ')']).next().unwrap_or_default().to_owned();
                }
            }
            panic!("it ended without {mark:?}:\n{}", self.said)
        });
        found.await.unwrap_or_else(|_| panic!("{mark:?} never came"))
    }
}

/// The daemon's program, which `cargo build` and the whole test command make beside ours.
fn floorcast() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_floorcast-testbed")).with_file_name("floorcast");
    assert!(program.exists(), "there is no {}: run cargo build", program.display());
    program
}

async fn asks(question: &str, server: &str) -> Result<String, String> {
    let mut command = Command::new(floorcast());
    command.args(question.split(' ')).args(["--server", server]);
    command::run(command, None).await.map_err(|e| e.to_string())
}

#[tokio::test]
async fn the_tutorial_comes_up_and_answers_and_ends() {
    if left_out() {
        return;
    }
    floorcast();
    let mut up = Up::start();
    let server = up.until("(commands: --server ").await;
    assert!(server.starts_with("http://127.0.0.1:"), "{server}");
    let told = wait::until("a forecast", LEARNS, || async {
        let told = asks("plan shop/web", &server).await?;
        // 0.76 cores at 50 % of 100m are 16 replicas (15.2); the HPA's tolerance spares one of them.
        if told.contains("peak 15 ") || told.contains("peak 16 ") { Ok(told) } else { Err(told) }
    });
    let told = told.await.unwrap_or_else(|e| panic!("{e}\n{}", up.said));
    println!("{told}");
    let status = asks("status", &server).await.unwrap();
    assert!(status.contains("shop") && status.contains("live"), "{status}");
    assert!(asks("explain shop/web", &server).await.unwrap().contains("container_cpu_usage_seconds_total"));
    up.until("load needs").await;

    let process = rustix::process::Pid::from_raw(i32::try_from(up.child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), up.child.wait()).await.expect("Ctrl-C ends it").unwrap();
    assert!(ended.success(), "{ended}");
    up.until("Stopping.").await;
    let after = asks("status", &server).await.unwrap_err();
    assert!(after.contains(&server), "nobody answers there any more: {after}");
}
