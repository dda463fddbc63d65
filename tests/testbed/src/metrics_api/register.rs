//! `APIServices` that point the API server to the fake.

use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;

use crate::{Error, wait};

/// Group and version of each served API.
pub(super) const SERVED: [(&str, &str); 3] =
    [("metrics.k8s.io", "v1beta1"), ("custom.metrics.k8s.io", "v1beta2"), ("external.metrics.k8s.io", "v1beta1")];

pub(super) async fn register(client: Client, port: u16) -> Result<(), Error> {
    let services: Api<Service> = Api::namespaced(client.clone(), "kube-system");
    let service: Service = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "fake-metrics"},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    }))?;
    // The API server makes kube-system a moment after it says that it is ready.
    wait::until("the namespace kube-system", Duration::from_secs(30), || async {
        services.create(&PostParams::default(), &service).await.map_err(|e| e.to_string())
    })
    .await?;
    let registrations: Api<APIService> = Api::all(client);
    for (group, version) in SERVED {
        let registration: APIService = serde_json::from_value(json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {"name": format!("{version}.{group}")},
            "spec": {
                "group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100,
                "insecureSkipTLSVerify": true,
                "service": {"name": "fake-metrics", "namespace": "kube-system", "port": port},
            },
        }))?;
        registrations.create(&PostParams::default(), &registration).await?;
    }
    Ok(())
}

pub(super) async fn wait_available(client: Client) -> Result<(), Error> {
    let registrations: Api<APIService> = Api::all(client);
    for (group, version) in SERVED {
        let name = format!("{version}.{group}");
        wait::until(&format!("APIService {name}"), Duration::from_mins(1), || async {
            let registration = registrations.get(&name).await.map_err(|e| e.to_string())?;
            let conditions = registration.status.and_then(|s| s.conditions).unwrap_or_default();
            let available = conditions.iter().find(|c| c.type_ == "Available");
            match available {
                Some(condition) if condition.status == "True" => Ok(()),
                Some(condition) => Err(condition.message.clone().unwrap_or_default()),
                None => Err("no condition Available".into()),
            }
        })
        .await?;
    }
    Ok(())
}
