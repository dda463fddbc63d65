//! Who would gain most: all HPAs of a namespace or of the cluster, side by side.

use super::{
    Backtest,
    cluster::Found,
    progress::Progress,
    report::{Curves, Report},
    table::difference,
    verdict::Advice,
    work,
};
use crate::{cli::output::Table, http::api::VERSION};
use floorcast_models::replay::Strategy;
use serde::Serialize;

/// All of them, those first that would gain most.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Ranking {
    /// Version of this form.
    pub version: &'static str,
    /// Those replayed, by the starved minutes a day that floorcast spares; then those that could not be.
    pub workloads: Vec<Ranked>,
}

/// One HPA.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Ranked {
    /// Namespace.
    pub namespace: String,
    /// Name of the HPA.
    pub hpa: String,
    /// Its backtest, without curves; `null` where there is none.
    pub report: Option<Report>,
    /// Why there is none.
    pub refused: Option<String>,
}

impl Ranking {
    /// Replays each at its own settings; equal service is for one at a time.
    pub(super) fn of(found: Vec<Found>, command: &Backtest, progress: &Progress) -> Self {
        let command = Backtest { no_equal_service: true, ..command.clone() };
        let all = found.len();
        let replayed = found.into_iter().enumerate().map(|(i, found)| {
            let report = found.subject.and_then(|subject| {
                work::report(&subject, &command, &progress.part(i, all)).map_err(|failure| failure.to_string())
            });
            let (report, refused) = match report {
                Ok(report) => (Some(Report { curves: Curves::default(), ..report }), None),
                Err(why) => (None, Some(why)),
            };
            Ranked { namespace: found.namespace, hpa: found.hpa, report, refused }
        });
        let mut workloads: Vec<Ranked> = replayed.collect();
        workloads.sort_by(|a, b| b.gain().total_cmp(&a.gain()));
        Self { version: VERSION, workloads }
    }

    /// What a person reads.
    pub(super) fn text(&self) -> String {
        let mut table =
            Table::new(&["HPA", "ADVICE", "DAYS", "STARVED MIN", "WITH FLOORCAST", "POD-HOURS", "VS HPA", "TRUSTED"]);
        for (name, report) in self.replayed() {
            table.row(row(&name, report).unwrap_or_else(|| vec![name]));
        }
        let mut text = table.render();
        let gaining = self.replayed().filter(|(_, report)| report.verdict.advice == Advice::Enable).count();
        let (replayed, all) = (self.replayed().count(), self.workloads.len());
        text += &format!(
            "\n{gaining} of {replayed} would gain. floorcast backtest NAMESPACE/NAME shows one with all policies and why.\n"
        );
        if replayed < all {
            text += &format!("\nNot replayed, {} of {all}:\n", all - replayed);
            for why in self.workloads.iter().filter_map(|w| w.refused.as_ref()) {
                text += &format!("  {why}\n");
            }
        }
        text
    }

    fn replayed(&self) -> impl Iterator<Item = (String, &Report)> {
        self.workloads.iter().filter_map(|w| Some((format!("{}/{}", w.namespace, w.hpa), w.report.as_ref()?)))
    }
}

impl Ranked {
    /// Starved minutes a day that floorcast spares; those without a backtest come last.
    fn gain(&self) -> f64 {
        self.report.as_ref().map_or(f64::NEG_INFINITY, |report| {
            let [alone, with] = [Strategy::Hpa, Strategy::Floorcast].map(|policy| report.figures(policy));
            let spared = alone.zip(with).map(|(alone, with)| alone.starved_minutes - with.starved_minutes);
            spared.unwrap_or(f64::NEG_INFINITY) / days(report)
        })
    }
}

fn row(name: &str, report: &Report) -> Option<Vec<String>> {
    let (alone, with) = (report.figures(Strategy::Hpa)?, report.figures(Strategy::Floorcast)?);
    let advice = match report.verdict.advice {
        Advice::Enable => "enable",
        Advice::NotYet => "not yet",
        Advice::NoGain => "no gain",
    };
    Some(vec![
        name.to_owned(),
        advice.to_owned(),
        format!("{:.1}", days(report)),
        format!("{:.1}", alone.starved_minutes),
        format!("{:.1}", with.starved_minutes),
        format!("{:.1}", alone.pod_hours),
        difference(alone.pod_hours, with.pod_hours),
        format!("{:.0} %", 100.0 * report.forecast.trusted_share),
    ])
}

/// Half a day at least is replayed.
fn days(report: &Report) -> f64 {
    (report.settings.until - report.settings.from).num_minutes() as f64 / 1440.0
}
