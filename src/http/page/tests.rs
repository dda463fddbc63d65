#![allow(clippy::unwrap_used)]
use crate::http::{
    api::*,
    tests::{Served, ask, served},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What somebody could write into a name, an annotation or an error, to be run or to break out of its place.
const HOSTILE: &str = "\"><script>alert('x')</script><img src=x onerror=alert(1)>&amp;</td></desc>{{7*7}}\u{202e}";

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_014_400, 0).unwrap()
}

/// A workload with everything on it, every text of it the same.
fn full(namespace: &str, hpa: &str, text: &str) -> Workload {
    let text = || text.to_owned();
    let now = Utc::now();
    let reason = || Reason { code: text(), text: text() };
    let load = Load {
        name: text(),
        query: text(),
        datasource: text(),
        explain: vec![text()],
        model: Some(text()),
        weights: vec![Weight { model: text(), weight: 1.0 }],
        score: Some(Score { mase: Some(0.5), wape: 0.061, pinball: 1.0, coverage: 0.952 }),
        trust: Some(Trust { trusted: false, why: text() }),
        per_replica: Some(10.0),
        now: Some(80.0),
        newest: Some(now),
        recent: Recent::new(now - TimeDelta::hours(12), TimeDelta::minutes(15), (0..48).map(|i| Some(i as f32))),
        forecast: Points::new(now, TimeDelta::minutes(5), (0..289).map(|i| (i as f32, i as f32 + 9.0))),
        notes: vec![text()],
        ..Load::default()
    };
    Workload {
        namespace: namespace.to_owned(),
        hpa: hpa.to_owned(),
        target: text(),
        mode: text(),
        state: text(),
        base: Some(3),
        floor: Some(12),
        current: Some(14),
        recent: Counts::new(now - TimeDelta::hours(12), TimeDelta::minutes(5), (0..145).map(|i| Some(4 + i / 14))),
        max: Some(30),
        lead: Lead { seconds: 90, source: text() },
        quantile: 0.95,
        timezone: text(),
        loads: vec![load.into()],
        plan: vec![PlanStep { at: now, need: 9 }, PlanStep { at: now + TimeDelta::hours(5), need: 21 }],
        schedule: vec![Opening { from: now, to: now, replicas: 9, window: text() }],
        reasons: vec![reason()],
        limited_by: vec![text()],
        history: vec![Change { at: now, from: Some(3), to: Some(12), reasons: vec![reason()], outcome: text() }.into()],
        notes: vec![Note { code: text(), text: text(), blocks: true }],
        decided: Some(now),
        ..Workload::default()
    }
}

fn snapshot(workloads: impl IntoIterator<Item = Workload>) -> Snapshot {
    let workloads = workloads.into_iter().map(|w| (w.key(), Arc::new(w))).collect();
    Snapshot { workloads, last_tick: Some(Utc::now()), ..Snapshot::default() }
}

async fn page(it: &Served, path: &str) -> (u16, String, String) {
    ask(it.api, "GET", path, "localhost:8081").await
}

#[tokio::test]
async fn no_text_becomes_markup() {
    let mut all = snapshot([full(HOSTILE, HOSTILE, HOSTILE)]);
    all.unready = vec![HOSTILE.to_owned()];
    all.status = Status {
        version: HOSTILE.into(),
        identity: HOSTILE.into(),
        control: HOSTILE.into(),
        control_namespaces: [(HOSTILE.to_owned(), HOSTILE.to_owned())].into(),
        datasources: vec![Datasource { name: HOSTILE.into(), up: false, error: Some(HOSTILE.into()) }],
        forbidden: vec![HOSTILE.into()],
        ..Status::default()
    };
    let it = served(all).await;
    let (status, _, fleet) = page(&it, "/").await;
    assert_eq!(status, 200);
    let link = fleet.split("href=\"/workloads/").nth(1).unwrap().split('"').next().unwrap();
    assert!(link.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/".contains(&b)), "{link}");
    let (status, _, one) = page(&it, &format!("/workloads/{link}")).await;
    assert_eq!(status, 200, "the link leads to the workload");
    let asked: String = HOSTILE.bytes().fold(String::new(), |all, b| all + &format!("%{b:02X}"));
    let pages = [fleet, one, page(&it, &format!("/?q={asked}")).await.2, page(&it, &format!("/?{asked}=1")).await.2];
    for (n, text) in pages.iter().chain([&page(&it, &format!("/workloads/{asked}/x")).await.2]).enumerate() {
        assert!(text.contains("&lt;script&gt;alert('x')"), "{n}: the text is there, as text");
        for bad in ["<script>", "<img src=x", "</td></desc>", "\"><"] {
            // The page's own tags end in quotes too; an attribute that was broken out of ends before a hostile tag.
            let bad = if bad == "\"><" { "\"><script>alert" } else { bad };
            assert!(!text.contains(bad), "{n}: {bad}");
        }
        assert_eq!(text.matches("<script").count(), 1, "{n}: our own script only");
        assert!(!text.contains("style="), "{n}: the policy forbids styles within tags");
    }
}

#[tokio::test]
async fn pages_may_load_nothing_from_elsewhere_and_are_not_kept() {
    let it = served(snapshot([full("shop", "web", "x")])).await;
    for path in
        ["/", "/workloads/shop/web", "/workloads/shop/none", "/nowhere", "/?state=X", "/api/v1/status", "/live.js"]
    {
        let (_, head, body) = page(&it, path).await;
        for header in [
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cross-origin-resource-policy: same-origin",
            "content-security-policy: default-src 'none'; ",
            "frame-ancestors 'none'",
        ] {
            assert!(head.contains(header), "{path}: no {header} in {head}");
        }
        assert!(!head.contains("unsafe-"), "{path}: {head}");
        let outside = body.replace("http://www.w3.org/", "");
        assert!(
            !outside.contains("http://") && !outside.contains("https://") && !outside.contains("src=\"//"),
            "{path}"
        );
    }
    assert!(page(&it, "/").await.1.contains("script-src 'self'; img-src 'self'; connect-src 'self'"));
}

#[tokio::test]
async fn assets_come_with_their_types() {
    let it = served(Snapshot::default()).await;
    for (path, kind) in [("/style.css", "text/css"), ("/live.js", "text/javascript"), ("/icon.svg", "image/svg+xml")] {
        let (status, head, body) = page(&it, path).await;
        assert!(status == 200 && head.contains(&format!("content-type: {kind}")) && !body.is_empty(), "{path}: {head}");
    }
    assert_eq!(super::ICON, include_str!("../../../docs/icon.svg"), "one icon, in the documents and on the page");
}

#[tokio::test]
async fn the_fleet_is_found_by_word_state_order_and_page() {
    let one = |i: u32| Workload {
        namespace: format!("team-{}", i % 4),
        hpa: format!("web-{i:03}"),
        state: if i.is_multiple_of(10) { "Holding" } else { "Idle" }.to_owned(),
        base: Some(2),
        floor: i.is_multiple_of(10).then_some(2 + i),
        ..Workload::default()
    };
    let it = served(snapshot((0..250).map(one))).await;
    let rows = |body: &str| body.matches("<th scope=\"row\">").count();
    for (path, count, said) in [
        ("/", 100, "1–100 of 250"),
        ("/?page=3", 50, "201–250 of 250"),
        ("/?page=99", 50, "201–250 of 250"),
        ("/?state=Holding", 25, "1–25 of 25"),
        ("/?state=holding&q=TEAM-2", 12, "1–12 of 12"), // 10, 30, …, 230
        ("/?q=web-00", 10, "1–10 of 10"),
        ("/?q=team-1%2Fweb-001&state=&sort=name", 1, "1–1 of 1"),
        ("/?state=Refused", 0, "No workload fits"),
    ] {
        let (status, _, body) = page(&it, path).await;
        assert_eq!((status, rows(&body)), (200, count), "{path}");
        assert!(body.contains(said), "{path}: no {said}");
    }
    let (_, _, body) = page(&it, "/?sort=raised").await;
    let first = body.split("<th scope=\"row\">").nth(1).unwrap();
    assert!(first.starts_with("<a href=\"/workloads/team-0/web-240\">"), "{first}");
    let (_, _, body) = page(&it, "/?q=team&state=Idle&page=2").await;
    assert!(body.contains("href=\"/?q=team&amp;state=Holding\""), "a state keeps the word, from the first page");
    assert!(body.contains("href=\"/?q=team&amp;state=Idle&amp;page=3\""), "the next page keeps both");
    assert!(body.contains("name=\"q\" value=\"team\""), "the word stays in its field");
}

#[tokio::test]
async fn a_slip_is_answered_with_a_remedy() {
    let it = served(snapshot([full("shop", "web", "x")])).await;
    for (path, wanted, told) in [
        ("/?state=Hoding", 400, "Holding"),
        ("/?page=x", 400, "from 1 on"),
        ("/?size=10", 400, "q, state, sort, page"),
        ("/workloads/shop/wbe", 404, "floorcast.io/mode: shadow"),
        ("/workloads/..%2f..%2fetc/passwd", 404, "knows no HPA"),
        ("/../../etc/passwd", 404, "/workloads/NAMESPACE/HPA"),
        ("/workloads/%2e%2e/%2e%2e", 404, "knows no HPA"),
        ("/style.css/../../Cargo.toml", 404, "/workloads/NAMESPACE/HPA"),
        ("/workloads/shop/web/", 404, "/workloads/NAMESPACE/HPA"),
    ] {
        let (status, _, body) = page(&it, path).await;
        assert_eq!(status, wanted, "{path}");
        assert!(body.contains(told) && body.contains("href=\"/\""), "{path}: {body}");
        assert!(!body.contains("root:"), "{path}");
    }
    assert_eq!(ask(it.api, "POST", "/", "localhost").await.0, 405, "nothing can be changed");
    assert_eq!(ask(it.api, "GET", "/", "evil.example").await.0, 421, "no page for another's name");
    assert_eq!(ask(it.api, "GET", "/workloads/shop/web", "evil.example").await.0, 421);
    assert!(page(&it, "/api/v2").await.2.starts_with("{\"error\""), "programs are answered as programs");
}

#[tokio::test]
async fn endless_addresses_are_refused() {
    let it = served(Snapshot::default()).await;
    let (status, _, body) = page(&it, &format!("/?q={}", "x".repeat(5_000))).await;
    assert_eq!(status, 414);
    assert!(body.contains("shorten"), "{body}");
    // 64 KiB and 400 KiB are the bounds of the HTTP library, which answers without a text.
    for (begin, length) in [("/?q=", 66_000), ("/?q=", 100 << 10), ("/?q=", 1 << 20), ("/workloads/..%2f", 1 << 20)] {
        let address = begin.to_owned() + &"x".repeat(length);
        let (status, head, body) = page(&it, &address).await;
        assert_eq!(status, 414, "{length}");
        assert!(body.contains("shorten") && body.len() < 200 && head.contains("nosniff"), "{length}: {head} {body}");
        let (status, _, body) = ask(it.api, "GET", &address, "evil.example").await;
        assert!(status == 421 && body.contains("port-forward") && body.len() < 200, "{length}: {body}");
    }
    assert_eq!(ask(it.open, "GET", &format!("/metrics?{}", "x".repeat(1 << 20)), "x").await.0, 414);
}

#[tokio::test]
async fn a_long_address_takes_nothing_from_the_next_request_of_its_connection() {
    let it = served(snapshot([full("shop", "web", "x")])).await;
    let mut stream = TcpStream::connect(it.api).await.unwrap();
    let request = |address: &str, more: &str| format!("GET {address} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    let both = request(&format!("/?q={}", "x".repeat(1 << 20)), "") + &request("/live.js", "Connection: close\r\n");
    stream.write_all(both.as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert!(
        answers.starts_with("HTTP/1.1 414 ") && answers.contains("\r\n\r\n{\"error\":\"the address"),
        "{answers:.300}"
    );
    assert!(answers.contains("HTTP/1.1 200 OK\r\n") && answers.contains("\"use strict\""), "{answers:.600}");
}

#[tokio::test]
async fn a_workload_shows_its_day_and_why() {
    let mut w = full("shop", "web", "told");
    w.state = "Holding".into();
    w.timezone = "Europe/Berlin".into();
    w.peak = Some(Peak { at: Utc::now() + TimeDelta::hours(5), need: 21 });
    let it = served(snapshot([w])).await;
    let (_, _, body) = page(&it, "/workloads/shop/web").await;
    for part in [
        "<title>shop/web · floorcast</title>",
        "A floor is held as the plan needs it.",
        "class=\"band\"",
        "class=\"forecast\"",
        "class=\"load\"",
        "class=\"floor\"",
        "<path class=\"current\"",
        "</i>replicas</span>",
        "role=\"img\"",
        "<desc>Now 14 replicas, base 3, floor 12, - needed. There were 4 to 14 replicas lately.",
        "6.1\u{a0}%",
        "0.50 of its error",
        "95.2\u{a0}%",
        "95\u{a0}% wanted",
        "Not trusted",
        "3 → 12",
        "The numbers of these charts",
        "(Europe/Berlin)",
        "href=\"/api/v1/workloads/shop/web\"",
    ] {
        assert!(body.contains(part), "no {part} in {body}");
    }
}

#[tokio::test]
async fn little_is_known_at_first_and_that_is_said() {
    let bare =
        Workload { namespace: "shop".into(), hpa: "new".into(), state: "Learning".into(), ..Workload::default() };
    let mut all = snapshot([bare]);
    all.last_tick = Some(noon() - TimeDelta::hours(30_000));
    let it = served(all).await;
    let (status, _, body) = page(&it, "/workloads/shop/new").await;
    assert_eq!(status, 200);
    assert!(body.contains("Nothing was decided yet") && body.contains("None since this process began"), "{body}");
    assert!(body.contains("these figures are old"), "{body}");
    assert!(!body.contains("NaN") && !body.contains("class=\"current\""), "{body}");
    let (_, _, body) = page(&it, "/").await;
    assert!(body.contains("aria-label=\"unknown\""), "missing is never zero: {body}");
    let (_, _, body) = page(&served(Snapshot::default()).await, "/").await;
    assert!(body.contains("No workload is opted in") && body.contains("No tick yet"), "{body}");
}
