//! Scenario 11: people ask the daemon through the API server, watch it, and pause and resume a workload that it holds.
//!
//! `kubectl floorcast` finds the leader's pod by the Lease and asks it through a port-forward. The pod is one of kwok's, which
//! serves as its kubelet; what the real API server forwards to the pod reaches the daemon's own process.

use floorcast_testbed::cluster::Plugin;
use floorcast_testbed::wait;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};

use crate::system::ground::{SECOND, live, program};
use crate::system::shared::{Shared, ShowLog, shared};

/// A person with the real kubectl and the plugin on his PATH.
struct Person(Plugin);

impl Person {
    /// What `kubectl floorcast …` prints when it is done.
    async fn does(&self, arguments: &str) -> String {
        let called = self.0.call(arguments).await.unwrap();
        assert_eq!(called.code, 0, "{arguments}: {}", called.said());
        called.out
    }

    /// What it says when it is not.
    async fn fails(&self, arguments: &str) -> String {
        let called = self.0.call(arguments).await.unwrap();
        assert_ne!(called.code, 0, "{arguments}: {}", called.said());
        called.err
    }

    /// The workload's floor and reasons, as `explain` tells them.
    async fn explained(&self, namespace: &str) -> Value {
        let said = self.does(&format!("explain web -n {namespace} -o json")).await;
        serde_json::from_str(&said).unwrap_or_else(|why| panic!("{why}: {said}"))
    }
}

/// `status -w`, left running. Ends with its value.
struct Watched {
    lines: Lines<BufReader<tokio::process::ChildStdout>>,
    child: tokio::process::Child,
}

impl Watched {
    fn start(shared: &Shared, namespace: &str) -> Self {
        let mut command = tokio::process::Command::new(program());
        command.args(["status", "-w", "--no-headers", "-n", namespace, "--server", &shared.daemon.api()]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        Self { lines: BufReader::new(child.stdout.take().unwrap()).lines(), child }
    }

    /// The next row, as its cells.
    async fn row(&mut self) -> Vec<String> {
        let line = tokio::time::timeout(120 * SECOND, self.lines.next_line()).await;
        let line = line.expect("no row for two minutes").unwrap().expect("it ended");
        line.split_whitespace().map(str::to_owned).collect()
    }
}

/// The daemon's pod, on the fake node, under the name that the daemon was given.
async fn create_pod(shared: &Shared) {
    let pod: Pod = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "floorcast", "namespace": "floorcast"},
        "spec": {
            "nodeName": floorcast_testbed::cluster::NODE, "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "floorcast", "image": "floorcast", "ports": [{"containerPort": 8081}],
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    }))
    .unwrap();
    let pods: Api<Pod> = Api::namespaced(shared.ground.cluster.client().await.unwrap(), "floorcast");
    pods.create(&PostParams::default(), &pod).await.unwrap();
    wait::until("the daemon's pod to run", 60 * SECOND, || async {
        let pod = pods.get("floorcast").await.map_err(|e| e.to_string())?;
        match pod.status.and_then(|s| s.phase).as_deref() {
            Some("Running") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
}

/// Hands what reaches the pod to the daemon's API, for as long as this test runs.
async fn be_the_pod(shared: &Shared) {
    let listener = TcpListener::bind(("127.0.0.1", shared.ground.cluster.pod_port())).await.unwrap();
    let api = shared.daemon.api().replace("http://", "");
    tokio::spawn(async move {
        while let Ok((mut asked, _)) = listener.accept().await {
            let api = api.clone();
            tokio::spawn(async move {
                if let Ok(mut daemon) = TcpStream::connect(api).await {
                    let _ = tokio::io::copy_bidirectional(&mut asked, &mut daemon).await;
                }
            });
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_11_people_ask_the_leaders_pod_and_pause_a_workload() {
    let Some(shared) = shared().await else { return };
    let _log = ShowLog(shared, "paused".to_owned());
    let person = Person(shared.ground.cluster.plugin(program()).unwrap());
    let web = shared.ground.workload(shared.busy("paused"), &live()).await;

    // The Lease names a pod that is not there: said, with what else can be done.
    let said = person.fails("status -n paused").await;
    assert!(
        said.contains("no port-forward to the leader's pod floorcast/floorcast") && said.contains("--server"),
        "{said}"
    );

    create_pod(shared).await;
    be_the_pod(shared).await;
    let held = shared.wait_floor(&web, 7).await.unwrap();
    let said = person.does("status -n paused").await;
    assert!(said.contains("web") && said.contains("Holding"), "{said}");
    assert_eq!(person.explained("paused").await["floor"].as_u64(), crate::system::record::floor(&held).map(u64::from));
    let said = person.fails("explain nobody -n paused").await;
    assert!(said.contains("paused/nobody") && said.contains("there are web"), "{said}");
    let said = person.fails("plan wbe -n paused").await;
    assert!(said.contains("did you mean web?"), "{said}");

    // Forms for programs: names that kubectl takes back, templates, rows alone; the API server says who has the labels.
    let name = "horizontalpodautoscaler.autoscaling/web";
    shared.ground.cluster.kubectl(&["label", "-n", "paused", name, "app=web"]).await.unwrap();
    assert_eq!(person.does("status -n paused -l app=web -o name").await, format!("{name}\n"));
    assert_eq!(person.does("status -n paused -l app!=web -o name").await, "");
    shared.ground.cluster.kubectl(&["get", "-n", "paused", name]).await.unwrap();
    let said = person.does("status -n paused -o jsonpath={.workloads[*].hpa}={.workloads[*].mode}").await;
    assert_eq!(said, "web=live");
    let said = person.does("status -n paused -o wide --no-headers").await;
    let cells: Vec<&str> = said.split_whitespace().collect();
    assert_eq!((cells[..4].join(" ").as_str(), said.lines().count()), ("paused web live Holding", 1), "{said}");
    assert!(said.contains("Deployment/web"), "{said}");
    let said = person.fails("status -n paused -l app=,").await;
    assert!(said.contains("-l app=,: ") && said.contains("write for example"), "{said}");

    // Paused, its floor comes down by the ramp, and the daemon says why; resumed, it is raised again.
    // Who watches sees each step of the ramp as it comes, to the last.
    let mut watched = Watched::start(shared, "paused");
    let first = watched.row().await;
    assert_eq!((first[..3].join(" ").as_str(), first[4].as_str()), ("paused web live", "2"), "{first:?}");
    person.does("pause web -n paused --for 2h").await;
    while watched.row().await[5] != "-" {}
    assert!(watched.child.try_wait().unwrap().is_none(), "it goes on until Ctrl-C");
    drop(watched);
    web.wait_min_replicas(floorcast_testbed::workload::Shape::default().min, 180 * SECOND).await.unwrap();
    let told = person.explained("paused").await.to_string();
    assert!(told.contains("Released"), "{told}");
    person.does("resume web -n paused").await;
    shared.wait_floor(&web, 7).await.unwrap();
}
