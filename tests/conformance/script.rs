//! What both servers are asked, and the status that the real one (kube-apiserver 1.36.3) was seen to answer.

use serde_json::{Value, json};

/// What of an answer is compared besides its status.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The object or `Status`.
    Object,
    /// The events of a watch.
    Watch,
    /// Nothing: the text is Go's own.
    Code,
}

/// One request. `{x.uid}`, `{x.rv}`, `{x.continue}` stand for what an earlier step remembered as `x`.
pub(crate) struct Step {
    pub name: &'static str,
    pub method: &'static str,
    pub path: String,
    pub content_type: &'static str,
    pub body: Value,
    pub code: u16,
    pub kind: Kind,
    pub remember: Option<&'static str>,
}

const HPAS: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/default/events";
const NO_UID: &str = "00000000-0000-0000-0000-000000000000";

impl Step {
    fn new(name: &'static str, method: &'static str, path: String, content_type: &'static str, body: Value) -> Self {
        Self { name, method, path, content_type, body, code: 200, kind: Kind::Object, remember: Some("hpa") }
    }

    fn code(mut self, code: u16) -> Self {
        self.code = code;
        if code >= 400 {
            self.remember = None;
        }
        self
    }

    fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    fn remember(mut self, name: &'static str) -> Self {
        self.remember = Some(name);
        self
    }
}

fn get(name: &'static str, path: String) -> Step {
    Step::new(name, "GET", path, "", Value::Null)
}

fn post(name: &'static str, path: &str, manager: &str, body: Value) -> Step {
    Step::new(name, "POST", format!("{path}?fieldManager={manager}"), "application/json", body).code(201)
}

fn put(name: &'static str, path: String, body: Value) -> Step {
    Step::new(name, "PUT", path, "application/json", body)
}

fn merge(name: &'static str, path: &str, manager: &str, body: Value) -> Step {
    Step::new(name, "PATCH", format!("{path}?fieldManager={manager}"), "application/merge-patch+json", body)
}

fn json_patch(name: &'static str, path: &str, manager: &str, body: Value) -> Step {
    Step::new(name, "PATCH", format!("{path}?fieldManager={manager}"), "application/json-patch+json", body)
}

fn apply(name: &'static str, manager: &str, spec: Value, metadata: &Value) -> Step {
    let path = format!("{HPAS}/web?fieldManager={manager}");
    let mut body =
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}});
    body["spec"] = spec;
    for (key, value) in metadata.as_object().into_iter().flatten() {
        body["metadata"][key] = value.clone();
    }
    Step::new(name, "PATCH", path, "application/apply-patch+yaml", body)
}

fn forced(mut step: Step) -> Step {
    step.path.push_str("&force=true");
    step
}

fn min(n: i32) -> Value {
    json!({"minReplicas": n})
}

fn hpa(name: &str) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 10}})
}

/// The whole script, in order.
pub(crate) fn steps() -> Vec<Step> {
    [creating(), applying(), patching(), sharing(), surgery(), writing(), reading(), others()]
        .into_iter()
        .flatten()
        .collect()
}

fn creating() -> Vec<Step> {
    vec![
        post("create", HPAS, "creator", hpa("web")),
        post("create again", HPAS, "creator", hpa("web")).code(409),
        get("get", format!("{HPAS}/web")),
        get("get what is not there", format!("{HPAS}/nope")).code(404),
        get("no such resource", "/apis/autoscaling/v2/namespaces/default/nopes".into()).code(404),
        post(
            "create in a namespace that is not there",
            "/api/v1/namespaces/nsx/configmaps",
            "creator",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}),
        )
        .code(404),
    ]
}

fn applying() -> Vec<Step> {
    let none = json!({});
    let marks = json!({"annotations": {"floorcast.io/base": "1", "floorcast.io/floor": "5"}, "labels": {"floorcast.io/managed": "true"}});
    let with = |key: &str, value: &str| json!({key: value});
    vec![
        apply("apply against the creator", "floorcast", min(5), &none).code(409),
        forced(apply("acquire", "floorcast", min(5), &marks)),
        apply("hold unchanged", "floorcast", min(5), &marks),
        apply("hold higher", "floorcast", min(6), &marks),
        forced(apply("above the maximum", "floorcast", min(50), &marks)).code(422),
        apply("with the right uid", "floorcast", min(7), &with("uid", "{hpa.uid}")),
        forced(apply("with another uid", "floorcast", min(5), &with("uid", NO_UID))).code(422),
        forced(apply("with a stale version", "floorcast", min(8), &with("resourceVersion", "1"))).code(409),
        apply("with the newest version", "floorcast", min(8), &with("resourceVersion", "{hpa.rv}")),
        Step::new("apply with a uid to nothing", "PATCH", format!("{HPAS}/nope?fieldManager=f&force=true"),
            "application/apply-patch+yaml",
            json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "nope", "uid": NO_UID}, "spec": {"minReplicas": 6}})).code(409),
        Step::new("apply a part to nothing", "PATCH", format!("{HPAS}/nope?fieldManager=f&force=true"),
            "application/apply-patch+yaml",
            json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "nope"}, "spec": {"minReplicas": 6}})).code(422),
        Step::new("apply another name", "PATCH", format!("{HPAS}/other?fieldManager=f"), "application/apply-patch+yaml",
            json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": {}})).code(400),
        Step::new("apply without a manager", "PATCH", format!("{HPAS}/web"), "application/apply-patch+yaml", hpa("web")).code(422),
        apply("apply a wrong type", "f", json!({"minReplicas": "x"}), &none).code(500),
        apply("apply someone's maximum", "f", json!({"maxReplicas": 12, "minReplicas": 2}), &none).code(409),
        apply("drop the annotations", "floorcast", min(8), &none),
    ]
}

fn patching() -> Vec<Step> {
    let web = format!("{HPAS}/web");
    let web = web.as_str();
    vec![
        json_patch("a test that fails", web, "x", json!([{"op": "test", "path": "/spec/minReplicas", "value": 99}]))
            .code(422),
        json_patch(
            "a version test that fails",
            web,
            "x",
            json!([{"op": "test", "path": "/metadata/resourceVersion", "value": "99"}]),
        )
        .code(422),
        json_patch(
            "remove what is not there",
            web,
            "x",
            json!([{"op": "remove", "path": "/metadata/annotations/nope"}]),
        )
        .code(422),
        json_patch("an unknown operation", web, "x", json!([{"op": "nope", "path": "/a"}])).code(422),
        json_patch("no list", web, "x", json!({"op": "nope"})).code(400),
        json_patch("another uid", web, "x", json!([{"op": "replace", "path": "/metadata/uid", "value": "abc"}]))
            .code(422),
        json_patch(
            "a patch of nothing",
            &format!("{HPAS}/nope"),
            "x",
            json!([{"op": "test", "path": "/spec/minReplicas", "value": 2}]),
        )
        .code(404),
        json_patch(
            "tests that hold",
            web,
            "x",
            json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": "{hpa.rv}"}, {"op": "test", "path": "/spec/minReplicas", "value": 8},
            {"op": "replace", "path": "/spec/minReplicas", "value": 2}]),
        ),
        merge("a person edits", web, "kubectl-edit", json!({"spec": {"minReplicas": 3}})),
        apply("hold against the edit", "floorcast", min(8), &json!({})).code(409),
        merge("a stale version", web, "x", json!({"metadata": {"resourceVersion": "1"}, "spec": {"minReplicas": 4}}))
            .code(409),
        merge("a foreign uid", web, "x", json!({"metadata": {"uid": "1"}, "spec": {"minReplicas": 4}})).code(422),
        merge("the minimum to its default", web, "x", json!({"spec": {"minReplicas": null}})),
        merge("below one", web, "x", json!({"spec": {"minReplicas": -1}})).code(422),
        merge("zero", web, "x", json!({"spec": {"minReplicas": 0}})).code(422),
        merge("no maximum", web, "x", json!({"spec": {"maxReplicas": 0}})).code(422),
        merge("annotate", web, "x", json!({"metadata": {"annotations": {"a": "1", "b": "2"}}})),
        merge("annotate differently", web, "y", json!({"metadata": {"annotations": {"a": "2", "b": null}}})),
        Step::new("a wrong type of patch", "PATCH", format!("{web}?fieldManager=x"), "text/plain", json!({})).code(415),
    ]
}

fn sharing() -> Vec<Step> {
    let none = json!({});
    vec![
        forced(apply("one applier", "floorcast", min(4), &none)),
        apply("another joins", "argo", min(4), &none),
        apply("joined again", "argo", min(4), &none),
        apply("hold against the co-owner", "floorcast", min(5), &none).code(409),
        apply("the co-owner leaves", "argo", json!({"maxReplicas": 10}), &none),
        apply("the last owner leaves", "floorcast", json!({}), &none),
    ]
}

fn surgery() -> Vec<Step> {
    let web = format!("{HPAS}/web");
    let web = web.as_str();
    let entries = json!([{"manager": "q", "operation": "Apply", "apiVersion": "autoscaling/v2", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:minReplicas": {}}}}]);
    let bad = json!([{"manager": "q", "operation": "Bad", "fieldsType": "FieldsV1", "fieldsV1": {}}]);
    let set = |value: &Value| json!([{"op": "replace", "path": "/metadata/managedFields", "value": value}]);
    vec![
        json_patch("take one entry out", web, "s", json!([{"op": "remove", "path": "/metadata/managedFields/0"}])),
        json_patch(
            "an entry that is not there",
            web,
            "s",
            json!([{"op": "remove", "path": "/metadata/managedFields/17"}]),
        )
        .code(422),
        json_patch("entries of one's own", web, "s", set(&entries)),
        json_patch(
            "entries and a value at once",
            web,
            "s",
            json!([
            {"op": "replace", "path": "/spec/minReplicas", "value": 5}, {"op": "replace", "path": "/metadata/managedFields", "value": entries}]),
        ),
        json_patch("entries that cannot be read", web, "s", set(&bad)),
        json_patch("no entries at all", web, "s", set(&json!([{}]))),
        merge("a write while nobody owns", web, "x", json!({"spec": {"minReplicas": 3}})),
        apply("apply while nobody owns", "floorcast", min(4), &json!({})).code(409),
        forced(apply("the first apply", "floorcast", min(4), &json!({}))),
    ]
}

fn writing() -> Vec<Step> {
    let behaving = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "b", "annotations": {"u": "1"}, "labels": {"l": "1"}},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": 2, "maxReplicas": 10,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}}});
    let status = json!({"status": {"currentReplicas": 3, "desiredReplicas": 7, "currentMetrics": null}, "spec": {"minReplicas": 9}});
    let b = format!("{HPAS}/b");
    let b = b.as_str();
    let mut whole = behaving.clone();
    whole["spec"]["minReplicas"] = json!(4);
    let mut stale = whole.clone();
    stale["metadata"]["resourceVersion"] = json!("1");
    let mut too_small = whole.clone();
    too_small["spec"]["maxReplicas"] = json!(1);
    vec![
        post("create with behavior", HPAS, "c", behaving).remember("b"),
        put("put", format!("{b}?fieldManager=p"), whole.clone()).remember("b"),
        put("put a stale version", format!("{b}?fieldManager=p"), stale).code(409),
        put("put too small a maximum", format!("{b}?fieldManager=p"), too_small).code(422),
        put("put another name", format!("{HPAS}/zz?fieldManager=p"), whole).code(400),
        merge("the status", &format!("{b}/status"), "kcm", status).remember("b"),
        merge("the status by the wrong door", b, "kcm", json!({"status": {"desiredReplicas": 9}})).remember("b"),
        get("read the status", format!("{b}/status")).remember("b"),
        Step::new("delete another uid", "DELETE", b.into(), "application/json", json!({"preconditions": {"uid": "x"}}))
            .code(409),
        Step::new("delete", "DELETE", b.into(), "", Value::Null),
        Step::new("delete again", "DELETE", b.into(), "", Value::Null).code(404),
    ]
}

fn reading() -> Vec<Step> {
    vec![
        post("one more", HPAS, "c", hpa("la")).remember("la"),
        post("and one more", HPAS, "c", hpa("lb")).remember("lb"),
        get("first page", format!("{HPAS}?limit=2")).remember("page"),
        get("second page", format!("{HPAS}?limit=2&continue={{page.continue}}")).remember("list"),
        get("a token that is none", format!("{HPAS}?limit=2&continue=xx")).code(400).kind(Kind::Code),
        get("by name", format!("{HPAS}?fieldSelector=metadata.name%3Dla")),
        get("by a field that cannot be", format!("{HPAS}?fieldSelector=spec.foo%3Dla")).code(400),
        get("by label", format!("{HPAS}?labelSelector=a%3Db")),
        merge("a change to watch", &format!("{HPAS}/la"), "x", json!({"spec": {"minReplicas": 2}})).remember("la"),
        merge("and another", &format!("{HPAS}/la"), "x", json!({"metadata": {"labels": {"a": "b"}}})).remember("la"),
        Step::new("and a deletion", "DELETE", format!("{HPAS}/lb"), "", Value::Null).remember("gone"),
        get(
            "watch from the list",
            format!("{HPAS}?watch=true&resourceVersion={{lb.rv}}&allowWatchBookmarks=true&timeoutSeconds=1"),
        )
        .kind(Kind::Watch),
        get(
            "watch by label",
            format!("{HPAS}?watch=true&resourceVersion={{lb.rv}}&labelSelector=a%3Db&timeoutSeconds=1"),
        )
        .kind(Kind::Watch),
        get("watch from now", format!("{HPAS}?watch=true&fieldSelector=metadata.name%3Dla&timeoutSeconds=1"))
            .kind(Kind::Watch),
        get("watch from nonsense", format!("{HPAS}?watch=true&resourceVersion=abc")).code(500).kind(Kind::Code),
    ]
}

fn others() -> Vec<Step> {
    let event = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e1"}, "eventTime": "2026-11-21T12:00:50.123456Z",
        "action": "Raise", "reason": "R", "type": "Normal", "note": "n", "reportingController": "floorcast.io/x", "reportingInstance": "p",
        "regarding": {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "name": "la", "namespace": "default"}});
    let mut bad_type = event.clone();
    bad_type["metadata"]["name"] = json!("e2");
    bad_type["type"] = json!("Bad");
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 2,
        "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}});
    let web = format!("{DEPLOYMENTS}/web");
    let web = web.as_str();
    let renew = json!({"spec": {"holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "2026-11-21T12:00:50.123456Z", "leaseTransitions": 1}});
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "x"}, "spec": {}});
    vec![
        post("a lease", LEASES, "c", lease.clone()).remember("lease"),
        merge("renewed", &format!("{LEASES}/x"), "c", renew).remember("lease"),
        merge("renewed by another", &format!("{LEASES}/x"), "c", json!({"metadata": {"resourceVersion": "1"}, "spec": {"holderIdentity": "b"}})).code(409),
        put("put over a stale version", format!("{LEASES}/x"), json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "x", "resourceVersion": "1"}, "spec": {}})).code(409),
        post("an event", EVENTS, "c", event).kind(Kind::Code).remember("event"),
        merge("its series", &format!("{EVENTS}/e1"), "c", json!({"series": {"count": 2, "lastObservedTime": "2026-11-21T12:01:50.123456Z"}})).kind(Kind::Code),
        merge("its note changed", &format!("{EVENTS}/e1"), "c", json!({"note": "other"})).code(422).kind(Kind::Code),
        post("an event of no known type", EVENTS, "c", bad_type).code(422),
        post("a configuration", "/api/v1/namespaces/default/configmaps", "c", json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "floorcast-control"}, "data": {"cluster": "run"}})).remember("cm"),
        post("a deployment", DEPLOYMENTS, "c", deployment).kind(Kind::Code).remember("web"),
        merge("its scale", &format!("{web}/scale"), "k", json!({"spec": {"replicas": 5}})).remember("scale"),
        get("its scale read", format!("{web}/scale")).remember("scale"),
        post("may I", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "c", json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"group": "autoscaling", "resource": "horizontalpodautoscalers", "verb": "patch"}}})).kind(Kind::Code),
    ]
}
