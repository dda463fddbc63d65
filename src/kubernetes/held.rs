//! One look at the HPAs that carry our label, for commands and the janitor: a list, no watch, nothing but HPAs.

use super::{
    COMMAND_MANAGER, hold, parse, slim,
    workload::{Refusal, Workload},
};
use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

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

/// An HPA by itself as the daemon reads it: what needs its target or the other HPAs (a target that is missing or shared) is
/// not known here.
pub fn alone(hpa: &HorizontalPodAutoscaler, stabilisation: TimeDelta) -> Result<Workload, serde_json::Error> {
    let hpa: slim::Hpa = serde_json::from_value(serde_json::to_value(hpa)?)?;
    let mut workload = parse::workload(&hpa, None, Vec::new(), stabilisation);
    workload.refusals.retain(|refusal| !matches!(refusal, Refusal::TargetMissing { .. }));
    Ok(workload)
}

/// Asks on the object for peace until then: a running daemon takes a standing floor down by the ramp and sets no other before.
/// Without a moment, peace ends now.
///
/// A field manager of its own, so that the ramp's clock, which is the time of our floor's entry, stays what it is. The uid makes an HPA that was recreated meanwhile answer 409 or 422 instead of being marked.
pub async fn ask_for_peace(
    client: &Client,
    workload: &Workload,
    until: Option<DateTime<Utc>>,
) -> Result<(), kube::Error> {
    let api: Api<slim::Hpa> = Api::namespaced(client.clone(), &workload.namespace);
    let mark = json!({"metadata": {
        "uid": workload.target.uid,
        "annotations": {(hold::RELEASED_UNTIL): until.map(hold::stamp)},
    }});
    let params = PatchParams { field_manager: Some(COMMAND_MANAGER.to_owned()), ..PatchParams::default() };
    api.patch(&workload.hpa, &params, &Patch::Merge(mark)).await.map(drop)
}
