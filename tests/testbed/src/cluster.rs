//! etcd, kube-apiserver, kube-controller-manager and kwok as plain processes on loopback.

mod audit;
mod components;
mod kubeconfig;
mod options;
mod plugin;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use tokio::sync::{Semaphore, SemaphorePermit};

pub use audit::{Object, Request, Status, User};
pub use components::Component;
pub use options::{AUDIT_POLICY, HpaTiming, Options};
pub use plugin::{Called, Plugin};

use crate::certs::Certificates;
use crate::metrics_api::MetricsApi;
use crate::ports::Port;
use crate::process::{Folder, Process};
use crate::tools::Module;
use crate::{Error, wait};

/// The node on which every pod runs; pods name it themselves, as there is no scheduler.
pub const NODE: &str = "fake-0";

/// How long a component may take to become ready. It takes 3 s on an idle machine with two cores; the rest is for busy ones.
const READY: Duration = Duration::from_secs(90);

/// At most two clusters run at a time in one process: each takes half a gigabyte, and a core while it starts. Test
/// runners with many threads wait here; a test that wants three clusters at once would wait for ever.
static PLACES: Semaphore = Semaphore::const_new(2);

/// A running control plane. Ends with its value; usable from several threads and runtimes.
pub struct Cluster {
    // Dropped from top to bottom: processes, then the ports, then the folder with the watchdog.
    processes: Mutex<BTreeMap<Component, Process>>,
    metrics: MetricsApi,
    ports: Ports,
    admin: PathBuf,
    kubectl: PathBuf,
    certificates: Certificates,
    took: Duration,
    folder: Arc<Folder>,
    _place: SemaphorePermit<'static>,
}

struct Ports {
    etcd: Port,
    peer: Port,
    api: Port,
    manager: Port,
    kwok: Port,
    pods: Port,
}

impl Cluster {
    /// Builds what is not built yet, starts everything and waits until a pod could run.
    pub async fn start(options: Options) -> Result<Self, Error> {
        crate::install_crypto();
        let (etcd, kubernetes, kwok) =
            (Module::Etcd.built().await?, Module::Kubernetes.built().await?, Module::Kwok.built().await?);
        let Ok(place) = PLACES.acquire().await else {
            return Err(Error::Unexpected("the semaphore of clusters was closed".into()));
        };
        let begun = Instant::now();
        let folder = Folder::new("cluster")?;
        let certificates = Certificates::create(&folder)?;
        let ports = Ports {
            etcd: Port::claim()?,
            peer: Port::claim()?,
            api: Port::claim()?,
            manager: Port::claim()?,
            kwok: Port::claim()?,
            pods: Port::claim()?,
        };
        let admin = admin_kubeconfig(&folder, &ports, "admin")?;
        let metrics = MetricsApi::start(&certificates.server, &admin)?;
        let kubectl = kubernetes.join("kubectl");
        let mut cluster = Self {
            processes: Mutex::default(),
            metrics,
            ports,
            admin,
            kubectl,
            certificates,
            took: Duration::ZERO,
            folder,
            _place: place,
        };
        let programs = components::Programs { etcd, kubernetes, kwok };
        cluster.start_all(&programs, &options).await?;
        cluster.took = begun.elapsed();
        Ok(cluster)
    }

    async fn start_all(&self, programs: &components::Programs, options: &Options) -> Result<(), Error> {
        self.spawn(Component::Etcd, components::etcd(programs, &self.ports))?;
        self.wait_ready(Component::Etcd).await?;
        let policy = self.folder.write("audit-policy.yaml", &options.audit_policy)?;
        self.spawn(
            Component::ApiServer,
            components::api_server(programs, &self.ports, &self.folder, &policy).args(options.gates()),
        )?;
        self.wait_ready(Component::ApiServer).await?;
        // Two users, so that the audit log tells the controllers from the tests.
        let pair = self.certificates.client("kube-controller-manager", Some("system:masters"))?;
        self.folder.write("manager.crt", &pair.certificate)?;
        self.folder.write("manager.key", &pair.key)?;
        let manager = admin_kubeconfig(&self.folder, &self.ports, "manager")?;
        let launch = components::controller_manager(programs, &self.ports, &self.folder, &manager, &options.hpa)
            .args(options.gates());
        self.spawn(Component::ControllerManager, launch)?;
        let stages = components::stages(&programs.kwok, &self.folder, options.pod_start, self.ports.pods.number())?;
        self.spawn(Component::Kwok, components::kwok(programs, &self.ports, &self.folder, &manager, &stages))?;
        self.create_node().await?;
        self.metrics.register(self.client().await?).await?;
        self.wait_ready(Component::ControllerManager).await?;
        self.wait_node().await
    }

    fn spawn(&self, component: Component, launch: crate::process::Launch) -> Result<(), Error> {
        let process = Process::start(&self.folder, component.as_str(), launch)?;
        self.processes().insert(component, process);
        Ok(())
    }

    fn processes(&self) -> MutexGuard<'_, BTreeMap<Component, Process>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn create_node(&self) -> Result<(), Error> {
        let node: Node = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": NODE, "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {"kubernetes.io/hostname": NODE}},
            "status": {
                "allocatable": {"cpu": "1000", "memory": "1Ti", "pods": "10000"},
                "capacity": {"cpu": "1000", "memory": "1Ti", "pods": "10000"},
            },
        }))?;
        Api::<Node>::all(self.client().await?).create(&PostParams::default(), &node).await?;
        Ok(())
    }

    async fn wait_node(&self) -> Result<(), Error> {
        let nodes: Api<Node> = Api::all(self.client().await?);
        wait::until("the node to be Ready", READY, || async {
            self.check(Component::Kwok).map_err(|e| e.to_string())?;
            let node = nodes.get(NODE).await.map_err(|e| e.to_string())?;
            let conditions = node.status.and_then(|s| s.conditions).unwrap_or_default();
            let ready = conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True");
            if ready { Ok(()) } else { Err(format!("{} conditions, none of them Ready", conditions.len())) }
        })
        .await
    }

    /// Waits until the component answers as ready.
    async fn wait_ready(&self, component: Component) -> Result<(), Error> {
        let client = match component {
            Component::ApiServer => Some(self.client().await?),
            _ => None,
        };
        wait::until(&format!("{component} to be ready"), READY, || async {
            self.check(component).map_err(|e| e.to_string())?;
            match (&client, component) {
                (Some(client), _) => components::api_ready(client).await,
                (None, Component::ControllerManager) => components::answers(self.ports.manager.number()).await,
                (None, Component::Kwok) => components::answers(self.ports.kwok.number()).await,
                (None, _) => components::answers(self.ports.etcd.number()).await,
            }
        })
        .await
    }

    fn check(&self, component: Component) -> Result<(), Error> {
        self.processes().get_mut(&component).map_or(Ok(()), Process::check)
    }

    /// How long the start took, without building.
    pub fn start_took(&self) -> Duration {
        self.took
    }

    /// The folder with every file and log.
    pub fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// Address of the API server.
    pub fn url(&self) -> String {
        api_url(&self.ports)
    }

    /// The fake metrics API that this cluster's HPA controller asks.
    pub fn metrics(&self) -> &MetricsApi {
        &self.metrics
    }

    /// The loopback port to which the API server forwards every port of every pod: whoever listens there is the pod.
    pub fn pod_port(&self) -> u16 {
        self.ports.pods.number()
    }

    /// The cluster's certificate authority.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// Kubeconfig of the administrator.
    pub fn kubeconfig(&self) -> &Path {
        &self.admin
    }

    /// Kubeconfig of a service account, with a token from the `TokenRequest` API: exactly what its Role allows.
    pub async fn service_account_kubeconfig(&self, namespace: &str, account: &str) -> Result<PathBuf, Error> {
        let token = kubeconfig::token(self.client().await?, namespace, account).await?;
        let ca = self.folder.join("ca.crt").display().to_string();
        let text = kubeconfig::text(&self.url(), &ca, &json!({"token": token}));
        self.folder.write(&format!("{namespace}-{account}.kubeconfig"), text)
    }

    /// A client of the administrator. Belongs to the calling runtime; make one per test.
    pub async fn client(&self) -> Result<Client, Error> {
        client_of(&self.admin).await
    }

    /// Creates a namespace.
    pub async fn create_namespace(&self, name: &str) -> Result<(), Error> {
        let namespace: Namespace =
            serde_json::from_value(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))?;
        Api::<Namespace>::all(self.client().await?).create(&PostParams::default(), &namespace).await?;
        Ok(())
    }

    /// The built kubectl.
    pub fn kubectl_program(&self) -> &Path {
        &self.kubectl
    }

    /// Runs the real kubectl as administrator; returns its standard output.
    pub async fn kubectl<S: AsRef<str>>(&self, args: &[S]) -> Result<String, Error> {
        self.kubectl_with(&self.admin, args, None).await
    }

    /// Runs the real kubectl with another kubeconfig, and a manifest on its standard input (`-f -`).
    pub async fn kubectl_with<S: AsRef<str>>(
        &self,
        kubeconfig: &Path,
        args: &[S],
        input: Option<&str>,
    ) -> Result<String, Error> {
        let cache = self.folder.join("kubectl-cache");
        let mut command = tokio::process::Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(kubeconfig).arg("--cache-dir").arg(cache).args(args.iter().map(AsRef::as_ref));
        crate::command::run(command, input).await
    }

    /// All requests in the audit log so far.
    pub fn audit(&self) -> Result<Vec<Request>, Error> {
        audit::read(&self.folder.join("audit.log"))
    }

    /// Kills a component as a crash would (`kill -9`).
    pub fn kill(&self, component: Component) {
        if let Some(process) = self.processes().get_mut(&component) {
            process.kill();
        }
    }

    /// Starts a killed component again, on the same port with the same data, and waits until it is ready.
    pub async fn restart(&self, component: Component) -> Result<(), Error> {
        if let Some(process) = self.processes().get_mut(&component) {
            process.restart()?;
        }
        self.wait_ready(component).await
    }

    /// Sends a signal to a component, such as STOP and CONT.
    pub fn signal(&self, component: Component, signal: rustix::process::Signal) {
        if let Some(process) = self.processes().get(&component) {
            process.signal(signal);
        }
    }

    /// The last lines of every component's log, for messages of failed tests.
    pub fn tails(&self, lines: usize) -> String {
        let part = |(component, process): (&Component, &Process)| {
            format!("--- {component} ({}) ---\n{}\n", process.log().display(), process.tail(lines))
        };
        self.processes().iter().map(part).collect()
    }
}

/// A client for a kubeconfig file, without kube's own retries: a test wants to see the answer.
pub async fn client_of(kubeconfig: &Path) -> Result<Client, Error> {
    crate::install_crypto();
    let mut config =
        Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &KubeConfigOptions::default()).await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

fn api_url(ports: &Ports) -> String {
    format!("https://127.0.0.1:{}", ports.api.number())
}

fn admin_kubeconfig(folder: &Folder, ports: &Ports, name: &str) -> Result<PathBuf, Error> {
    let file = |end: &str| folder.join(&format!("{name}.{end}")).display().to_string();
    let user = json!({"client-certificate": file("crt"), "client-key": file("key")});
    let ca = folder.join("ca.crt").display().to_string();
    folder.write(&format!("{name}.kubeconfig"), kubeconfig::text(&api_url(ports), &ca, &user))
}
