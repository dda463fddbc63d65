//! An HPA that is not there: which one may have been meant.

use super::{Exit, Failure};
use crate::{config::nearest, kubernetes::chain};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::{Api, Client, api::ListParams};

/// Edits between a name and what may have been meant by it.
const DISTANCE: usize = 3;
/// HPAs that are looked at for a name.
const PAGE: u32 = 1_000;
/// Names that are told where none is near.
const TOLD: usize = 10;

/// What may have been meant, of HPAs as namespace and name: the nearest name in the namespace, the same or a near name in
/// another, or what there is; `None` where nothing is known.
pub(super) fn remedy(namespace: &str, name: &str, known: &[(String, String)]) -> Option<String> {
    let here = || known.iter().filter(|(ns, _)| ns == namespace).map(|(_, hpa)| hpa.as_str());
    let elsewhere = known.iter().find(|(ns, hpa)| ns != namespace && hpa == name);
    if let Some((other, _)) = elsewhere {
        return Some(format!("did you mean {other}/{name}?"));
    }
    if let Some(near) = nearest(name, here(), DISTANCE) {
        return Some(format!("did you mean {near}?"));
    }
    let names: Vec<&str> = here().take(TOLD).collect();
    if !names.is_empty() {
        let more = if here().count() > TOLD { " and others" } else { "" };
        return Some(format!("there are {}{more}", names.join(", ")));
    }
    if known.is_empty() {
        return None;
    }
    let namespaces: std::collections::BTreeSet<&str> = known.iter().map(|(ns, _)| ns.as_str()).collect();
    let near = nearest(namespace, namespaces, DISTANCE);
    Some(near.map_or_else(
        || format!("the namespace {namespace} has none; check -n"),
        |near| format!("the namespace {namespace} has none; did you mean -n {near}?"),
    ))
}

/// There is no such HPA: with what there is instead, as far as it may be listed.
pub(super) async fn missing(client: &Client, namespace: &str, name: &str) -> Failure {
    let params = ListParams::default().limit(PAGE);
    let all: Api<HorizontalPodAutoscaler> = Api::all(client.clone());
    let list = match all.list_metadata(&params).await {
        Ok(list) => Ok(list),
        // Who may not see all namespaces may see this one.
        Err(_) => Api::<HorizontalPodAutoscaler>::namespaced(client.clone(), namespace).list_metadata(&params).await,
    };
    let remedy = match list {
        Ok(list) => {
            let named = list.items.into_iter().filter_map(|h| Some((h.metadata.namespace?, h.metadata.name?)));
            remedy(namespace, name, &named.collect::<Vec<_>>())
        }
        Err(e) => Some(format!("the names there are cannot be listed: {}", chain(&e))),
    };
    let remedy = remedy.unwrap_or_else(|| "no HPA is there at all; check --context".to_owned());
    Failure::new(Exit::No, format!("no HPA {namespace}/{name}; {remedy}"))
}

/// No floor is held under this name: because it is misspelt, or because none is.
pub(super) async fn unheld(client: &Client, namespace: &str, name: &str) -> Failure {
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), namespace);
    if let Ok(None) = api.get_metadata_opt(name).await {
        return missing(client, namespace, name).await;
    }
    Failure::new(Exit::No, format!("no floor is held on {namespace}/{name}; see floorcast status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_meant() {
        let known = [("shop", "checkout"), ("shop", "web"), ("pay", "ledger"), ("pay", "web-api")]
            .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()));
        for (namespace, name, said) in [
            ("shop", "chekcout", Some("did you mean checkout?")),
            ("shop", "ledger", Some("did you mean pay/ledger?")),
            ("pay", "web", Some("did you mean shop/web?")),
            ("shop", "zzzzzzzz", Some("there are checkout, web")),
            ("shpo", "cart", Some("the namespace shpo has none; did you mean -n shop?")),
            ("elsewhere", "cart", Some("the namespace elsewhere has none; check -n")),
        ] {
            assert_eq!(remedy(namespace, name, &known).as_deref(), said, "{namespace}/{name}");
        }
        assert_eq!(remedy("shop", "web", &[]), None);
    }
}
