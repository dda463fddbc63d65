//! The command line of each component, and how each says that it is ready.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::options::HpaTiming;
use super::{Ports, api_url};
use crate::Error;
use crate::process::{Folder, Launch};
use crate::wait::Look;
use kube::Client;

/// A part of the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    // In the order in which they are ended: nobody complains about a server that is gone.
    /// kwok: makes pods and the node Ready.
    Kwok,
    /// kube-controller-manager, with the real HPA controller.
    ControllerManager,
    /// kube-apiserver.
    ApiServer,
    /// etcd.
    Etcd,
}

impl Component {
    /// Its name, also that of its log file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kwok => "kwok",
            Self::ControllerManager => "kube-controller-manager",
            Self::ApiServer => "kube-apiserver",
            Self::Etcd => "etcd",
        }
    }
}

impl std::fmt::Display for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Folders with the built programs.
pub(super) struct Programs {
    pub(super) etcd: PathBuf,
    pub(super) kubernetes: PathBuf,
    pub(super) kwok: PathBuf,
}

pub(super) fn etcd(programs: &Programs, ports: &Ports) -> Launch {
    let client = format!("http://127.0.0.1:{}", ports.etcd.number());
    let peer = format!("http://127.0.0.1:{}", ports.peer.number());
    Launch::new(programs.etcd.join("etcd")).args([
        "--data-dir=etcd".to_owned(),
        "--name=node0".to_owned(),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=node0={peer}"),
        // The data of a test need not outlive a power cut.
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ])
}

pub(super) fn api_server(programs: &Programs, ports: &Ports, folder: &Folder, policy: &Path) -> Launch {
    let file = |name: &str| folder.join(name);
    Launch::new(programs.kubernetes.join("kube-apiserver"))
        .args([
            format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd.number()),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", ports.api.number()),
            "--advertise-address=127.0.0.1".to_owned(),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--allow-privileged=true".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--service-account-issuer={}/", api_url(ports)),
            "--requestheader-allowed-names=admin".to_owned(),
            "--requestheader-username-headers=X-Remote-User".to_owned(),
            "--requestheader-group-headers=X-Remote-Group".to_owned(),
            "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
            // Written before the answer goes out: a test that saw the answer finds the record.
            "--audit-log-mode=blocking".to_owned(),
        ])
        .path("cert-dir", &file("apiserver"))
        .path("tls-cert-file", &file("server.crt"))
        .path("tls-private-key-file", &file("server.key"))
        .path("client-ca-file", &file("ca.crt"))
        .path("service-account-key-file", &file("sa.pub"))
        .path("service-account-signing-key-file", &file("sa.key"))
        .path("proxy-client-cert-file", &file("admin.crt"))
        .path("proxy-client-key-file", &file("admin.key"))
        .path("requestheader-client-ca-file", &file("ca.crt"))
        .path("audit-policy-file", policy)
        .path("audit-log-path", &file("audit.log"))
}

pub(super) fn controller_manager(
    programs: &Programs,
    ports: &Ports,
    folder: &Folder,
    kubeconfig: &Path,
    hpa: &HpaTiming,
) -> Launch {
    const CONTROLLERS: &str = "deployment-controller,replicaset-controller,statefulset-controller,\
                               horizontal-pod-autoscaler-controller,namespace-controller,garbage-collector-controller";
    Launch::new(programs.kubernetes.join("kube-controller-manager"))
        .path("kubeconfig", kubeconfig)
        .args([
            "--leader-elect=false".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", ports.manager.number()),
            "--authorization-always-allow-paths=/healthz,/readyz,/livez,/metrics".to_owned(),
            format!("--controllers={CONTROLLERS}"),
            "--kube-api-qps=500".to_owned(),
            "--kube-api-burst=1000".to_owned(),
        ])
        .args(hpa.flags())
        .path("service-account-private-key-file", &folder.join("sa.key"))
        .path("root-ca-file", &folder.join("ca.crt"))
        .path("cert-dir", &folder.join("manager"))
}

pub(super) fn kwok(programs: &Programs, ports: &Ports, folder: &Folder, kubeconfig: &Path, stages: &Path) -> Launch {
    let port = ports.kwok.number();
    Launch::new(programs.kwok.join("kwok"))
        .path("kubeconfig", kubeconfig)
        .path("config", stages)
        .args([
            "--manage-all-nodes=true".to_owned(),
            "--node-ip=127.0.0.1".to_owned(),
            "--node-name=localhost".to_owned(),
            format!("--node-port={port}"),
            format!("--server-address=127.0.0.1:{port}"),
            "--node-lease-duration-seconds=40".to_owned(),
        ])
        .path("tls-cert-file", &folder.join("server.crt"))
        .path("tls-private-key-file", &folder.join("server.key"))
}

/// kwok's own stages, with a delay before a pod becomes Ready if one is wanted; a port-forward to any pod goes to `pods`.
pub(super) fn stages(kwok: &Path, folder: &Folder, pod_start: Duration, pods: u16) -> Result<PathBuf, Error> {
    let path = kwok.join("stages.yaml");
    let text = std::fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    let forwards = format!(
        "---\napiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterPortForward\nmetadata: {{name: pods}}\n\
         spec: {{forwards: [{{target: {{address: 127.0.0.1, port: {pods}}}}}]}}\n"
    );
    folder.write("stages.yaml", delay_pods(&text, pod_start)? + &forwards)
}

fn delay_pods(stages: &str, pod_start: Duration) -> Result<String, Error> {
    if pod_start.is_zero() {
        return Ok(stages.to_owned());
    }
    let (before, stage) = stages
        .split_once("name: pod-ready\n")
        .ok_or_else(|| Error::Unexpected("kwok's stages hold no stage pod-ready".into()))?;
    let delay = format!("\n  delay:\n    durationMilliseconds: {}\n  next:\n", pod_start.as_millis());
    Ok(format!("{before}name: pod-ready\n{}", stage.replacen("\n  next:\n", &delay, 1)))
}

/// `/readyz` of the API server.
pub(super) async fn api_ready(client: &Client) -> Look<()> {
    let request = http::Request::get("/readyz").body(Vec::new()).map_err(|e| e.to_string())?;
    client.request_text(request).await.map(|_| ()).map_err(|e| e.to_string())
}

/// Whether something listens on the port.
pub(super) async fn answers(port: u16) -> Look<()> {
    tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map(|_| ()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_stage_that_makes_pods_ready_is_delayed() {
        let stages = "metadata:\n  name: node-initialize\nspec:\n  next:\n    x\n---\nmetadata:\n  name: pod-ready\nspec:\n  a: b\n  next:\n    y\n---\nmetadata:\n  name: pod-delete\nspec:\n  next:\n    z\n";
        let slow = delay_pods(stages, Duration::from_secs(3)).unwrap();
        assert_eq!(slow.matches("durationMilliseconds: 3000").count(), 1);
        let (before, after) = slow.split_once("delay:").unwrap();
        assert!(before.contains("name: pod-ready") && after.contains("name: pod-delete"), "{slow}");
        assert_eq!(delay_pods(stages, Duration::ZERO).unwrap(), stages);
        assert!(delay_pods("nothing", Duration::from_secs(1)).is_err());
    }
}
