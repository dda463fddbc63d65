//! One port is said in one place: what the daemon listens on and where its datasources are follows the configuration everywhere.

use super::{CHART, Helm, of_kind};
use serde_json::{Value, json};

/// Rendered with a value file of `ci`.
async fn rendered(helm: &Helm, file: &str) -> Vec<Value> {
    helm.template(&["-f", &format!("{CHART}/ci/{file}-values.yaml")]).await.unwrap()
}

/// The rule of a `NetworkPolicy` after those for DNS and the API server.
fn to_the_datasources(objects: &[Value]) -> &Value {
    &of_kind(objects, "NetworkPolicy")["spec"]["egress"][2]
}

fn tcp(ports: &[u16]) -> Value {
    ports.iter().map(|port| json!({"port": port, "protocol": "TCP"})).collect()
}

#[tokio::test]
async fn the_network_policy_lets_the_daemon_out_to_the_datasources_it_has() {
    if floorcast_testbed::left_out() {
        return;
    }
    let helm = Helm::built().await;
    let several = rendered(&helm, "network-policy-datasources").await;
    // http://a…:9090, https://b without a port, http://c…:9090.
    assert_eq!(to_the_datasources(&several)["ports"], tcp(&[9090, 443]));
    // Where the chart cannot read them it asks for the peers, and leaves their ports open.
    let own = rendered(&helm, "network-policy-own-config").await;
    assert!(to_the_datasources(&own).get("ports").is_none());
    assert!(to_the_datasources(&own)["to"][0]["namespaceSelector"].is_object());
    let blind = "existingConfigMap=my-config,networkPolicy.enabled=true";
    let refused = helm.template(&["--set", blind]).await.unwrap_err();
    assert!(refused.contains("name them in networkPolicy.prometheus or networkPolicy.extraEgress"), "{refused}");
}

#[tokio::test]
async fn the_pod_is_scraped_and_probed_where_the_daemon_listens() {
    if floorcast_testbed::left_out() {
        return;
    }
    let helm = Helm::built().await;
    let moved = rendered(&helm, "network-policy-datasources").await;
    let template = &of_kind(&moved, "Deployment")["spec"]["template"];
    assert_eq!(template["spec"]["containers"][0]["ports"][0]["containerPort"], 9999);
    assert_eq!(template["metadata"]["annotations"]["prometheus.io/port"], "9999");
    assert_eq!(of_kind(&moved, "NetworkPolicy")["spec"]["ingress"][0]["ports"], tcp(&[9999]));
    // Probes and Service go by the port's name.
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        assert_eq!(template["spec"]["containers"][0][probe]["httpGet"]["port"], "metrics", "{probe}");
    }
    assert_eq!(of_kind(&moved, "Service")["spec"]["ports"][0]["targetPort"], "metrics");
}
