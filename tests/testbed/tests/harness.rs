//! The harness itself: what it starts is real and does what users' clusters do.
#![allow(clippy::unwrap_used)]

use floorcast_testbed::cluster::Options;
use floorcast_testbed::{Cluster, left_out};

#[tokio::test]
async fn a_cluster_starts() {
    if left_out() {
        return;
    }
    let cluster = Cluster::start(Options::default()).await.unwrap();
    println!("ready after {:?}", cluster.start_took());
    let nodes = cluster.kubectl(&["get", "nodes", "-o", "wide"]).await.unwrap();
    assert!(nodes.contains("fake-0") && nodes.contains("Ready"), "{nodes}");
}
