//! Every object of every value file, as the API server's strict validation sees it.

use super::Stage;
use crate::chart::value_files;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind, TypeMeta};
use kube::{Api, Client};
use serde_json::Value;

/// Namespaces that value files name.
const NAMESPACES: [&str; 3] = ["floorcast", "shop", "pay"];

/// An unknown field, a wrong type, a duplicate: all are refused by a dry run with strict validation.
pub(super) async fn every_rendered_object_is_strictly_valid(stage: &Stage) {
    for namespace in NAMESPACES {
        stage.bed.create_namespace(namespace).await.unwrap();
    }
    let client = stage.bed.client().await.unwrap();
    let (files, mut objects) = (value_files(), 0);
    assert!(files.len() >= 25, "{}", files.len());
    for file in files {
        for object in stage.helm.template(&["-f", &file]).await.unwrap_or_else(|e| panic!("{file}: {e}")) {
            // Google's own resource is not here to be asked.
            if object["apiVersion"] == "monitoring.googleapis.com/v1" {
                continue;
            }
            objects += 1;
            try_out(&client, &object).await.unwrap_or_else(|e| panic!("{file}: {}: {e}\n{object:#}", object["kind"]));
        }
    }
    println!("{objects} objects are valid");
}

/// Applies it without consequences.
pub(super) async fn try_out(client: &Client, object: &Value) -> Result<DynamicObject, kube::Error> {
    let kind = TypeMeta {
        api_version: object["apiVersion"].as_str().unwrap().to_owned(),
        kind: object["kind"].as_str().unwrap().to_owned(),
    };
    let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(kind).unwrap());
    let api: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let mut params = PatchParams::apply("test").force().validation_strict();
    params.dry_run = true;
    api.patch(object["metadata"]["name"].as_str().unwrap(), &params, &Patch::Apply(object)).await
}
