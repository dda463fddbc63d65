//! What lists have in common: which workloads, and in what form they go on.

use super::{Exit, Failure, Global, Output, output};
use crate::{http::api::Workload, kubernetes};
use clap::Args;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::{Api, api::ListParams};
use std::{collections::BTreeSet, future::Future, time::Duration};

/// Time between two looks of `--watch`: three in a tick of the daemon.
const EVERY: Duration = Duration::from_secs(5);
/// HPAs to a page.
const PAGE: u32 = 500;

/// Which workloads, and whether there are headings.
#[derive(Clone, Debug, Default, Args)]
pub struct Listing {
    /// Only HPAs with these labels, as kubectl takes them: app=web,tier!=test or 'env in (a,b)'
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub selector: Option<String>,
    /// Rows alone: no headings, nothing before or after them
    #[arg(long)]
    pub no_headers: bool,
}

/// The HPAs that a label selector means; without one, all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen(Option<BTreeSet<(String, String)>>);

impl Chosen {
    /// Whether it is one of them.
    pub fn has(&self, namespace: &str, hpa: &str) -> bool {
        self.0.as_ref().is_none_or(|all| all.contains(&(namespace.to_owned(), hpa.to_owned())))
    }
}

impl Listing {
    /// Asks the API server which HPAs have the labels: it decides, as for kubectl.
    ///
    /// # Errors
    /// It cannot be reached, forbids to list HPAs, or cannot read the selector.
    pub async fn chosen(&self, global: &Global) -> Result<Chosen, Failure> {
        let Some(selector) = &self.selector else { return Ok(Chosen(None)) };
        let unreachable = |why: String| {
            Failure::unreachable(format!("-l {selector} needs the API server, which knows the labels of HPAs: {why}"))
        };
        let clients = kubernetes::connect(&global.source()).await.map_err(|e| unreachable(e.to_string()))?;
        let api: Api<HorizontalPodAutoscaler> = match &global.namespace {
            Some(namespace) => Api::namespaced(clients.watch.clone(), namespace),
            None => Api::all(clients.watch.clone()),
        };
        let mut params = ListParams::default().labels(selector).limit(PAGE);
        let mut chosen = BTreeSet::new();
        loop {
            let page = api.list_metadata(&params).await.map_err(|e| match &e {
                kube::Error::Api(status) if status.code == 400 => {
                    let example = "write for example app=web,tier!=test";
                    Failure::misused(format!("-l {selector}: {}; {example}", kubernetes::chain(&e)))
                }
                kube::Error::Api(status) if status.code == 403 => Failure::new(
                    Exit::No,
                    format!("-l {selector} needs the verb list on horizontalpodautoscalers: {}", kubernetes::chain(&e)),
                ),
                _ => unreachable(kubernetes::chain(&e)),
            })?;
            chosen.extend(page.items.into_iter().filter_map(|h| Some((h.metadata.namespace?, h.metadata.name?))));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(Chosen(Some(chosen))),
            }
        }
    }
}

/// Goes on looking after the first answer.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Watch {
    /// Go on looking every 5 s and print what changed, until Ctrl-C; with -o json, yaml or jsonpath each workload by itself
    #[arg(short = 'w', long, conflicts_with = "local")]
    pub watch: bool,
}

impl Watch {
    /// Looks and shows; with `--watch` again and again, until Ctrl-C or until nobody reads any more. A look that fails after the first one
    /// is told on stderr, once for each reason: who watches wants to see the failover through.
    ///
    /// # Errors
    /// The first look failed, a later one for another reason than that something could not be reached, or nothing can be shown.
    pub async fn over<T, L: Future<Output = Result<T, Failure>>>(
        self,
        mut look: impl FnMut() -> L,
        mut show: impl FnMut(&T) -> Result<bool, Failure>,
    ) -> Result<Exit, Failure> {
        let mut read = show(&look().await?)?;
        let mut told = None;
        while self.watch && read {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
                () = tokio::time::sleep(EVERY) => {}
            }
            match look().await {
                Ok(seen) => {
                    told = None;
                    read = show(&seen)?;
                }
                Err(failure) if failure.exit == Exit::Unreachable => {
                    if told.as_ref() != Some(&failure.message) {
                        eprintln!("warning: {failure}; looking again every {} s", EVERY.as_secs());
                    }
                    told = Some(failure.message);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(Exit::Done)
    }
}

/// Shows a value when it is another than before, by what matters of it.
#[derive(Debug)]
pub(super) struct Changes<K>(Option<K>);

impl<K: PartialEq> Default for Changes<K> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: PartialEq> Changes<K> {
    /// Whether it changed; the first is a change.
    pub(super) fn is_new(&mut self, now: K) -> bool {
        let new = self.0.as_ref() != Some(&now);
        self.0 = Some(now);
        new
    }

    /// Whether nothing was shown yet.
    pub(super) fn is_first(&self) -> bool {
        self.0.is_none()
    }
}

/// One workload, or the same again: after a blank line where people read.
pub(super) fn again(
    global: &Global,
    first: bool,
    workload: &Workload,
    table: impl FnOnce(&Workload) -> String,
) -> Result<bool, Failure> {
    let between = match &global.output {
        Output::Table | Output::Wide if !first => "\n",
        Output::Yaml if !first => "---\n",
        _ => "",
    };
    let text = output::rendered(&global.output, workload, &[&workload.hpa], table)?;
    output::write(&format!("{between}{text}"))
}
