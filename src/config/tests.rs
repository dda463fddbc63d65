#![allow(clippy::unwrap_used)]
use super::*;

/// What a user reads, the file being called `f.yaml`.
fn refused(text: &str) -> String {
    Config::parse(text, Path::new("f.yaml")).unwrap_err().to_string()
}

#[test]
fn the_example_is_good_and_says_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/config/floorcast.yaml");
    let example = load(&path).unwrap();
    assert_eq!(example.datasources.len(), 1);
    assert_eq!(example.templates["requests"].fault(), None);
    let bare = Config { datasources: Vec::new(), templates: BTreeMap::new(), ..example };
    assert_eq!(bare, Config::default(), "the example shows the defaults");
}

#[test]
fn nothing_is_the_default() {
    assert_eq!(Config::parse("# nothing\n\n", Path::new("f.yaml")).unwrap(), Config::default());
    assert_eq!(Config::parse("", Path::new("f.yaml")).unwrap(), Config::default());
}

#[test]
fn what_is_viewed_reads_back_the_same() {
    let text = "datasources: [{name: a, url: 'http://a:9090'}]\ntiming: {tick: 1s}\nguard: {maxFloor: 7}\n";
    let config = Config::parse(text, Path::new("f.yaml")).unwrap();
    let viewed = serde_saphyr::to_string(&config.redacted()).unwrap();
    assert_eq!(Config::parse(&viewed, Path::new("v.yaml")).unwrap(), config);
}

#[test]
fn no_secret_is_shown() {
    let text = "datasources: [{name: a, url: 'http://a:9090', tenant: canary-1, headers: {X-Tenant-ID: canary-2}}]\n";
    let config = Config::parse(text, Path::new("f.yaml")).unwrap();
    let viewed = serde_saphyr::to_string(&config.redacted()).unwrap();
    for shown in [viewed, format!("{config:?}")] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}

/// Wrong files, and the error as a user reads it: file, line, column, key, what, why, remedy.
const WRONG: &[(&str, &str)] = &[
    ("datasource: []\n", "f.yaml:1:1: datasource: \"datasource\" is no key here\n  why: known are "),
    (
        "defaults:\n  quantil: 0.9\n",
        "f.yaml:2:3: defaults.quantil: \"quantil\" is no key here\n  why: known are quantile, leadTime, timezone, model, step, history\n  fix: did you mean quantile?",
    ),
    (
        "defaults:\n  quantile: 1.5\n",
        "f.yaml:2:13: defaults.quantile: 1.5 is out of range\n  why: allowed is 0.5 to 0.999\n  fix: write a number in this range",
    ),
    (
        "defaults:\n  leadTime: 3d\n",
        "f.yaml:2:13: defaults.leadTime: 3d is out of range\n  why: allowed is 1m to 2h\n  fix: write a duration in this range",
    ),
    (
        "timing:\n  tick: 15\n",
        "f.yaml:2:9: timing.tick: \"15\" is not a duration\n  why: the number 15 has no unit (w, d, h, m, s, ms)\n  fix: write for example 90s, 5m, 1h30m or 4w",
    ),
    (
        "defaults:\n  timezone: Europe/Berln\n",
        "f.yaml:2:13: defaults.timezone: \"Europe/Berln\" is not a time zone\n  why: only names of the IANA database are known\n  fix: did you mean Europe/Berlin?",
    ),
    (
        "optIn:\n- mode: shdow\n",
        "f.yaml:2:9: optIn[0].mode: \"shdow\" is no value here\n  why: known are off, shadow, live\n  fix: did you mean shadow?",
    ),
    (
        "datasources:\n- {name: main, url: 'http://p:9090', bearrerToken: a}\n",
        "f.yaml:2:38: datasources[0].bearrerToken: \"bearrerToken\" is no key here\n  why: known are name, url, kind, auth, ",
    ),
    (
        "datasources: hunter2\n",
        "f.yaml:1:14: datasources: the value has the wrong type\n  why: a list is expected\n  fix: write each entry on a line that begins with \"- \"",
    ),
    (
        "datasources:\n- hunter2\n",
        "f.yaml:2:3: datasources[0]: the value has the wrong type\n  why: a mapping of keys is expected\n  fix: write key: value lines under it",
    ),
    ("datasources:\n- name: main\n", "the key url is missing\n  why: it has no default\n  fix: add url: …"),
    (
        "datasources:\n- name: main\n  url: http://p:9090\n  auth:\n    basic: {username: u, password: hunter2}\n",
        "\"password\" is no key here\n  why: known are username, passwordFile\n  fix: did you mean passwordFile? (secrets are read from files, never written here)",
    ),
    (
        "datasources:\n- name: main\n  url: http://user:hunter2@p:9090\n",
        "f.yaml:3:8: datasources[0].url: the address holds a user or password\n  why: secrets are read from files, never written here\n  fix: use auth.basic with passwordFile",
    ),
    (
        "datasources:\n- {name: main, url: 'prometheus:9090'}\n",
        "datasources[0].url: the address has no scheme that is known",
    ),
    (
        "datasources:\n- {name: main, url: 'http://p'}\n- {name: main, url: 'http://q'}\n",
        "f.yaml:3:10: datasources[1].name: \"main\" is there twice",
    ),
    (
        "datasources:\n- {name: main, url: 'http://p', headers: {Authorization: hunter2}}\n",
        "datasources[0].headers.Authorization: the header \"Authorization\" is not allowed",
    ),
    (
        "datasources:\n- {name: main, url: 'http://p'}\ndefaultDatasource: mian\n",
        "f.yaml:3:20: defaultDatasource: there is no datasource \"mian\"\n  why: every name refers to an entry of datasources\n  fix: did you mean main?",
    ),
    (
        "templates:\n  r: {query: 'sum(x{a=\"$app\"})'}\n",
        "templates.r.arguments: the query uses $app, which is no argument",
    ),
    ("timing: {leaseDuration: 10s, leaseRenewDeadline: 10s}\n", "10s is not shorter than leaseDuration (10s)"),
    ("timing: {tick: 1ms}\n", "1ms is out of range\n  why: allowed is 200ms to 5m"),
    ("defaults: {step: 7m}\n", "7m does not divide a day"),
    ("defaults: {model: profle}\n", "\"profle\" is no model"),
    ("exclude: [{from: 2026-01-02T00:00:00Z, to: 2026-01-01T00:00:00Z}]\n", "the window ends before it begins"),
    (
        "schedules:\n- windows:\n  - {start: 0 18 * * 8, duration: 3h, replicas: 4}\n",
        "f.yaml:3:13: schedules[0].windows[0].start: \"0 18 * * 8\" is no cron expression\n  why: character 10: \"8\" is no day of the week: allowed are 0 to 7 (0 and 7 are Sunday), or SUN to SAT",
    ),
    (
        "schedules:\n- windows:\n  - {start: '@daily', duration: 32d, replicas: 4}\n",
        "32d is out of range\n  why: allowed is 1m to ",
    ),
    (
        "holidays: [{days: [DE, Germny]}]\n",
        "\"Germny\" is neither a country nor a day\n  why: known are ISO 3166 codes of two letters and days as YYYY-MM-DD",
    ),
    ("events: [{factor: 3}]\n", "events[0]: the event does not say when"),
    (
        "events:\n- {from: 2026-11-28T00:00:00Z, to: 2026-11-27T00:00:00Z, factor: 3}\n",
        "events[0]: the event ends before it begins",
    ),
    ("events: [{start: '@daily', duration: 1h, factor: 0}]\n", "0 is out of range\n  why: allowed is 0.05 to 50"),
    ("schedules: [{windows: []}]\n", "schedules[0].windows: the list of windows is empty"),
    ("schedules: [{namespaces: [], windows: []}]\n", "schedules[0].namespaces: the list of namespaces is empty"),
    ("defaults: [1]\n", "f.yaml:1:11: defaults: "),
    ("defaults: {quantile: 0.9, quantile: 0.8}\n", "is there twice"),
    ("a: b: c\n", "f.yaml:1:"),
    ("budgets: {cluster: -3}\n", "budgets.cluster: -3 is out of range\n  why: allowed is 0 to 1000000"),
];

#[test]
fn every_wrong_file_says_how_to_mend_it() {
    let mut wrong = String::new();
    for (text, message) in WRONG {
        let said = refused(text);
        if !said.contains(message) {
            wrong.push_str(&format!("---- of\n{text}---- wanted\n{message}\n---- said\n{said}\n"));
        }
        assert!(said.starts_with("f.yaml:"), "{said}");
        assert!(!said.contains("hunter2"), "a secret is shown: {said}");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn several_faults_are_told_at_once() {
    let said = refused("datasources: [{name: '', url: x}]\ndefaults: {step: 7m}\n");
    assert_eq!(said.lines().filter(|l| l.starts_with("f.yaml:")).count(), 3, "{said}");
}

/// Files with several values or keys that cannot be read, and the place and key of each as a user reads them.
const MANY: &[(&str, &[&str])] = &[
    (
        "defaults:\n  quantile: 1.5\n  leadTime: 3d\n  quantil: 1\ntiming: {tick: 15}\nbudgets: {cluster: -3, namespace: 7}\n",
        &[
            "2:13: defaults.quantile",
            "3:13: defaults.leadTime",
            "4:12: defaults.quantil",
            "5:16: timing.tick",
            "6:20: budgets.cluster",
        ],
    ),
    // A required key that is wrong is not told as missing too.
    (
        "datasources:\n- {name: main, url: [1], kind: prom}\n- {name: b, url: 'http://b'}\ndefaultDatasource: b\nguard: {headroom: x}\n",
        &["2:21: datasources[0].url", "2:32: datasources[0].kind", "5:19: guard.headroom"],
    ),
    // An entry that is wrong as a whole goes with its list: what else is wrong in the list is told next time.
    ("optIn:\n- hunter2\n- {mode: shdow}\nlog: {format: yaml}\n", &["2:3: optIn[0]", "4:15: log.format"]),
    // What is wrong between keys, like the step that divides no day, is told once every key can be read.
    ("defaults: {step: 7m, quantile: 2}\n", &["1:32: defaults.quantile"]),
    ("a: b: c\ndefaults: {quantile: 2}\n", &["1:"]),
];

#[test]
fn every_key_that_cannot_be_read_is_told_at_once() {
    for (text, wanted) in MANY {
        let said = refused(text);
        let heads: Vec<&str> = said.lines().filter_map(|l| l.strip_prefix("f.yaml:")).collect();
        let right = heads.len() == wanted.len() && heads.iter().zip(*wanted).all(|(head, key)| head.starts_with(key));
        assert!(right && !said.contains("hunter2"), "{text}wanted {wanted:?}, said\n{said}");
    }
}

#[test]
fn no_more_than_a_screen_of_faults_is_told() {
    let keys: Vec<String> = (0..50).map(|i| format!("k{i}: 1")).collect();
    let said = refused(&format!("timing: {{{}}}\n", keys.join(", ")));
    assert_eq!(said.lines().filter(|l| l.starts_with("f.yaml:")).count(), 20, "{said}");
}

#[test]
fn rules_go_by_the_first_match() {
    let text = "optIn:\n- {namespaces: [kube-*], mode: off}\n- {selector: {matchLabels: {tier: web}}, mode: live}\n- {mode: shadow}\n";
    let config = Config::parse(text, Path::new("f.yaml")).unwrap();
    let web = BTreeMap::from([("tier".to_owned(), "web".to_owned())]);
    assert_eq!(config.mode_of("kube-system", &web), Some(ModeWord::Off));
    assert_eq!(config.mode_of("shop", &web), Some(ModeWord::Live));
    assert_eq!(config.mode_of("shop", &BTreeMap::new()), Some(ModeWord::Shadow));
}

#[test]
fn the_schema_knows_every_section_and_refuses_others() {
    let schema = serde_json::to_value(Config::schema()).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let properties = schema["properties"].as_object().unwrap();
    let viewed = serde_json::to_value(Config::default()).unwrap();
    for key in viewed.as_object().unwrap().keys() {
        assert!(properties.contains_key(key), "{key}");
    }
}

#[tokio::test]
async fn a_bad_file_leaves_the_last_good_one_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.yaml");
    let (short, slow) = ("timing: {reload: 100ms, tick: 1s}\n", "timing: {reload: 100ms, tick: 2s}\n");
    std::fs::write(&path, short).unwrap();
    let first = Current { config: std::sync::Arc::new(load(&path).unwrap()), refused: None };
    let (publish, mut seen) = tokio::sync::watch::channel(first);
    let task = tokio::spawn(watch(path.clone(), publish));
    let mut next = async |text: &str| {
        std::fs::write(&path, text).unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(20), seen.changed()).await.unwrap().unwrap();
        seen.borrow_and_update().clone()
    };
    // Written by the time the watcher first looks, or seen as a change: either way the bad text arrives once.
    let bad = next("timing: {tik: 2s}\n").await;
    assert!(bad.refused.unwrap().to_string().contains("did you mean tick?"));
    assert_eq!(bad.config.timing.tick, Period::seconds(1));
    let good = next(slow).await;
    assert_eq!((good.refused, good.config.timing.tick), (None, Period::seconds(2)));
    drop(seen);
    task.await.unwrap();
}

#[test]
fn holidays_and_events_are_found_by_namespace_and_label() {
    let text = "holidays:\n- {days: [DE]}\n- {namespaces: [shop], days: [2026-12-24]}\nevents:\n- {selector: {matchLabels: {tier: web}}, from: 2026-11-27T00:00:00Z, to: 2026-11-28T00:00:00Z, factor: 3, reason: Black Friday}\n- {start: 0 20 * * SUN, duration: 2h, timezone: Europe/Berlin, factor: 1.5}\n";
    let config = Config::parse(text, Path::new("f.yaml")).unwrap();
    let (web, none) = (BTreeMap::from([("tier".to_owned(), "web".to_owned())]), BTreeMap::new());
    assert_eq!(config.holidays_of("shop", &none).len(), 2);
    assert_eq!(config.holidays_of("other", &none).len(), 1);
    let texts = |labels| -> Vec<String> {
        config.events_of("shop", labels, chrono_tz::Tz::UTC).iter().map(|event| event.text.to_string()).collect()
    };
    assert_eq!(texts(&web), ["Black Friday", "events of the configuration"]);
    assert_eq!(texts(&none), ["events of the configuration"]);
}

#[test]
fn a_short_word_of_other_letters_is_no_slip_of_the_pen() {
    for (word, name, is_near) in [
        ("foo", "log", false),
        ("lgo", "log", true),
        ("mian", "main", true),
        ("on", "off", false),
        ("lo", "log", true),
        ("shdow", "shadow", true),
    ] {
        assert_eq!(nearest(word, [name], 3).is_some(), is_near, "{word}, {name}");
    }
}
