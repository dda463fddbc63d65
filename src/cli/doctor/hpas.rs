//! Which HPAs there are in the namespaces that floorcast watches, and which are opted in.

use super::Finding;
use crate::{annotations::Key, config::Config, kubernetes};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::{Api, Client, api::ListParams};

/// HPAs to a page, as the daemon asks.
const PAGE: u32 = 500;

/// A namespace that cannot be listed is a failure of its own; the HPAs of the others, if there are any others.
pub(super) async fn findings(client: &Client, config: &Config) -> (Vec<Finding>, Option<Vec<HorizontalPodAutoscaler>>) {
    let (mut findings, mut hpas) = (Vec::new(), None);
    for (name, api) in places(client, config) {
        match list(&api).await {
            Ok(some) => hpas.get_or_insert_with(Vec::new).extend(some),
            Err(error) => {
                let what = format!("cannot be listed: {}", kubernetes::chain(&error));
                let remedy = "let this account list them as in deploy/manifests/rbac.yaml, or name no such namespace";
                findings.push(Finding::fail(name, what, remedy));
            }
        }
    }
    findings.extend(hpas.as_ref().map(|hpas| opted_in(hpas, config)));
    (findings, hpas)
}

/// The namespaces of the configuration, or all at once; each with what its finding is called.
fn places(client: &Client, config: &Config) -> Vec<(String, Api<HorizontalPodAutoscaler>)> {
    let namespaces = &config.kubernetes.namespaces;
    if namespaces.is_empty() {
        return vec![("HPAs".to_owned(), Api::all(client.clone()))];
    }
    let place = |name: &String| (format!("HPAs in namespace {name}"), Api::namespaced(client.clone(), name));
    namespaces.iter().map(place).collect()
}

async fn list(api: &Api<HorizontalPodAutoscaler>) -> Result<Vec<HorizontalPodAutoscaler>, kube::Error> {
    let (mut params, mut all) = (ListParams::default().limit(PAGE), Vec::new());
    loop {
        let page = api.list(&params).await?;
        all.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(all),
        }
    }
}

fn opted_in(hpas: &[HorizontalPodAutoscaler], config: &Config) -> Finding {
    const NAME: &str = "HPAs";
    let key = Key::Mode.annotation();
    let is = |hpa: &&HorizontalPodAutoscaler| {
        let labels = hpa.metadata.labels.clone().unwrap_or_default();
        hpa.metadata.annotations.as_ref().is_some_and(|a| a.contains_key(&key))
            || config.mode_of(hpa.metadata.namespace.as_deref().unwrap_or_default(), &labels).is_some()
    };
    match (hpas.len(), hpas.iter().filter(is).count()) {
        (all, 0) => {
            Finding::warn(NAME, format!("{all} HPAs, none opted in"), format!("annotate one with {key}: shadow"))
        }
        (all, some) => Finding::ok(NAME, format!("{some} of {all} are opted in by annotation or rule")),
    }
}
