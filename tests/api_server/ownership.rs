//! Who owns `spec.minReplicas` before, while and after a floor is held.

use crate::stage::{Stage, Web};
use floorcast_models::protocol::{Action, Reply};
use floorcast_models::target::Hold;
use serde_json::{Value, json};

/// How the user's HPA came to be.
#[derive(Clone, Copy, Debug)]
enum Owner {
    /// `kubectl apply`.
    ClientSide,
    /// `kubectl apply --server-side`, with minReplicas in the manifest.
    ServerSide,
    /// The same without minReplicas.
    ServerSideWithout,
    /// POST.
    Post,
    /// Server-side with minReplicas; drops it from the manifest while the floor is held.
    Drops,
}

impl Owner {
    const ALL: [Self; 5] = [Self::ClientSide, Self::ServerSide, Self::ServerSideWithout, Self::Post, Self::Drops];

    const fn namespace(self) -> &'static str {
        match self {
            Self::ClientSide => "client-side",
            Self::ServerSide => "server-side",
            Self::ServerSideWithout => "server-side-without",
            Self::Post => "post",
            Self::Drops => "drops",
        }
    }

    /// The base that he has and must get back.
    const fn base(self) -> u32 {
        match self {
            Self::ServerSideWithout => 1,
            _ => 2,
        }
    }

    async fn create(self, stage: &Stage) -> Web {
        let web = stage.posted(self.namespace()).await;
        if matches!(self, Self::Post) {
            return web;
        }
        stage.bed.kubectl(&["-n", &web.0, "delete", "hpa", "web"]).await.unwrap();
        self.apply(stage, &web).await.unwrap();
        web
    }

    /// His own next apply, without force.
    async fn apply(self, stage: &Stage, web: &Web) -> Result<String, String> {
        match self {
            Self::ClientSide => stage.apply(web, Some(2), &[]).await,
            Self::ServerSide | Self::Drops => stage.apply(web, Some(2), &["--server-side"]).await,
            Self::ServerSideWithout => stage.apply(web, None, &["--server-side"]).await,
            Self::Post => Ok(String::new()),
        }
    }
}

/// Every kind of owner: floor, more floor, base back, nothing of ours left, and his next apply succeeds without force.
pub(super) async fn whoever_owned_the_field_gets_it_back(stage: &Stage) {
    for owner in Owner::ALL {
        let web = owner.create(stage).await;
        let before = stage.object(&web).await;
        let took = stage.acquire(&web, 5, 1).await;
        assert!(matches!(took.reply, Reply::Done { .. }), "{owner:?}: {took:?}");
        let kept = stage.hold(&web, 7, 1).await;
        assert!(matches!(kept.reply, Reply::Done { .. }), "{owner:?}: {kept:?}");
        let held = stage.observed(&web).await;
        assert!(held.target.ours && held.target.owners.is_empty(), "{owner:?}: {:?}", held.target.owners);
        assert!(matches!(held.target.hold, Hold::Held(_)));
        only_ours_differs(&before, &stage.object(&web).await, 7);
        if matches!(owner, Owner::Drops) {
            stage.apply(&web, None, &["--server-side"]).await.unwrap();
        }
        let back = stage.give_back(&web, 7, owner.base()).await;
        assert!(matches!(back.reply, Reply::Done { .. }) && back.leftover.is_none(), "{owner:?}: {back:?}");
        nothing_of_ours_is_left(&stage.object(&web).await, owner);
        let next = if matches!(owner, Owner::Drops) { Owner::ServerSideWithout } else { owner };
        next.apply(stage, &web).await.unwrap_or_else(|e| panic!("{owner:?}: {e}"));
        let after = stage.object(&web).await;
        assert_eq!(after["spec"]["minReplicas"], owner.base(), "{owner:?}");
        println!("{owner:?}: base {} back, managers {:?}", owner.base(), managers(&after));
    }
}

fn managers(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let name = |e: &Value| format!("{}/{}", e["manager"].as_str().unwrap(), e["operation"].as_str().unwrap());
    entries.iter().map(name).collect()
}

fn nothing_of_ours_is_left(object: &Value, owner: Owner) {
    assert!(managers(object).iter().all(|m| !m.starts_with("floorcast")), "{owner:?}: {:?}", managers(object));
    let metadata = &object["metadata"];
    for marks in [&metadata["annotations"], &metadata["labels"]] {
        let left = marks.as_object().into_iter().flatten().find(|(k, _)| k.starts_with("floorcast.io/"));
        assert_eq!(left, None, "{owner:?}");
    }
    let fields = metadata["managedFields"].as_array().unwrap();
    let owners = fields.iter().filter(|e| e.pointer("/fieldsV1/f:spec/f:minReplicas").is_some());
    assert_eq!(owners.count(), 0, "{owner:?}: the field belongs to nobody");
}

/// Field by field: value, our annotations, our label, and nothing else.
fn only_ours_differs(before: &Value, after: &Value, floor: u32) {
    let stripped = |object: &Value| {
        let mut object = object.clone();
        object["status"] = Value::Null;
        object["spec"]["minReplicas"] = Value::Null;
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.retain(|k, _| !["managedFields", "resourceVersion", "generation"].contains(&k.as_str()));
        for marks in ["annotations", "labels"] {
            let kept = metadata.remove(marks).unwrap_or_default();
            let kept = kept.as_object().cloned().unwrap_or_default();
            let kept: serde_json::Map<_, _> =
                kept.into_iter().filter(|(k, _)| !k.starts_with("floorcast.io/")).collect();
            metadata.insert(marks.to_owned(), Value::Object(kept));
        }
        object
    };
    assert_eq!(stripped(before), stripped(after));
    assert_eq!(after["spec"]["minReplicas"], floor);
    assert_eq!(after["metadata"]["annotations"]["floorcast.io/floor"], floor.to_string());
}

/// While a floor is held without force, a person's edit answers 409 and names him; his value stays through a clean.
pub(super) async fn an_edit_by_a_person_answers_with_his_name(stage: &Stage) {
    let web = stage.posted("oncall").await;
    stage.acquire(&web, 5, 1).await;
    let edit = json!({"spec": {"minReplicas": 3}}).to_string();
    let args = ["-n", &web.0, "patch", "hpa", "web", "--type=merge", "-p", &edit, "--field-manager=oncall"];
    stage.bed.kubectl(&args).await.unwrap();
    let refused = stage.hold(&web, 6, 1).await;
    assert_eq!(refused.reply, Reply::Conflict { owner: Some("oncall".to_owned()) });
    let workload = stage.observed(&web).await;
    let clean = Action::Clean {
        uid: workload.target.uid.clone(),
        resource_version: workload.target.resource_version.clone(),
        value: workload.target.min,
        released_until: Some(crate::clock()),
    };
    let sent = stage.send(&workload, &clean).await;
    assert!(matches!(sent.reply, Reply::Done { .. }), "{sent:?}");
    let after = stage.observed(&web).await;
    assert_eq!((after.target.min.get(), after.target.owners.as_slice()), (3, &["oncall".to_owned()][..]));
    assert!(after.target.released_until.is_some() && after.target.hold == Hold::Free && !after.target.ours);
}

/// A write that was decided for an object that is gone changes neither its successor nor brings it back.
pub(super) async fn a_recreated_object_is_never_written(stage: &Stage) {
    let web = stage.posted("recreated").await;
    let old = stage.observed(&web).await;
    let action = |version: &str| Action::Acquire {
        write: crate::stage::write(&old, 9, 1),
        resource_version: version.to_owned(),
    };
    stage.bed.kubectl(&["-n", &web.0, "delete", "hpa", "web"]).await.unwrap();
    let gone = stage.send(&old, &action(&old.target.resource_version)).await;
    assert_eq!(gone.reply, Reply::Gone, "{gone:?}");
    stage.apply(&web, Some(2), &[]).await.unwrap();
    // Without force the new owner's claim is the first thing the server sees; with force it is the uid.
    let hold = Action::Hold { write: crate::stage::write(&old, 9, 1) };
    let other = stage.send(&old, &hold).await;
    assert_eq!(other.reply, Reply::Conflict { owner: Some("kubectl-client-side-apply".to_owned()) }, "{other:?}");
    let version = stage.observed(&web).await.target.resource_version.clone();
    let forced = stage.send(&old, &action(&version)).await;
    assert_eq!(forced.reply, Reply::Gone, "{forced:?}");
    assert_eq!(stage.object(&web).await["spec"]["minReplicas"], 2);
}
