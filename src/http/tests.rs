#![allow(clippy::unwrap_used)]
use super::*;
use crate::http::api::{Status, Workload, WorkloadList};
use std::collections::BTreeMap;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(super) struct Served {
    pub(super) open: SocketAddr,
    pub(super) api: SocketAddr,
    publish: watch::Sender<Arc<Snapshot>>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<io::Result<()>>,
}

pub(super) async fn served(snapshot: Snapshot) -> Served {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let listeners = bind(&config::Http { listen: free, api: free }).await.unwrap();
    let (open, api) = listeners.addresses().unwrap();
    let (publish, receive) = watch::channel(Arc::new(snapshot));
    let pulse = Arc::new(Pulse::new(chrono::Utc::now(), Duration::from_secs(15)));
    let sources = Sources { snapshot: receive, metrics: Arc::new(Metrics::new(10).unwrap()), pulse };
    let stop = CancellationToken::new();
    let task = tokio::spawn(listeners.serve(sources, stop.clone()));
    Served { open, api, publish, stop, task }
}

async fn get(address: SocketAddr, path: &str, host: &str) -> (u16, String) {
    let (status, _, body) = ask(address, "GET", path, host).await;
    (status, body)
}

/// Status, head in small letters, and body.
pub(super) async fn ask(address: SocketAddr, method: &str, path: &str, host: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    // A server that refuses early need not read to the end; what it answered counts.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

fn one_workload() -> Snapshot {
    let workload = Workload { namespace: "shop".into(), hpa: "web".into(), floor: Some(12), ..Workload::default() };
    Snapshot {
        status: Status { leader: true, ..Status::default() },
        workloads: BTreeMap::from([(workload.key(), Arc::new(workload))]),
        ..Snapshot::default()
    }
}

#[tokio::test]
async fn health_tells_what_is_wrong() {
    let it = served(Snapshot { unready: vec!["HPAs are not synced".into()], ..Snapshot::default() }).await;
    assert_eq!(get(it.open, "/livez", "x").await, (200, "ok\n".to_owned()));
    let (status, text) = get(it.open, "/readyz", "x").await;
    assert_eq!(
        (status, text.as_str()),
        (503, "[+]tick ok\n[+]clock ok\n[-]caches failed: HPAs are not synced\nfailed\n")
    );
    it.publish.send_replace(Arc::new(Snapshot::default()));
    assert_eq!(get(it.open, "/readyz", "x").await.0, 200);
    assert_eq!(get(it.open, "/healthz?verbose", "x").await.1, "[+]tick ok\n[+]clock ok\nok\n");
    assert!(get(it.open, "/metrics", "x").await.1.contains("floorcast_build_info{"));
}

#[tokio::test]
async fn the_api_gives_back_what_was_published() {
    let it = served(one_workload()).await;
    let (_, text) = get(it.api, "/api/v1/status", "localhost:8081").await;
    assert!(serde_json::from_str::<Status>(&text).unwrap().leader);
    let (_, text) = get(it.api, "/api/v1/workloads", "127.0.0.1").await;
    assert_eq!(serde_json::from_str::<WorkloadList>(&text).unwrap().workloads.len(), 1);
    let (_, text) = get(it.api, "/api/v1/workloads?namespace=other", "127.0.0.1").await;
    assert!(serde_json::from_str::<WorkloadList>(&text).unwrap().workloads.is_empty());
    let (_, text) = get(it.api, "/api/v1/workloads/shop/web", "[::1]:8081").await;
    assert_eq!(serde_json::from_str::<Workload>(&text).unwrap().floor, Some(12));
    assert_eq!(get(it.api, "/api/v1/workloads/shop/api", "localhost").await.0, 404);
}

#[tokio::test]
async fn a_rebound_name_reads_nothing() {
    let it = served(one_workload()).await;
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8081", ""] {
        assert_eq!(get(it.api, "/api/v1/workloads", host).await.0, 421, "{host}");
    }
    assert_eq!(get(it.open, "/api/v1/workloads", "localhost").await.0, 404, "the API is on its own address");
}

#[tokio::test]
async fn it_stops_when_told() {
    let it = served(Snapshot::default()).await;
    it.stop.cancel();
    it.task.await.unwrap().unwrap();
    assert!(TcpStream::connect(it.open).await.is_err());
}
