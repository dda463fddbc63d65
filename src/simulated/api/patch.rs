//! JSON patch and merge patch.

use super::refusal::Refusal;
use json_patch::{Patch, PatchOperation};
use serde_json::Value;

/// The patch types that the server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    /// RFC 6902.
    Json,
    /// RFC 7386. Strategic merge patches are taken as such too: nothing here patches lists.
    Merge,
    /// Server-side apply.
    Apply,
}

impl PatchType {
    /// By content type, without parameters.
    ///
    /// # Errors
    /// 415 for any other.
    pub fn of(content_type: &str) -> Result<Self, Refusal> {
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" | "application/strategic-merge-patch+json" => Ok(Self::Merge),
            "application/apply-patch+yaml" | "application/apply-patch+json" => Ok(Self::Apply),
            _ => Err(Refusal::unsupported_media()),
        }
    }
}

/// `object` after an RFC 6902 patch.
///
/// # Errors
/// 400 where the body is not a list of operations, 422 where one of them fails, as the real server says it: without a reason.
pub fn json_patched(object: &Value, body: &Value) -> Result<Value, Refusal> {
    if !body.is_array() {
        let why = "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp";
        return Err(Refusal::bad_request(why));
    }
    let patch: Patch = serde_json::from_value(body.clone()).map_err(|_| Refusal::patch_failed())?;
    let mut patched = object.clone();
    for operation in patch.0 {
        let operation = as_the_server_takes_it(&patched, operation);
        json_patch::patch(&mut patched, &[operation]).map_err(|_| Refusal::patch_failed())?;
    }
    Ok(patched)
}

/// The server's library replaces a missing key of an existing map instead of refusing it (seen on 1.36.3).
fn as_the_server_takes_it(object: &Value, operation: PatchOperation) -> PatchOperation {
    match operation {
        PatchOperation::Replace(replace) if lacks_key(object, replace.path.as_str()) => {
            PatchOperation::Add(json_patch::AddOperation { path: replace.path, value: replace.value })
        }
        other => other,
    }
}

fn lacks_key(object: &Value, path: &str) -> bool {
    let Some((parent, _)) = path.rsplit_once('/') else {
        return false;
    };
    object.pointer(path).is_none() && object.pointer(parent).is_some_and(Value::is_object)
}

/// `object` after an RFC 7386 patch.
pub fn merge_patched(object: &Value, body: &Value) -> Value {
    let mut patched = object.clone();
    json_patch::merge(&mut patched, body);
    patched
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_failed_test_changes_nothing_and_says_nothing() {
        let object = json!({"spec": {"minReplicas": 5}});
        let body = json!([{"op": "replace", "path": "/spec/minReplicas", "value": 1}, {"op": "test", "path": "/spec/minReplicas", "value": 9}]);
        let refused = json_patched(&object, &body).unwrap_err();
        assert_eq!(refused.code, 422);
        assert_eq!(refused.body["reason"], "Invalid");
        assert_eq!(refused.body["details"], json!({}));
    }

    #[test]
    fn removing_what_is_not_there_fails_but_replacing_adds() {
        let object = json!({"metadata": {"annotations": {"a": "1"}}});
        let remove = json!([{"op": "remove", "path": "/metadata/annotations/b"}]);
        assert_eq!(json_patched(&object, &remove).unwrap_err().code, 422);
        let replace = json!([{"op": "replace", "path": "/metadata/annotations/b", "value": "2"}]);
        let patched = json_patched(&object, &replace).unwrap();
        assert_eq!(patched["metadata"]["annotations"]["b"], "2");
    }

    #[test]
    fn a_patch_that_is_no_list_is_400() {
        assert_eq!(json_patched(&json!({}), &json!({"op": "add"})).unwrap_err().code, 400);
        assert!(PatchType::of("text/plain").is_err());
    }
}
