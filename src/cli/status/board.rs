//! What was shown already: with `--watch`, only what changed is shown again.

use super::{Seen, View, header, notes, rows, table};
use crate::{
    cli::{
        Failure, Output, local,
        output::{rendered, write},
    },
    http::api::{Status as Process, VERSION, Workload, WorkloadList},
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// What stands on the screen.
pub(super) struct Board<'a> {
    form: &'a Output,
    view: View,
    watch: bool,
    process: Option<String>,
    workloads: BTreeMap<String, String>,
    widths: Vec<usize>,
}

impl<'a> Board<'a> {
    /// Nothing stands there yet.
    pub(super) fn new(form: &'a Output, view: View, watch: bool) -> Self {
        Self { form, view, watch, process: None, workloads: BTreeMap::new(), widths: Vec::new() }
    }

    /// Shows it; says whether anybody reads.
    pub(super) fn show(&mut self, seen: &Seen, now: DateTime<Utc>) -> Result<bool, Failure> {
        let text = self.text(seen, now)?;
        let (process, workloads) = seen;
        for gone in self.workloads.keys().filter(|key| !workloads.iter().any(|w| w.key() == **key)) {
            eprintln!("{gone}: not looked at any more");
        }
        let stands = essence_of(process);
        if self.process.as_ref().is_some_and(|before| *before != stands) {
            eprint!("{}", header(process, now));
        }
        self.process = Some(stands);
        self.workloads = workloads.iter().map(|w| (w.key(), essence(w))).collect();
        write(&text)
    }

    fn text(&mut self, (process, workloads): &Seen, now: DateTime<Utc>) -> Result<String, Failure> {
        let first = self.process.is_none();
        if !self.watch {
            let list = WorkloadList { version: VERSION.to_owned(), workloads: workloads.clone() };
            let names: Vec<&str> = workloads.iter().map(|w| w.hpa.as_str()).collect();
            return rendered(self.form, &list, &names, |list| table(process, &list.workloads, now, self.view));
        }
        let changed: Vec<Workload> =
            workloads.iter().filter(|w| self.workloads.get(&w.key()) != Some(&essence(w))).cloned().collect();
        if !self.form.for_people() {
            let between = if *self.form == Output::Yaml { "---\n" } else { "" };
            let one = |w: &Workload| Ok(format!("{between}{}", rendered(self.form, w, &[&w.hpa], |_| String::new())?));
            return changed.iter().map(one).collect();
        }
        let again = rows(&changed, now, self.view).within(std::mem::take(&mut self.widths));
        self.widths = again.widths();
        if first {
            return Ok(table(process, workloads, now, self.view));
        }
        let notes = if self.view.bare { String::new() } else { notes(&changed) };
        Ok(again.bare(true).render() + &notes)
    }
}

/// What makes a row another row. Moments and loads move at every tick; they alone are no news.
fn essence(w: &Workload) -> String {
    let peak = w.peak.map(|p| p.need);
    let reasons: Vec<&str> = w.reasons.iter().map(|r| r.code.as_str()).collect();
    let blocks: Vec<&str> = w.notes.iter().filter(|n| n.blocks).map(|n| n.code.as_str()).collect();
    let figures = (w.base, w.floor, w.need, w.current, w.max, peak);
    format!("{} {} {figures:?} {reasons:?} {blocks:?} {:?}", w.mode, w.state, w.limited_by)
}

/// What makes the process another: who leads, and what stands against its work.
fn essence_of(process: &Process) -> String {
    let sources: Vec<(&str, bool)> = process.datasources.iter().map(|d| (d.name.as_str(), d.up)).collect();
    let who = if process.identity == local::IDENTITY { "" } else { process.identity.as_str() };
    let stops = (&process.control, &process.control_namespaces, process.config_in_force, &process.forbidden);
    format!("{who} {} {sources:?} {stops:?}", process.leader)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn workload(hpa: &str, floor: u32) -> Workload {
        Workload { namespace: "shop".into(), hpa: hpa.into(), floor: Some(floor), ..Workload::default() }
    }

    fn texts(form: &Output, view: View, looks: &[Vec<Workload>]) -> Vec<String> {
        let mut board = Board::new(form, view, true);
        let now = DateTime::UNIX_EPOCH;
        let mut at = |i: usize, look: &Vec<Workload>| {
            let seen = (Process { config_in_force: true, ..Process::default() }, look.clone());
            let text = board.text(&seen, now + TimeDelta::seconds(5 * i as i64)).unwrap();
            board.process = Some(essence_of(&seen.0));
            board.workloads = look.iter().map(|w| (w.key(), essence(w))).collect();
            text
        };
        looks.iter().enumerate().map(|(i, look)| at(i, look)).collect()
    }

    #[test]
    fn only_what_changed_is_shown_again_in_the_same_columns() {
        let looks = [
            vec![workload("a-long-name", 3), workload("web", 3)],
            vec![workload("a-long-name", 3), workload("web", 3)],
            vec![workload("a-long-name", 3), workload("web", 12)],
            vec![workload("web", 12)],
        ];
        let shown = texts(&Output::Table, View { bare: true, ..View::default() }, &looks);
        let row =
            |hpa: &str, floor| format!("shop       {hpa:<11}               -     {floor:<5}  -     -        -    -\n");
        assert_eq!(shown[0], row("a-long-name", 3) + &row("web", 3));
        assert_eq!(shown[1..], [String::new(), row("web", 12), String::new()]);
        let named = texts(&Output::Name, View::default(), &looks);
        let name = |hpa: &str| format!("horizontalpodautoscaler.autoscaling/{hpa}\n");
        assert_eq!(named, [name("a-long-name") + &name("web"), String::new(), name("web"), String::new()]);
        let template = Output::Jsonpath("{.hpa}={.floor} ".parse().unwrap());
        assert_eq!(texts(&template, View::default(), &looks), ["a-long-name=3 web=3 ", "", "web=12 ", ""]);
    }
}
