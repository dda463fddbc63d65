//! Panels of the shipped dashboards, asked of a real Prometheus as Grafana asks them.

use chrono::{DateTime, Utc};
use floorcast_testbed::Prometheus;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

const FOLDER: &str = "deploy/dashboards";

/// The dashboards by their file names, sorted.
pub(crate) fn dashboards() -> Vec<(String, Value)> {
    let paths = floorcast_testbed::files(FOLDER, ".json").unwrap();
    assert!(!paths.is_empty(), "no dashboard in {FOLDER}");
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap());
        (name, value.unwrap_or_else(|e| panic!("{}: {e}", path.display())))
    };
    paths.into_iter().map(read).collect()
}

/// Panels with queries: title and queries.
pub(crate) fn panels(dashboard: &Value) -> Vec<(String, Vec<String>)> {
    let queries = |panel: &Value| -> Vec<String> {
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(|t| t["expr"].as_str().unwrap().to_owned()).collect()
    };
    let all = dashboard["panels"].as_array().unwrap().iter();
    all.filter(|p| p["type"] != "row").map(|p| (p["title"].as_str().unwrap().to_owned(), queries(p))).collect()
}

/// What the dashboards show: from, to, and the time between two points.
pub(crate) struct Shown {
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    pub(crate) step: Duration,
}

/// Variables of a dashboard, each with a value.
type Chosen = Vec<(String, String)>;

impl Shown {
    /// Asks every query of every panel, for everything that its dashboard's variables offer; returns how many were asked, and a
    /// line for each answer whose last number is not `enough` for a panel of this title.
    pub(crate) async fn too_little(
        &self,
        prometheus: &Prometheus,
        enough: impl Fn(&str, Option<f64>) -> bool,
    ) -> (usize, Vec<String>) {
        let (mut asked, mut short, mut by_itself) = (0, Vec::new(), BTreeMap::new());
        for (file, dashboard) in dashboards() {
            for chosen in self.choices(prometheus, &dashboard).await {
                for (title, query) in
                    panels(&dashboard).iter().flat_map(|(t, queries)| queries.iter().map(move |q| (t, q)))
                {
                    let last = self.last(prometheus, query, &chosen).await;
                    asked += 1;
                    if !enough(title, last) {
                        short.push(format!("{file}: {title}, {chosen:?}: {last:?} from {query}"));
                    }
                    if let Some(bare) = without_fallback(query) {
                        let seen = by_itself.entry(format!("{file}: {title}: {bare}")).or_insert(false);
                        *seen = *seen || self.last(prometheus, &bare, &chosen).await.is_some();
                    }
                }
            }
        }
        // What falls back to 0 always has a number: for one choice at least it must have one of its own.
        let unseen = by_itself.into_iter().filter(|(_, seen)| !seen);
        short.extend(unseen.map(|(query, _)| format!("{query} never has a number of its own")));
        (asked, short)
    }

    /// The last number that a query gives, the largest of its series.
    async fn last(&self, prometheus: &Prometheus, query: &str, chosen: &Chosen) -> Option<f64> {
        let query = self.filled(query, chosen);
        let found = prometheus.query_range(&query, self.from, self.to, self.step).await;
        found.unwrap_or_else(|e| panic!("{query}: {e}")).iter().filter_map(last_number).reduce(f64::max)
    }

    /// What a person may choose: each option that Prometheus gives for a variable under what was chosen before, and All where there
    /// is.
    async fn choices(&self, prometheus: &Prometheus, dashboard: &Value) -> Vec<Chosen> {
        let mut choices = vec![Chosen::new()];
        let variables = dashboard["templating"]["list"].as_array().unwrap().iter().filter(|v| v["type"] == "query");
        for variable in variables {
            let name = variable["name"].as_str().unwrap();
            let query = variable["query"]["query"].as_str().unwrap();
            assert_eq!(variable["definition"], query, "{name}");
            let (series, label) =
                query.strip_prefix("label_values(").unwrap().trim_end_matches(')').rsplit_once(", ").unwrap();
            let mut next = Vec::new();
            for chosen in choices {
                let matching = self.filled(series, &chosen);
                let mut options = prometheus.label_values(label, &matching).await.unwrap();
                assert!(!options.is_empty(), "nothing to choose for {name}: {query} as {matching}");
                options.extend(variable["allValue"].as_str().map(str::to_owned));
                next.extend(options.into_iter().map(|o| [&chosen[..], &[(format!("${name}"), o)]].concat()));
            }
            choices = next;
        }
        choices
    }

    /// A query as Grafana would send it, with these values of its variables.
    fn filled(&self, query: &str, chosen: &Chosen) -> String {
        let range = format!("{}s", (self.to - self.from).num_seconds());
        let clock = [("$__rate_interval".to_owned(), "5m".to_owned()), ("$__range".to_owned(), range)];
        let values = clock.iter().chain(chosen);
        let query = values.fold(query.to_owned(), |query, (from, to)| query.replace(from, to));
        assert!(!query.contains('$'), "an unknown variable in {query}");
        query
    }
}

/// A query without what it shows where it finds nothing; `None` of one that shows nothing then.
fn without_fallback(query: &str) -> Option<String> {
    let bare = query.replace(" or on () vector(0)", "").replace(" or vector(0)", "");
    (bare != query).then_some(bare)
}

/// The last number of a series.
fn last_number(series: &Value) -> Option<f64> {
    let values = series["values"].as_array().unwrap().iter().rev();
    values.filter_map(|v| v[1].as_str()?.parse::<f64>().ok()).find(|v| v.is_finite())
}
