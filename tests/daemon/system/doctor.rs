//! Scenario 9: `doctor` on a good set-up and on broken ones.

use std::path::Path;

use serde_json::{Value, json};

use crate::system::ground::{Ground, Past, busy_now, live, run, settings};

/// What `doctor` answered.
struct Answer {
    code: i32,
    report: Value,
}

impl Answer {
    /// The findings that failed, as `name: what (remedy)`.
    fn failed(&self) -> Vec<String> {
        let findings = self.report["findings"].as_array().cloned().unwrap_or_default();
        let failed = findings.iter().filter(|f| f["verdict"] == "fail");
        failed.map(|f| format!("{}: {} ({})", f["name"], f["what"], f["remedy"])).collect()
    }

    /// It failed, with a finding that says all of `words` and how to mend it.
    fn must_tell(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{:#}", self.report);
        let failed = self.failed();
        let tells =
            |f: &String| words.iter().all(|w| f.to_lowercase().contains(&w.to_lowercase())) && !f.ends_with("(null)");
        assert!(failed.iter().any(tells), "no finding about {words:?} in {failed:#?}");
    }
}

async fn doctor(ground: &Ground, kubeconfig: &Path, config: &Value) -> Answer {
    let file = ground.cluster.folder().write("doctor.yaml", config.to_string()).unwrap();
    let output = run(&["doctor", "--output", "json"], &file, kubeconfig).await;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = serde_json::from_str(&text)
        .unwrap_or_else(|_| json!({"notJson": text, "stderr": String::from_utf8_lossy(&output.stderr)}));
    Answer { code: output.status.code().unwrap_or(-1), report }
}

#[tokio::test]
async fn scenario_9_doctor_finds_what_is_broken_and_says_how_to_mend_it() {
    if floorcast_testbed::left_out() {
        return;
    }
    let replay = busy_now("shop");
    let ground = Ground::start(&[Past::days(&replay)]).await;
    ground.workload(&replay, &live()).await;
    let good = settings(&ground.prometheus.url(), &json!({}));

    let answer = doctor(&ground, &ground.account, &good).await;
    assert_eq!((answer.code, answer.failed()), (0, Vec::new()), "{:#}", answer.report);

    // 1. Nobody listens at the datasource's address.
    let deaf = settings("http://127.0.0.1:9", &json!({}));
    doctor(&ground, &ground.account, &deaf).await.must_tell(3, &["main"]);
    // 2. Something else answers there: the API server's port speaks TLS, not Prometheus.
    let other = settings(&ground.cluster.url().replace("https", "http"), &json!({}));
    let answer = doctor(&ground, &ground.account, &other).await;
    assert_ne!(answer.code, 0, "{:#}", answer.report);
    // 3. A misspelt key.
    let misspelt = settings(&ground.prometheus.url(), &json!({"timing": {"tik": "1s"}}));
    doctor(&ground, &ground.account, &misspelt).await.must_tell(1, &["tik", "tick"]);
    // 4. An account without rights.
    ground.cluster.kubectl(&["create", "serviceaccount", "nobody", "-n", "floorcast"]).await.unwrap();
    let nobody = ground.cluster.service_account_kubeconfig("floorcast", "nobody").await.unwrap();
    doctor(&ground, &nobody, &good).await.must_tell(1, &["horizontalpodautoscalers"]);
    // 5. No kubeconfig.
    let answer = doctor(&ground, Path::new("/nonexistent/kubeconfig"), &good).await;
    assert_eq!(answer.code, 3, "{:#}", answer.report);
    // 6. A target per replica with which the load does not explain what the HPA wanted: the back-cast tells.
    let four_times = json!({"templates": {"requests": {"targetPerReplica": 40}}});
    let answer = doctor(&ground, &ground.account, &settings(&ground.prometheus.url(), &four_times)).await;
    answer.must_tell(1, &["shop/web", "DerivationMismatch", "the HPA's own wish", "explain shop/web"]);
    // 7. The Lease is gone.
    ground.cluster.kubectl(&["delete", "lease", "floorcast", "-n", "floorcast"]).await.unwrap();
    doctor(&ground, &ground.account, &good).await.must_tell(1, &["lease"]);
}
