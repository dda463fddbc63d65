//! What the first paint is made of: the fleet as the first page of a browser just started, and in the same place a page of one word
//! and one of a form and a few rows without any style. What those take is the browser's own: its first connection, its first look
//! for fonts, its first controls. Told, not judged: a busy machine takes its time.

use super::{browser::Browser, served};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Milliseconds from the start of the navigation.
const TIMES: &str = "(() => { const n = performance.getEntriesByType('navigation')[0]; \
    return [n.responseEnd, n.domInteractive, performance.getEntriesByName('first-contentful-paint')[0].startTime]; })()";
const PAINTED: &str = "performance.getEntriesByName('first-contentful-paint').length === 1";
const WORD: &str = "<!doctype html><meta charset=utf-8><title>x</title><link rel=icon href=data:,><p>x";
const FORM: &str = "<!doctype html><meta charset=utf-8><title>x</title><link rel=icon href=data:,><h1>Fleet</h1>\
    <form><label>Search <input type=search></label><select><option>Name</select><button>Show</button></form>\
    <table><tr><th>Workload<th>State<tr><td><a href=/>api</a> <small>accounts</small><td><b>Idle</b></table>";

/// Serves one page to whoever asks.
async fn always(page: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length";
                let _ = stream.write_all(format!("{head}: {}\r\n\r\n{page}", page.len()).as_bytes()).await;
            });
        }
    });
    url
}

/// Answered, parsed, painted; then what style and layout took of it.
async fn visit(browser: &mut Browser, url: &str) -> [f64; 5] {
    browser.call("Performance.enable", json!({})).await;
    browser.go(url).await;
    browser.until(PAINTED).await;
    let times = browser.eval(TIMES).await;
    let metrics = browser.call("Performance.getMetrics", json!({})).await["metrics"].clone();
    let seconds = |name: &str| {
        let metric = metrics.as_array().and_then(|all| all.iter().find(|m| m["name"] == name));
        metric.and_then(|m| m["value"].as_f64()).unwrap()
    };
    let time = |i: usize| times.get(i).and_then(Value::as_f64).unwrap();
    [time(0), time(1), time(2), 1000.0 * seconds("RecalcStyleDuration"), 1000.0 * seconds("LayoutDuration")]
}

/// Visits in browsers just started, in turns, so that what else the machine does meets all of them.
#[tokio::test]
async fn the_first_paint_is_told_beside_those_of_pages_that_are_nothing() {
    if super::left_out() {
        return;
    }
    let (it, word, form) = (served().await, always(WORD).await, always(FORM).await);
    for turn in 1..=3 {
        for (name, url) in [("a word", &word), ("a form", &form), ("the fleet", &it.url)] {
            let mut browser = Browser::start().await;
            for visitor in ["just started", "again"] {
                let [answered, parsed, painted, style, layout] = visit(&mut browser, url).await;
                println!(
                    "{turn}. {name}, {visitor}: answered {answered:.0} ms, parsed {parsed:.0}, painted {painted:.0}; style {style:.1}, layout {layout:.1}"
                );
                assert!(0.0 < answered && answered <= parsed && answered <= painted, "{name}: {answered}, {painted}");
            }
            assert_eq!(browser.console, [""; 0], "{name}");
        }
    }
}
