#![allow(clippy::unwrap_used)]
use super::*;
use floorcast_models::policy::LeadTime;
use proptest::prelude::*;
use std::path::Path;

fn config() -> Config {
    let text = r#"
datasources: [{name: main, url: 'http://p:9090'}]
allowQuery: [trusted]
templates:
  requests: {query: 'sum(rate(x{service="$service"}[5m]))', arguments: [service], targetPerReplica: 50}
  bare: {query: 'sum(y{ns="$namespace"})'}
optIn: [{namespaces: [fleet-*], mode: shadow}]
"#;
    Config::parse(text, Path::new("f.yaml")).unwrap()
}

fn on(pairs: &[(&str, &str)]) -> Annotations {
    pairs.iter().map(|(key, value)| (format!("{PREFIX}{key}"), (*value).to_owned())).collect()
}

fn of(pairs: &[(&str, &str)], namespace: &str) -> OptIn {
    read(&on(pairs), &Annotations::new(), &config(), namespace, &Annotations::new())
}

/// The errors of one value beside `mode: live`.
fn wrong(key: &str, value: &str) -> Vec<AnnotationError> {
    of(&[("mode", "live"), (key, value)], "shop").settings.unwrap_err()
}

#[test]
fn what_users_write_becomes_a_policy() {
    let it = of(
        &[
            ("mode", "live"),
            ("load", r#"requests(service="web, the \"first\"")"#),
            ("lead-time", "10m"),
            ("quantile", "0.99"),
            ("min-replicas", "3"),
            ("max-floor", "40"),
            ("timezone", "Europe/Berlin"),
            ("model", "profile"),
        ],
        "shop",
    );
    let settings = it.settings.unwrap();
    let policy = &settings.policy;
    assert_eq!((it.mode, it.source), (Some(Mode::Live), Source::Annotation(On::Hpa)));
    assert_eq!(policy.lead, LeadTime::Fixed(chrono::TimeDelta::minutes(10)));
    assert_eq!((policy.quantile, policy.zone), (0.99, chrono_tz::Tz::Europe__Berlin));
    assert_eq!((policy.base, policy.max_floor), (Some(Replicas::new(3)), Some(Replicas::new(40))));
    assert_eq!(settings.target_per_replica, PerReplica::new(50.0), "the template's");
    let LoadChoice::Template { name, arguments } = settings.load else { panic!("a template is named") };
    assert_eq!(name, "requests");
    assert_eq!(arguments["service"], "web, the \"first\"");
}

#[test]
fn the_hpa_wins_key_by_key_and_rules_come_last() {
    let (hpa, target) = (on(&[("quantile", "0.9")]), on(&[("mode", "live"), ("quantile", "0.8")]));
    let it = read(&hpa, &target, &config(), "fleet-a", &Annotations::new());
    assert_eq!((it.mode, it.source), (Some(Mode::Live), Source::Annotation(On::Target)));
    assert_eq!(it.settings.unwrap().policy.quantile, 0.9);
    let it = read(&Annotations::new(), &Annotations::new(), &config(), "fleet-a", &Annotations::new());
    assert_eq!((it.mode, it.source), (Some(Mode::Shadow), Source::Rule));
    assert_eq!(of(&[], "shop").source, Source::Nobody);
}

#[test]
fn every_wrong_value_says_what_why_and_how_to_mend_it() {
    let mut differing = String::new();
    for (key, value, what, remedy) in [
        ("mode", "lvie", "\"lvie\" is no mode", "did you mean live?"),
        ("quantile", "1.5", "1.5 is out of range", "write a number in this range"),
        ("quantile", "NaN", "\"NaN\" is no number", "write digits with a point, such as 0.95"),
        ("quantile", "0,95", "\"0,95\" is no number", "write digits with a point, such as 0.95"),
        ("lead-time", "3d", "3d is out of range", "write a duration in this range"),
        ("lead-time", "15x", "\"15x\" is not a duration", "write for example 90s, 5m, 1h30m or 4w"),
        ("target-per-replica", "0", "\"0\" is out of range", "write the load that one replica should carry"),
        ("target-per-replica", "-3", "\"-3\" is out of range", "write the load that one replica should carry"),
        ("target-per-replica", "50m", "\"50m\" is no number", "write digits with a point, such as 0.95"),
        ("min-replicas", "-3", "\"-3\" is no number of replicas", "write a whole number in this range"),
        ("min-replicas", "1e9", "\"1e9\" is no number of replicas", "write a whole number in this range"),
        ("max-floor", "0", "\"0\" is no number of replicas", "write a whole number in this range"),
        ("timezone", "Europe/Berln", "\"Europe/Berln\" is not a time zone", "did you mean Europe/Berlin?"),
        ("model", "profle", "\"profle\" is no model", "did you mean profile?"),
        #[cfg(not(feature = "prophet"))]
        ("model", "prophet", "\"prophet\" is no model", "prophet is part of builds with `--features prophet` only"),
        ("load", "requets(service=web)", "there is no load template \"requets\"", "did you mean requests?"),
        ("load", "requests", "the argument service is missing", "add service=…"),
        ("load", "requests(servce=web)", "the template requests has no argument \"servce\"", "write it in this form"),
        (
            "load",
            "requests(service=a, namespace=b)",
            "the argument namespace cannot be given",
            "write requests(service=…)",
        ),
        (
            "load",
            "requests(service=\"a",
            "\"requests(service=\\\"a\" cannot be read",
            "write name or name(argument=value, argument=\"value\")",
        ),
        ("load", "bare", "target-per-replica is missing", "add floorcast.io/target-per-replica"),
        (
            "query",
            "sum(x)",
            "PromQL of one's own is not allowed in namespace shop",
            "use floorcast.io/load with a template, or ask the administrator",
        ),
        (
            "schedule",
            "0 25 * * 5, 3h, 12",
            "\"0 25 * * 5\" is no cron expression",
            "write minute, hour, day of the month, month, day of the week, such as 0 18 * * 5 for Fridays at 18:00",
        ),
        (
            "schedule",
            "0 18 * * 5, 3d12, 12",
            "\"3d12\" is not a duration, in the window at character 1",
            "write for example 90s, 5m, 1h30m or 4w",
        ),
        (
            "schedule",
            "0 18 * * 5, 3h, 12; 0 18 * * 6, 3h, Europe/Berln, 12",
            "\"Europe/Berln\" is not a time zone, in the window at character 21",
            "did you mean Europe/Berlin?",
        ),
        (
            "schedule",
            "0 18 * * 5, 3h, lots",
            "\"lots\" is no number of replicas, in the window at character 1",
            "write a whole number in this range",
        ),
        (
            "schedule",
            "0 18 * * 5",
            "the window \"0 18 * * 5\" at character 1 cannot be read",
            "write CRON, DURATION, REPLICAS or CRON, DURATION, ZONE, REPLICAS, windows parted by ; or a new line",
        ),
        ("holidays", "de", "\"de\" is neither a country nor a day", "did you mean DE?"),
        ("quantile", "", "the value is empty", "write a value, or remove the key"),
        ("quantile", "0.9\u{200B}5", "character 4 is U+200B, which cannot be seen", "type the value again by hand"),
        ("model", "\u{202E}auto", "character 1 is U+202E, which cannot be seen", "type the value again by hand"),
        ("model", "au\u{7}to", "character 3 is U+0007, which cannot be seen", "type the value again by hand"),
    ] {
        let errors = wrong(key, value);
        let Some(shown) = errors.iter().find(|e| e.what == what && e.remedy == remedy) else {
            differing.push_str(&format!("{key}: {value:?}: {errors:#?}\n"));
            continue;
        };
        assert!(!shown.why.is_empty() && shown.to_string().starts_with(&format!("floorcast.io/{key} on the ")));
    }
    assert!(differing.is_empty(), "{differing}");
}

#[test]
fn a_schedule_is_windows_in_the_zone_they_name() {
    let text = "0 8,18 * * 1-5, 3h, 12;\n 0 0 1 * *, 1d, Asia/Tokyo, 30 ;";
    let it = of(&[("mode", "live"), ("timezone", "Europe/Berlin"), ("schedule", text)], "shop").settings.unwrap();
    let windows: Vec<_> =
        it.policy.schedule.iter().map(|w| (w.when.lasts.num_hours(), w.when.zone.name(), w.replicas.get())).collect();
    assert_eq!(windows, [(3, "Europe/Berlin", 12), (24, "Asia/Tokyo", 30)]);
    assert_eq!(it.policy.schedule[0].to_string(), "0 8,18 * * 1-5, 3h, 12");
}

#[test]
fn the_wrong_character_of_a_schedule_is_told() {
    for (value, character, why) in [
        ("0 25 * * 5, 3h, 12", 3, "\"25\" is no hour: allowed are 0 to 23"),
        ("0 18 * * 5, 3h, 12;  0 18 * FOO 5, 3h, 12", 29, "\"FOO\" is no month"),
        ("0 18 * *, 3h, 12", 9, "5 fields (minute, hour, day of the month, month, day of the week), here are 4"),
        ("0 18 30 2 *, 3h, 12", 1, "it never happens"),
    ] {
        let said = wrong("schedule", value)[0].why.clone();
        assert!(said.starts_with(&format!("character {character}: ")) && said.contains(why), "{value}: {said}");
    }
    assert!(wrong("schedule", &"* * * * *, 1m, 1;".repeat(65))[0].what.contains("more than 64 windows"));
}

#[test]
fn an_annotated_schedule_stands_instead_of_the_configured_ones() {
    let text = "schedules:\n- namespaces: [shop]\n  windows:\n  - {start: 0 18 * * 5, duration: 3h, replicas: 12, reason: sale}\n- windows:\n  - {start: '@daily', duration: 1h, timezone: UTC, replicas: 5}\n";
    let config = Config::parse(text, Path::new("f.yaml")).unwrap();
    let schedule = |pairs: &[(&str, &str)], namespace| {
        let it = read(&on(pairs), &Annotations::new(), &config, namespace, &Annotations::new());
        it.settings.unwrap().policy.schedule.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let live = ("mode", "live");
    assert_eq!(schedule(&[live], "shop"), ["sale: 0 18 * * 5, 3h, 12", "@daily, 1h, 5"]);
    assert_eq!(schedule(&[live], "other"), ["@daily, 1h, 5"]);
    assert_eq!(schedule(&[live, ("schedule", "0 9 * * *, 1h, 7")], "shop"), ["0 9 * * *, 1h, 7"]);
    assert!(schedule(&[live, ("schedule", "none")], "shop").is_empty());
}

#[test]
fn a_base_above_a_cap_or_above_max_is_refused() {
    let errors = of(&[("mode", "live"), ("min-replicas", "9"), ("max-floor", "5")], "shop").settings.unwrap_err();
    assert_eq!(errors[0].what, "9 is above max-floor 5");
    let settings = of(&[("mode", "live"), ("min-replicas", "9")], "shop").settings.unwrap();
    assert_eq!(settings.against(Replicas::new(8), On::Hpa).unwrap().what, "9 is above maxReplicas 8");
    assert_eq!(settings.against(Replicas::new(9), On::Hpa), None);
}

#[test]
fn promql_of_ones_own_needs_permission_and_a_target() {
    let pairs = [("mode", "live"), ("query", "sum(\n  x\n)"), ("target-per-replica", "5")];
    assert_eq!(of(&pairs, "trusted").settings.unwrap().load, LoadChoice::Query("sum(\n  x\n)".to_owned()));
    let errors = of(&pairs[..2], "trusted").settings.unwrap_err();
    assert_eq!(errors[0].what, "target-per-replica is missing");
    let both = [("mode", "live"), ("query", "sum(x)"), ("load", "requests(service=a)"), ("target-per-replica", "5")];
    assert_eq!(of(&both, "trusted").settings.unwrap_err()[0].key, Key::Query);
}

#[test]
fn a_megabyte_is_refused_and_not_repeated() {
    let error = &wrong("model", &"x".repeat(1_000_000))[0];
    assert_eq!(error.what, "the value has 1000000 bytes");
    assert!(error.to_string().len() < 1024 && error.value.chars().count() <= 81);
}

#[test]
fn a_wrong_mode_is_no_mode_and_off_is_off_whatever_else() {
    let it = of(&[("mode", "on")], "shop");
    assert_eq!((it.mode, it.effective_mode(), it.wanted()), (None, Mode::Off, true));
    let it = of(&[("mode", "off"), ("quantile", "7")], "shop");
    assert_eq!((it.settings.is_ok(), it.wanted()), (true, false));
}

#[test]
fn unknown_keys_are_told_with_the_nearest_one_and_our_own_are_known() {
    let it = of(
        &[("lead-tme", "5m"), ("zzz", "1"), ("base", "3"), ("until", "x"), ("schedule", "0 18 * * 5, 3h, 12")],
        "shop",
    );
    let told: Vec<String> = it.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "unknown annotation floorcast.io/lead-tme on the HorizontalPodAutoscaler; did you mean floorcast.io/lead-time?",
            "unknown annotation floorcast.io/zzz on the HorizontalPodAutoscaler; remove it, or look the keys up in the documentation",
        ]
    );
}

#[test]
fn every_key_with_one_edit_is_recognised() {
    for key in Key::ALL {
        let word = key.as_str();
        for at in 0..word.len() {
            let dropped = format!("{}{}", &word[..at], &word[at + 1..]);
            let it = of(&[(dropped.as_str(), "x")], "shop");
            if Key::ALL.iter().any(|k| k.as_str() == dropped) {
                continue;
            }
            let Some(Warning::UnknownKey { nearest, .. }) = it.warnings.first() else {
                panic!("{dropped} is not told")
            };
            let edits = nearest.map(|near| strsim::osa_distance(near, &dropped));
            assert_eq!(edits, Some(1), "{dropped}: {nearest:?}");
        }
    }
}

#[test]
fn every_example_is_right() {
    for key in Key::ALL {
        let pairs = [("mode", "live"), ("target-per-replica", "5"), (key.as_str(), key.example())];
        assert!(of(&pairs, "trusted").settings.is_ok(), "{key:?}: {:?}", of(&pairs, "trusted").settings);
    }
}

proptest! {
    #[test]
    fn any_value_is_read_or_refused(key in 0_usize..Key::ALL.len(), value in "\\PC{0,60}|.{0,60}") {
        let it = of(&[("mode", "live"), (Key::ALL[key].as_str(), &value)], "trusted");
        for error in it.settings.err().into_iter().flatten() {
            prop_assert!(error.to_string().chars().all(|c| !c.is_control()), "{error}");
            prop_assert!(!error.what.is_empty() && !error.why.is_empty() && !error.remedy.is_empty());
        }
    }
}
