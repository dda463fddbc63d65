//! Scenario 12: a person looks at the real daemon in a real browser, from the fleet to the workload that holds a floor.

use floorcast_testbed::wait;
use serde_json::{Value, json};

use crate::system::browser::{Browser, left_out};
use crate::system::ground::{SECOND, live};
use crate::system::record::floor;
use crate::system::shared::{ShowLog, shared};

const NAMESPACE: &str = "looked-at";
/// Sizes of all curves of a kind on the page.
const DRAWN: &str =
    "(kind) => [...document.querySelectorAll(`path.${kind}`)].map((p) => p.getBoundingClientRect().width)";

#[tokio::test]
async fn scenario_12_the_page_of_the_daemon_shows_the_floor_and_why_it_is_held() {
    if left_out() {
        return;
    }
    let Some(shared) = shared().await else { return };
    let _log = ShowLog(shared, NAMESPACE.to_owned());
    let web = shared.ground.workload(shared.busy(NAMESPACE), &live()).await;
    let held = floor(&shared.wait_floor(&web, 7).await.unwrap()).unwrap();
    web.wait_at_least(held, 30 * SECOND).await.unwrap();
    // The page shows the tick before last at worst: what it says is told by the API first.
    let told = wait::until("the floor is published", 20 * SECOND, || async {
        let told = shared.daemon.ask(&format!("workloads/{NAMESPACE}/web")).await.map_err(|e| e.to_string())?;
        let seen = told["recent"]["values"].as_array().and_then(|all| all.last()).and_then(Value::as_u64);
        let shown = told["floor"].as_u64() == Some(held.into()) && seen >= Some(held.into());
        if shown { Ok(told) } else { Err(format!("floor {}, recent {}", told["floor"], told["recent"])) }
    })
    .await
    .unwrap();

    let mut browser = Browser::start().await;
    browser.call("Network.enable", json!({})).await;
    browser.look(1200, "light").await;
    browser.go(&shared.daemon.api()).await;
    assert_eq!(browser.eval("document.title").await, "Fleet · floorcast");
    browser.until("document.querySelector('#line').textContent.startsWith('Live')").await;
    browser.press("Tab", 9).await;
    assert_eq!(browser.eval("document.activeElement.className").await, "skip", "a keyboard comes in by the skip link");
    browser.picture("daemon-fleet").await;
    browser
        .follow(&format!("document.querySelector('table.fleet a[href=\"/workloads/{NAMESPACE}/web\"]').click()"))
        .await;
    assert_eq!(browser.eval("document.title").await, format!("{NAMESPACE}/web · floorcast"));
    let tiles = browser.eval("[...document.querySelectorAll('.tiles div')].map((d) => [d.querySelector('dt').textContent, d.querySelector('b').textContent])").await;
    let tile = |name: &str| tiles.as_array().and_then(|all| all.iter().find(|t| t[0] == name)).map(|t| t[1].clone());
    assert_eq!([tile("Base"), tile("Floor")], [Some(json!("2")), Some(json!(held.to_string()))], "{tiles}");
    // Load, band and plan span hours; the replicas that this process saw are minutes old: often a single point, under its dot.
    for (kind, least) in [("load", 50.0), ("band", 100.0), ("forecast", 100.0), ("with", 100.0), ("current", 0.0)] {
        let widths = browser.eval(&format!("({DRAWN})('{kind}')")).await;
        let drawn =
            widths.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(|w| w.as_f64() >= Some(least)));
        assert!(drawn, "{kind}: {widths}");
    }
    assert_eq!(browser.eval("document.querySelectorAll('circle.floor, circle.current').length").await, 2);
    let seen = browser.eval("document.querySelector('svg[role=img]').ariaLabel").await;
    assert!(seen.as_str().unwrap().contains(&format!("floor {held}")), "{seen}");
    let reasons = browser.eval("[...document.querySelectorAll('ol.reasons b')].map((b) => b.textContent)").await;
    assert!(reasons.as_array().is_some_and(|all| !all.is_empty()), "{reasons}, the API: {}", told["reasons"]);
    let changes = browser.eval("document.querySelector('table.changes tbody').textContent").await;
    assert!(changes.as_str().unwrap().contains("written"), "{changes}");
    let faults = browser.eval(include_str!("../../page/checks.js")).await;
    assert_eq!(faults, json!([]));
    browser.picture("daemon-workload").await;
    browser.look(390, "dark").await;
    browser.picture("daemon-workload-390-dark").await;
    assert_eq!(browser.console, [""; 0]);
    let elsewhere: Vec<&String> =
        browser.requests.iter().filter(|url| !url.starts_with(&shared.daemon.api())).collect();
    assert!(elsewhere.is_empty() && browser.requests.len() >= 4, "{:?}", browser.requests);
}
