//! One look at the HPAs that carry our label, for commands and the janitor: a list, no watch, nothing but HPAs.

use super::{parse, slim, workload::Workload};
use chrono::TimeDelta;
use kube::{Api, Client, api::ListParams};

/// HPAs to a page, as the reflectors ask.
const PAGE: u32 = 500;

/// Every HPA with our label in one namespace or in all; `stabilisation` is the HPA controller's flag.
pub async fn held(
    client: &Client,
    namespace: Option<&str>,
    stabilisation: TimeDelta,
) -> Result<Vec<Workload>, kube::Error> {
    let api: Api<slim::Hpa> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let mut params = ListParams::default().labels(&format!("{}=true", super::hold::MANAGED)).limit(PAGE);
    let mut found = Vec::new();
    loop {
        let page = api.list(&params).await?;
        found.extend(page.items.iter().map(|hpa| parse::workload(hpa, None, Vec::new(), stabilisation)));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(found),
        }
    }
}
