//! The page that `floorcast backtest --html` writes, by the real program, in a real browser.

use crate::browser::{Browser, left_out};
use serde_json::json;
use std::{fmt::Write as _, path::PathBuf, process::Command};

/// Ten days in steps of 5 min: a load that leaps every morning, and a little more on some days.
fn recording() -> String {
    let mut csv = String::new();
    for i in 0..10 * 288_i64 {
        let level = if (96..216).contains(&(i % 288)) { 400 } else { 60 };
        writeln!(csv, "{},{}", 1_767_571_200 + i * 300, level + (i * 7919) % 17).unwrap();
    }
    csv
}

/// The page's file, in a folder that lives as long as the first of these.
fn written() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (csv, page) = (folder.path().join("leaping <load>.csv"), folder.path().join("page.html"));
    std::fs::write(&csv, recording()).unwrap();
    let told = Command::new(env!("CARGO_BIN_EXE_floorcast"))
        .args(["backtest", "--pod-start", "3m", "--min-replicas", "8", "--csv"])
        .arg(&csv)
        .arg("--html")
        .arg(&page)
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    (folder, page)
}

#[tokio::test]
async fn a_backtest_is_a_page_that_needs_nothing_else() {
    if left_out() {
        return;
    }
    let (_folder, page) = written();
    let url =
        format!("file://{}", page.display().to_string().replace(' ', "%20").replace('<', "%3C").replace('>', "%3E"));
    let mut browser = Browser::start().await;
    browser.call("Network.enable", json!({})).await;
    for (scheme, width) in [("light", 1200), ("dark", 1200), ("light", 390), ("dark", 390)] {
        browser.look(width, scheme).await;
        browser.go(&url).await;
        browser.picture(&format!("backtest-{width}-{scheme}")).await;
        let faults = browser.eval(include_str!("checks.js")).await;
        assert_eq!(faults, json!([]), "{width} px, {scheme}");
        let titles = browser.eval("[...document.querySelectorAll('h2')].map((h) => h.textContent)").await;
        assert_eq!(
            titles,
            json!([
                "What each policy would have done",
                "Load and forecast",
                "Replicas and floor",
                "The worst moments",
                "At equal service",
                "What to change",
                "Settings",
            ])
        );
        // Load, replicas, and the worst moments.
        let charts = browser.eval("document.querySelectorAll('svg[role=img]').length").await;
        assert!(charts.as_u64().is_some_and(|charts| charts >= 3), "{charts}");
        for curve in ["path.load", "path.forecast", "path.with", "path.floor", "path.alone", "path.starved"] {
            let drawn = format!(
                "[...document.querySelectorAll('{curve}')].map((p) => p.getBoundingClientRect()).filter((r) => r.width > 100 || r.height > 0).length"
            );
            let drawn = browser.eval(&drawn).await;
            assert!(drawn.as_u64().is_some_and(|drawn| drawn > 0), "{curve}: {drawn}");
        }
    }
    assert_eq!(browser.console, [""; 0]);
    browser.requests.dedup();
    assert_eq!(browser.requests, [url], "nothing but the page itself is asked for");
}
