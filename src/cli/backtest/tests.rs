//! A whole backtest of a small load, and what is refused.

use super::*;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    backtest: Backtest,
}

pub(super) fn command(arguments: &[&str]) -> Result<Backtest, String> {
    let line = ["backtest", "--csv", "load.csv"].iter().chain(arguments);
    Line::try_parse_from(line).map(|line| line.backtest).map_err(|e| e.to_string())
}

/// Eight days of a load that leaps every morning, in steps of 5 min.
fn leaping() -> terms::Subject {
    let start = chrono::DateTime::from_timestamp(1_767_571_200, 0).unwrap();
    let leap = |i: usize| if (96..216).contains(&(i % 288)) { 400.0 } else { 60.0 };
    let values = (0..8 * 288).map(leap).collect();
    let series = floorcast_models::series::Series::new(start, TimeDelta::minutes(5), values).unwrap();
    terms::Subject { name: "leaping".to_owned(), series, own: terms::Own::default() }
}

#[test]
fn a_backtest_says_what_floorcast_spares() {
    let command = command(&["--pod-start", "3m", "--no-noise"]).unwrap();
    let report = work::report(&leaping(), &command, &Progress::begin()).unwrap();
    let names: Vec<&str> = report.policies.iter().map(|p| p.policy).collect();
    assert_eq!(names, ["hpa", "floorcast", "last-week", "cron", "static", "oracle"]);
    let (alone, with) = (&report.policies[0], &report.policies[1]);
    assert!(with.starved_minutes < alone.starved_minutes, "{with:?} {alone:?}");
    assert_eq!(report.verdict.advice, verdict::Advice::Enable, "{}", report.verdict.text);
    assert_eq!(report.settings.replicas_at_mean, 10.0);
    for row in &report.equal_service {
        // Ten pods fill a node; an empty one would be given back, but the last.
        let least = row.pod_hours / 10.0;
        assert!(row.node_hours >= least && row.node_hours < 3.0 * least, "{row:?}");
    }
    let recommended = report.recommendation.as_ref().unwrap();
    assert!(
        recommended.steps[0].change.starts_with("now: the HPA alone, target 80 %, minReplicas 2"),
        "{recommended:?}"
    );
    assert!(recommended.patch.is_none(), "a recording has no HPA to patch");
    let text = table::text(&report, Ink::Ascii);
    assert!(text.contains("floorcast replicas") && text.contains("STARVED MIN"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["policies"][0]["starved_minutes"].is_number() && json["equal_service"].is_array());
}

/// What the leaping load's own HPA looks like, as it would be found in a cluster.
fn of_an_hpa(utilisation: u32, min: u32) -> terms::Subject {
    let cpu = crate::kubernetes::Metric::Resource {
        name: "cpu".to_owned(),
        container: None,
        aim: crate::kubernetes::workload::Aim::Utilization(utilisation),
    };
    let hpa = terms::Hpa {
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
        metrics: vec![cpu],
        live: false,
        target_per_replica: None,
    };
    let own = terms::Own {
        utilisation: Some(utilisation),
        min_replicas: Some(min),
        target_per_replica: Some(20.0),
        hpa: Some(hpa),
        ..terms::Own::default()
    };
    terms::Subject { own, ..leaping() }
}

#[test]
fn an_hpa_with_room_to_spare_gets_a_patch_and_what_it_buys() {
    // 40 % and never below 12 replicas, where 60 need 3: a higher target, fewer at night, and floors before the leap.
    let command = command(&["--pod-start", "3m", "--no-noise"]).unwrap();
    let report = work::report(&of_an_hpa(40, 12), &command, &Progress::begin()).unwrap();
    let recommended = report.recommendation.as_ref().unwrap();
    let (first, last) = (&recommended.steps[0], recommended.steps.last().unwrap());
    assert_ne!(recommended.policy, "none", "{recommended:?}");
    assert!(recommended.saved_vs_now > 0.2 && last.pod_hours < 0.8 * first.pod_hours, "{recommended:?}");
    assert!(recommended.min_replicas.unwrap() < 12 && recommended.utilisation.unwrap() > 40, "{recommended:?}");
    let allowed = 0.001 * (report.settings.until - report.settings.judged_from).num_minutes() as f64;
    assert!(last.starved_minutes <= allowed.max(first.starved_minutes), "{recommended:?}");
    let patch = serde_json::to_value(recommended.patch.as_ref().unwrap()).unwrap();
    assert_eq!(patch["metadata"]["name"], "web");
    let percent = patch["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"].as_u64();
    assert_eq!(percent, recommended.utilisation.map(u64::from), "{patch}");
    let (text, page) = (table::text(&report, Ink::Ascii), html::page(&report));
    for shown in [&text, &page] {
        for part in
            ["now: the HPA alone, target 40 %, minReplicas 12", "+ minReplicas", "averageUtilization", "Recommended:"]
        {
            assert!(shown.contains(part), "{part} is not in {shown}");
        }
    }
}

#[test]
fn samples_are_as_far_apart_as_said_or_else_as_the_daemon_asks_for_them() {
    let own = |step| terms::Own { step, ..terms::Own::default() };
    for (arguments, own_step, wanted) in [
        (&["--no-equal-service"][..], None, 300),
        (&["--no-equal-service"], Some(TimeDelta::minutes(15)), 900),
        (&["--no-equal-service", "--step", "1m"], Some(TimeDelta::minutes(15)), 60),
    ] {
        let subject = terms::Subject { own: own(own_step), ..leaping() };
        let report = work::report(&subject, &command(arguments).unwrap(), &Progress::begin()).unwrap();
        assert_eq!(report.settings.learned_step_seconds, wanted, "{arguments:?}");
        let known = report.curves.forecast.iter().flatten().count();
        assert!(known > report.curves.load.len() / 2, "{wanted} s: {known}");
    }
    let subject = leaping();
    let refused = work::report(&subject, &command(&["--step", "90s"]).unwrap(), &Progress::begin()).unwrap_err();
    assert!(
        refused.to_string().contains("90 s is not a multiple of the step of 60 s, on which it is replayed"),
        "{refused}"
    );
}

#[test]
fn wrong_numbers_are_refused_with_their_bounds() {
    for (arguments, why) in [
        (["--pod-start", "3h"], "1s to 2h"),
        (["--replicas-at-mean", "0"], "above 0"),
        (["--quantile", "1.5"], "0.5 to 0.999"),
        (["--starved-budget", "200%"], "below 1"),
        (["--step", "7m"], "divide a day"),
        (["--step", "5s"], "15s to 1h"),
        (["--utilisation", "0"], "5..=100"),
    ] {
        let error = command(&arguments).unwrap_err();
        assert!(error.contains(why), "{arguments:?}: {error}");
    }
    assert_eq!(command(&["--starved-budget", "0.1%"]).unwrap().starved_budget, 0.001);
}

#[test]
fn the_page_stands_alone_and_shows_everything() {
    let command = command(&["--pod-start", "3m", "--no-noise", "--no-equal-service"]).unwrap();
    let subject = terms::Subject { name: "a <load> & \"more\"".to_owned(), ..leaping() };
    let report = work::report(&subject, &command, &Progress::begin()).unwrap();
    let known = report.curves.forecast.iter().flatten().count();
    assert!(known > report.curves.load.len() / 2, "{known}");
    let page = html::page(&report);
    for wanted in [
        "a &lt;load&gt; &amp; &quot;more&quot;",
        "The worst moments",
        "path class=\"with\"",
        "path class=\"forecast\"",
        "pod start seconds",
    ] {
        assert!(page.contains(wanted), "{wanted} is not in the page");
    }
    for unwanted in ["<load>", "<script", "http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(unwanted), "{unwanted} is in the page");
    }
    assert!(page.len() < 300_000, "{}", page.len());
}

#[test]
fn a_ranking_begins_with_those_who_gain_and_ends_with_those_who_cannot_be_replayed() {
    let found = |hpa: &str, subject| cluster::Found { namespace: "shop".to_owned(), hpa: hpa.to_owned(), subject };
    let flat =
        floorcast_models::series::Series::new(leaping().series.start(), TimeDelta::minutes(5), vec![60.0; 8 * 288]);
    let flat = terms::Subject { series: flat.unwrap(), ..leaping() };
    let command = command(&["--pod-start", "3m", "--no-noise"]).unwrap();
    let all = vec![
        found("typo", Err("shop/typo: no samples".to_owned())),
        found("flat", Ok(flat)),
        found("leaping", Ok(leaping())),
    ];
    let ranking = ranking::Ranking::of(all, &command, &Progress::begin());
    let order: Vec<&str> = ranking.workloads.iter().map(|w| w.hpa.as_str()).collect();
    assert_eq!(order, ["leaping", "flat", "typo"]);
    let text = ranking.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].starts_with("shop/leaping  enable") && lines[2].starts_with("shop/flat     no gain"), "{text}");
    assert!(
        text.contains("1 of 2 would gain") && text.contains("Not replayed, 1 of 3:\n  shop/typo: no samples"),
        "{text}"
    );
    assert!(ranking.workloads.iter().flat_map(|w| &w.report).all(|report| report.equal_service.is_empty()));
}

#[test]
fn a_load_of_which_nothing_is_learned_is_told_why() {
    let mut load = leaping();
    let holes = load.series.values().iter().enumerate().map(|(i, v)| if i % 3 == 0 { *v } else { f32::NAN });
    load.series =
        floorcast_models::series::Series::new(load.series.start(), load.series.step(), holes.collect()).unwrap();
    let command = command(&["--pod-start", "3m", "--no-noise", "--no-equal-service"]).unwrap();
    let report = work::report(&load, &command, &Progress::begin()).unwrap();
    assert!(
        report.verdict.text.starts_with("Not yet, because nothing can be forecast: gaps: 67 % of "),
        "{:?}",
        report.verdict
    );
}

#[test]
fn a_replay_too_short_to_judge_is_not_tuned_and_says_so() {
    let mut load = leaping();
    let (start, step) = (load.series.start(), load.series.step());
    load.series = floorcast_models::series::Series::new(start, step, load.series.values()[..2 * 288].to_vec()).unwrap();
    let command = command(&["--pod-start", "3m", "--no-noise"]).unwrap();
    let report = work::report(&load, &command, &Progress::begin()).unwrap();
    assert!(report.equal_service.is_empty() && report.recommendation.is_none());
    let text = table::text(&report, Ink::Ascii);
    assert!(text.contains("that takes two replayed days") && !text.contains("At equal service"), "{text}");
}
