//! The web page of the daemon in a real browser: the real server, a published fleet of a thousand workloads, Chromium without a window;
//! and the page that a backtest writes.
//!
//! | variable | |
//! |---|---|
//! | `FLOORCAST_BROWSER` | the browser's program, where it is not on the PATH |
//! | `FLOORCAST_SKIP_BROWSER_TESTS=1` | leaves these tests out; without it a missing browser fails them |
//!
//! Pictures of every page are left in `target/tmp/page`.
#![allow(clippy::unwrap_used)]

#[path = "page/backtest.rs"]
mod backtest;
#[path = "page/browser.rs"]
mod browser;
#[path = "page/fleet.rs"]
mod fleet;
#[path = "page/paint.rs"]
mod paint;

use browser::{Browser, left_out};
use chrono::Utc;
use floorcast::{
    config,
    http::{self, Pulse, Sources, api::Snapshot},
    metrics::Metrics,
};
use serde_json::json;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The largest page, by the bytes that are sent.
const LARGEST: u64 = 200 << 10;

struct Served {
    url: String,
    publish: watch::Sender<Arc<Snapshot>>,
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

async fn served() -> Served {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let listeners = http::bind(&config::Http { listen: free, api: free }).await.unwrap();
    let url = format!("http://{}", listeners.addresses().unwrap().1);
    let publish = watch::Sender::new(Arc::new(fleet::snapshot(1_000, Utc::now())));
    let pulse = Arc::new(Pulse::new(Utc::now(), Duration::from_secs(15)));
    let metrics = Arc::new(Metrics::new(10).unwrap());
    let (sources, stop) = (Sources { snapshot: publish.subscribe(), metrics, pulse }, CancellationToken::new());
    let task = tokio::spawn(listeners.serve(sources, stop.clone()));
    Served { url, publish, stop, task }
}

const ROWS: &str = "document.querySelectorAll('table.fleet tbody tr').length";
/// How long the first paint took: told, not judged, for a busy machine takes its time.
const PAINT: &str = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime";
/// What the script does when its page comes into view again.
const REFRESH: &str = "document.dispatchEvent(new Event('visibilitychange'))";

#[tokio::test]
async fn a_thousand_workloads_are_shown_searched_and_opened() {
    if left_out() {
        return;
    }
    let (it, mut browser) = (served().await, Browser::start().await);
    browser.go(&it.url).await;
    assert_eq!(browser.eval("document.title").await, "Fleet · floorcast");
    for visit in ["first", "second"] {
        browser.until(&format!("{PAINT} !== undefined")).await;
        let answered = browser.eval("performance.getEntriesByType('navigation')[0].responseEnd").await;
        println!("{visit} visit: answered after {answered} ms, painted after {} ms", browser.eval(PAINT).await);
        browser.go(&it.url).await;
    }
    assert_eq!(browser.eval(ROWS).await, 100);
    assert_eq!(browser.eval("document.querySelector('#count').textContent").await, "1–100 of 1,000 workloads");
    for page in ["/", "/?page=10", "/?sort=attention", "/workloads/shop/web", "/style.css", "/live.js"] {
        let size = format!("fetch('{page}').then((answer) => answer.arrayBuffer()).then((body) => body.byteLength)");
        let size = browser.eval(&size).await.as_u64().unwrap();
        println!("{page}: {size} bytes");
        assert!((500..=LARGEST).contains(&size), "{page}: {size} bytes");
    }
    browser.eval("document.querySelector('input[type=search]').focus()").await;
    browser.call("Input.insertText", json!({"text": "Payments/w"})).await;
    browser.until(&format!("location.search === '?q=Payments%2Fw' && {ROWS} === 10")).await;
    assert_eq!(browser.eval("document.activeElement.name + document.activeElement.value").await, "qPayments/w");
    browser.until("document.querySelector('#line').textContent === '1–10 of 10 workloads'").await;
    browser
        .follow("[...document.querySelectorAll('.states a')].find((a) => a.textContent.startsWith('Holding')).click()")
        .await;
    assert_eq!(browser.eval("location.search").await, "?q=Payments%2Fw&state=Holding");
    assert_eq!(
        browser.eval("[...new Set([...document.querySelectorAll('td .chip')].map((c) => c.textContent))].join()").await,
        "Holding"
    );
    assert_eq!(
        browser.eval("document.querySelector('.states [aria-current]').textContent.split(' ')[0]").await,
        "Holding"
    );
    browser.follow("document.querySelector('table.fleet th a').click()").await;
    assert_eq!(browser.eval("location.pathname").await, "/workloads/payments/web");
    assert_eq!(browser.eval("document.querySelectorAll('svg[role=img]').length").await, 2);
    for curve in ["path.band", "path.forecast", "path.load", "path.with", "path.floor", "path.current"] {
        let drawn = format!(
            "[...document.querySelectorAll('{curve}')].map((p) => p.getBoundingClientRect()).map((r) => r.width > 100 && r.height > 20)"
        );
        let drawn = browser.eval(&drawn).await;
        assert!(
            drawn.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(|one| *one == true)),
            "{curve}: {drawn}"
        );
    }
    // How good its forecast is, figure by figure, and whether it is trusted.
    let told = "[...document.querySelectorAll('dl.facts dt')].map((t) => `${t.textContent}: ${t.nextElementSibling.textContent}`)";
    let told = browser.eval(told).await.to_string().replace('\u{a0}', " ");
    for fact in [
        "Model: auto",
        "Backtest error: 6.3 % of the load",
        "Against the naive forecast: 0.41 of its error",
        "Windows covered: 95.7 %95 % wanted",
        "Covered lately: 94.9 %",
        "One replica carries: 40",
    ] {
        assert!(told.contains(fact), "{fact}: {told}");
    }
    let trust = "[...document.querySelectorAll('section')].find((s) => s.querySelector('dl.facts')).querySelector('p').textContent";
    let trust = browser.eval(trust).await;
    assert_eq!(trust, "Trusted over the last 7 days it missed 38 % less of the rises than reacting does");
    browser.follow("document.querySelector('.crumbs a').click()").await;
    assert_eq!(browser.eval(ROWS).await, 100);
    browser.follow("document.querySelector('a[rel=next]').click()").await;
    assert_eq!(browser.eval("document.querySelector('#count').textContent").await, "101–200 of 1,000 workloads");
    assert_eq!(browser.console, [""; 0]);
}

#[tokio::test]
async fn it_follows_the_daemon_and_keeps_what_a_person_did() {
    if left_out() {
        return;
    }
    let (it, mut browser) = (served().await, Browser::start().await);
    browser.go(&format!("{}/workloads/shop/web", it.url)).await;
    browser
        .eval("document.querySelector('#numbers summary').focus(); document.querySelector('#numbers').open = true")
        .await;
    it.publish.send_modify(|snapshot| {
        let changed = Arc::make_mut(snapshot);
        Arc::make_mut(changed.workloads.get_mut("shop/web").unwrap()).floor = Some(4_321);
    });
    browser.eval(REFRESH).await;
    browser.until("document.querySelector('.tiles').textContent.includes('4,321')").await;
    assert_eq!(browser.eval("document.querySelector('#numbers').open").await, true);
    assert_eq!(browser.eval("document.activeElement.parentElement.id").await, "numbers");
    assert_eq!(browser.eval("document.querySelector('#line').textContent").await, "Live: every 15 s");
    it.publish.send_modify(|snapshot| {
        Arc::make_mut(snapshot).workloads.remove("shop/web");
    });
    browser.eval(REFRESH).await;
    browser.until("document.title.startsWith('Not found')").await;
    let told = std::mem::take(&mut browser.console);
    assert!(told.iter().all(|line| line.contains("404")), "a browser tells of the 404, and of nothing else: {told:?}");
    it.stop.cancel();
    it.task.await.unwrap().unwrap();
    browser.eval(REFRESH).await;
    browser.until("document.querySelector('#line').textContent.startsWith('No answer')").await;
}

#[tokio::test]
async fn without_a_script_all_of_it_can_be_read_and_searched() {
    if left_out() {
        return;
    }
    let (it, mut browser) = (served().await, Browser::start().await);
    browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    browser.go(&it.url).await;
    assert_eq!(browser.eval(ROWS).await, 100);
    assert_eq!(
        browser.eval("document.querySelector('#line').textContent.trim()").await,
        "Reload the page for newer figures."
    );
    browser.eval("document.querySelector('input[type=search]').value = 'shop/web'").await;
    browser.follow("document.querySelector('form button').click()").await;
    assert_eq!(browser.eval("location.search").await, "?q=shop%2Fweb&sort=name");
    assert_eq!(browser.eval(ROWS).await, 5);
    assert_eq!(browser.console, [""; 0]);
}

#[tokio::test]
async fn it_is_for_every_eye_hand_and_window() {
    if left_out() {
        return;
    }
    let (it, mut browser) = (served().await, Browser::start().await);
    let pages = [
        ("fleet", "/"),
        ("workload", "/workloads/shop/web"),
        ("attention", "/?sort=attention"),
        ("missing", "/workloads/shop/none"),
    ];
    for (scheme, width) in [("light", 1200), ("dark", 1200), ("light", 390), ("dark", 390)] {
        browser.look(width, scheme).await;
        for (name, path) in &pages[..3] {
            browser.go(&format!("{}{path}", it.url)).await;
            browser.picture(&format!("{name}-{width}-{scheme}")).await;
            browser.eval("document.querySelectorAll('details').forEach((d) => { d.open = true; })").await;
            let faults = browser.eval(include_str!("page/checks.js")).await;
            assert_eq!(faults, json!([]), "{name}, {width} px, {scheme}");
        }
    }
    assert_eq!(browser.console, [""; 0]);
    // What looks for faults finds those that there are.
    let spoil = "document.body.insertAdjacentHTML('beforeend', '<p id=line>faint</p><input>'); \
                 document.body.lastChild.previousSibling.style.cssText = 'color: #999; background: #fff; width: 2000px'";
    browser.eval(spoil).await;
    let faults = browser.eval(include_str!("page/checks.js")).await.to_string();
    for fault in ["contrast 2.8", "sideways", "no label", "an id stands twice"] {
        assert!(faults.contains(fault), "{fault}: {faults}");
    }
    browser.go(&format!("{}{}", it.url, pages[3].1)).await;
    browser.picture(pages[3].0).await;
    // By keyboard alone: the skip link, the brand, then search, order, button, states, rows; each shows where one is.
    browser.look(1200, "light").await;
    browser.go(&it.url).await;
    let mut met = Vec::new();
    for _ in 0..7 {
        browser.press("Tab", 9).await;
        let there = "(() => { const e = document.activeElement; return [e.className || e.name || e.tagName, getComputedStyle(e).outlineStyle]; })()";
        let there = browser.eval(there).await;
        assert_eq!(there[1], "solid", "{there}");
        met.push(there[0].as_str().unwrap().to_owned());
    }
    assert_eq!(met[..5], ["skip", "brand", "q", "sort", "BUTTON"], "{met:?}");
}

#[tokio::test]
async fn its_policy_stops_foreign_scripts_and_we_would_hear_of_it() {
    if left_out() {
        return;
    }
    let (it, mut browser) = (served().await, Browser::start().await);
    browser.go(&it.url).await;
    assert_eq!(browser.console, [""; 0]);
    let inject = "const s = document.createElement('script'); s.textContent = 'document.title = \"taken\"'; document.body.append(s)";
    browser.eval(inject).await;
    browser.eval("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')").await;
    browser.eval("fetch('http://127.0.0.1:9/').catch(() => 0)").await;
    browser.eval("console.error('told')").await;
    assert_eq!(browser.eval("document.title").await, "Fleet · floorcast");
    for part in ["script-src", "style-src", "connect-src", "told"] {
        assert!(browser.console.iter().any(|line| line.contains(part)), "{part}: {:?}", browser.console);
    }
}
