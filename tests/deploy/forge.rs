//! What the forge keeps of a run.

use crate::files;
use serde_json::Value;

#[test]
fn the_pictures_of_the_pages_are_kept_also_where_a_test_failed() {
    let workflow = files::yaml(".github/workflows/ci.yaml");
    let steps = workflow["jobs"]["test"]["steps"].as_array().unwrap();
    let run =
        steps.iter().position(|step| step["run"].as_str().is_some_and(|run| run.starts_with("cargo test "))).unwrap();
    let kept = |step: &&Value| step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/upload-artifact@"));
    let kept = steps[run..].iter().find(kept).expect("nothing is kept after the tests");
    // Where tests/page and tests/daemon leave them.
    assert_eq!((&kept["if"], &kept["with"]["path"]), (&"always()".into(), &"target/tmp/page/*.png".into()));
}
