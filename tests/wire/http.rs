//! What a server can do wrong over plain HTTP, and what it is told in return.

use crate::server::{Asked, Script, Server, constant, http, json, matrix};
use crate::{ask, range, reader, ten_minutes};
use chrono::Utc;
use floorcast::datasource::{Auth, Fault, Kind, Secret, SecretSource};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const LONG_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n";
const OPEN_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";

#[tokio::test]
async fn the_question_is_aligned_bounded_and_forbids_partial_answers() {
    let server = Server::start(|asked| constant(asked, "4")).await;
    let reader = reader(&server.url, |s| {
        s.kind = Kind::Thanos;
        s.headers.insert("X-Scope-OrgID".into(), Secret::new("team-a"));
    });
    let answer = ask(&reader, range("up", 999_970, 1_000_599, 60)).await.unwrap();
    assert_eq!(answer.series.len(), 10);
    assert!(answer.series.values().iter().all(|v| *v == 4.0));
    assert_eq!(answer.series.start().timestamp(), 999_960);
    let asked = server.asked().remove(0);
    assert!(asked.head.starts_with("POST /api/v1/query_range "), "{}", asked.head);
    for (name, value) in [
        ("start", "1000020"),
        ("end", "1000560"),
        ("step", "60"),
        ("limit", "2"),
        ("partial_response", "false"),
        ("timeout", "10000ms"),
    ] {
        assert_eq!(asked.field(name), Some(value), "{}", asked.body);
    }
    assert_eq!(asked.header("x-scope-orgid"), Some("team-a"));
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
}

/// The fault of a server that always answers this.
async fn fault(script: impl Fn() -> Script + Send + Sync + 'static) -> (Fault, usize) {
    let server = Server::start(move |_| script()).await;
    let reader = reader(&server.url, |s| s.limits.total = Duration::from_millis(600));
    let fault = ask(&reader, ten_minutes("up")).await.unwrap_err();
    (fault, server.asked().len())
}

/// Status, headers, body, the fault's word, and a part of its sentence.
type Case = (u16, &'static str, String, &'static str, &'static str);

#[tokio::test]
async fn every_wrong_answer_has_its_name() {
    let page = "<!DOCTYPE html><html><head><TITLE>Sign in</TITLE></head><body>…</body></html>";
    let error = |kind: &str| format!(r#"{{"status":"error","errorType":"{kind}","error":"it\nwill not"}}"#);
    let (bad, vm) = (error("bad_data"), error("422"));
    let cases: Vec<Case> = vec![
        (200, "Content-Type: text/html\r\n", page.into(), "login_page", "Sign in"),
        (200, "Content-Type: application/json\r\n", page.into(), "login_page", "auth proxy"),
        (200, "Content-Type: text/plain\r\n", "ok".into(), "not_json", "text/plain"),
        (
            200,
            "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
            "\u{1f}\u{8b}".into(),
            "not_json",
            "gzip",
        ),
        (200, "Content-Type: application/json\r\n", "{}".into(), "malformed_response", "status"),
        (
            302,
            "Location: http://evil.example/login?token=hunter2\r\n",
            String::new(),
            "redirected",
            "http://evil.example/login;",
        ),
        (307, "Location: /elsewhere\r\n", String::new(), "redirected", "final address"),
        (400, "Content-Type: application/json\r\n", bad, "query_rejected", "it will not"),
        (422, "Content-Type: application/json\r\n", vm, "query_rejected", "it will not"),
        (422, "Content-Type: text/plain\r\n", "plain words".into(), "query_rejected", "plain words"),
        (400, "Content-Type: text/html\r\n", page.into(), "failed", "Sign in"),
        (401, "", String::new(), "unauthorized", "token"),
        (403, "", String::new(), "unauthorized", "tenant header"),
        (404, "", "404 page not found".into(), "wrong_address", "path prefix"),
        (429, "Retry-After: 7\r\n", String::new(), "throttled", "overloaded"),
        (503, "", "no backend".into(), "throttled", "no backend"),
        (504, "", String::new(), "throttled", "504"),
        (500, "", "panic".into(), "failed", "panic"),
        (502, "", String::new(), "failed", "502"),
    ];
    for (status, headers, body, code, words) in cases {
        let (fault, asked) = fault(move || http(status, headers, &body)).await;
        let text = format!("{fault}; {}", fault.remedy());
        assert_eq!(fault.as_str(), code, "{status}: {text}");
        assert!(text.contains(words), "{status}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
        // Refused credentials are read again and tried once more; nothing else is.
        assert_eq!(asked, if code == "unauthorized" { 2 } else { 1 }, "{status}");
    }
}

#[tokio::test]
async fn slow_silent_and_trickling_servers_end_with_the_total_time() {
    for script in [
        || Script::Hang,
        || Script::Trickle(OPEN_HEAD.into(), Duration::from_millis(20)),
        || Script::Trickle(Vec::new(), Duration::from_secs(9)),
    ] {
        let began = Instant::now();
        let (fault, _) = fault(script).await;
        assert_eq!(fault.as_str(), "timed_out", "{fault}");
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let reader = reader("http://127.0.0.1:9", |_| ());
    assert_eq!(ask(&reader, ten_minutes("up")).await.unwrap_err().as_str(), "unreachable");
    let reader = self::reader("http://no-such-host.invalid", |_| ());
    assert_eq!(ask(&reader, ten_minutes("up")).await.unwrap_err().as_str(), "unreachable");
}

#[tokio::test]
async fn an_endless_answer_is_left_at_the_cap() {
    const CAP: u64 = 16 << 20;
    let server = Server::start(|_| Script::Endless(OPEN_HEAD.into(), vec![b' '; 1 << 16])).await;
    let reader = reader(&server.url, |_| ());
    let before = resident();
    let fault = ask(&reader, ten_minutes("up")).await.unwrap_err();
    assert_eq!(fault, Fault::TooLarge { cap: CAP as usize });
    // Beyond the cap there is only what sockets hold.
    assert!(server.sent() < CAP + (24 << 20), "{} bytes were taken", server.sent());
    assert!(resident() < before + (64 << 20), "{before} → {}", resident());
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) << 10
}

#[tokio::test]
async fn an_answer_announced_too_large_is_not_read_at_all() {
    let server = Server::start(|_| Script::Trickle(LONG_HEAD.into(), Duration::from_millis(100))).await;
    let reader = reader(&server.url, |_| ());
    let began = Instant::now();
    assert_eq!(ask(&reader, ten_minutes("up")).await.unwrap_err().as_str(), "too_large");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn overload_is_obeyed_and_halves_the_questions_in_flight() {
    let server = Server::start(|_| http(429, "Retry-After: 120\r\n", "slow down")).await;
    let reader = reader(&server.url, |_| ());
    assert!(reader.is_up());
    let queries: Vec<_> = (0..20).map(|i| ten_minutes(&format!("up{i}"))).collect();
    let answers = reader.range(Utc::now(), &queries).await;
    let codes: Vec<_> = answers.iter().map(|a| a.as_ref().unwrap_err().as_str()).collect();
    let asked = server.asked().len();
    // Four were under way; the others learn of it without asking.
    assert!((1..=4).contains(&asked), "{asked}");
    assert_eq!(codes.iter().filter(|c| **c == "backing_off").count(), 20 - asked);
    assert!(reader.concurrency() <= 2 && !reader.is_up());
    let Fault::BackingOff { retry_in, .. } = ask(&reader, ten_minutes("up")).await.unwrap_err() else {
        panic!("must wait")
    };
    assert!(retry_in > Duration::from_secs(100) && retry_in <= Duration::from_mins(2), "{retry_in:?}");
    assert_eq!(server.asked().len(), asked);
}

#[tokio::test]
async fn a_ticks_budget_ends_it_and_the_next_tick_has_its_own() {
    let server = Server::start(|asked| constant(asked, "1")).await;
    let reader = reader(&server.url, |s| s.limits.queries_per_tick = 3);
    let queries: Vec<_> = (0..5).map(|i| ten_minutes(&format!("up{i}"))).collect();
    let spent = |answers: Vec<Result<_, floorcast::datasource::ReadError>>| {
        answers.iter().filter(|a| a.as_ref().is_err_and(|e| e.as_str() == "budget_spent")).count()
    };
    assert_eq!(spent(reader.range(Utc::now(), &queries).await), 2);
    reader.begin_tick();
    assert_eq!(spent(reader.range(Utc::now(), &queries).await), 2);
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn a_rotated_token_is_read_again_without_a_failed_question() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "token-0").unwrap();
    let valid = Arc::new(Mutex::new("token-0".to_owned()));
    let known = Arc::clone(&valid);
    let server = Server::start(move |asked| {
        let wanted = format!("Bearer {}", known.lock().unwrap());
        if asked.header("authorization") == Some(&wanted) {
            constant(asked, "1")
        } else {
            http(401, "", "who are you, hunter2?")
        }
    })
    .await;
    let reader = reader(&server.url, |s| s.auth = Auth::Bearer(SecretSource::File(path.clone())));
    for i in 0..10 {
        // Both change at once and the file keeps length and, within the clock's grain, perhaps its stamp.
        *valid.lock().unwrap() = format!("token-{i}");
        std::fs::write(&path, format!("token-{i}")).unwrap();
        for _ in 0..3 {
            ask(&reader, ten_minutes("up")).await.unwrap();
        }
    }
    *valid.lock().unwrap() = "another".into();
    let error = reader.range(Utc::now(), &[ten_minutes("up")]).await.remove(0).unwrap_err();
    assert_eq!(error.as_str(), "unauthorized");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("token-9") && !text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn basic_authentication_is_sent_and_a_missing_file_is_named() {
    let server = Server::start(|asked| constant(asked, "1")).await;
    let auth = |password| Auth::Basic { username: "me".into(), password };
    let reader = reader(&server.url, |s| s.auth = auth(SecretSource::Inline(Secret::new("hunter2"))));
    ask(&reader, ten_minutes("up")).await.unwrap();
    assert_eq!(server.asked()[0].header("authorization"), Some("Basic bWU6aHVudGVyMg=="));
    let reader = self::reader(&server.url, |s| s.auth = auth(SecretSource::File("/nowhere/password".into())));
    let fault = ask(&reader, ten_minutes("up")).await.unwrap_err();
    assert!(fault.as_str() == "credentials" && fault.to_string().contains("/nowhere/password"), "{fault}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn too_many_samples_halve_the_range_down_to_what_the_server_takes() {
    const DAY: i64 = 86_400;
    let heavy = |asked: &Asked| {
        let field = |name: &str| asked.field(name).unwrap().parse::<i64>().unwrap();
        if field("end") - field("start") > 2 * DAY {
            return http(
                422,
                "Content-Type: application/json\r\n",
                r#"{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}"#,
            );
        }
        constant(asked, "3")
    };
    let server = Server::start(heavy).await;
    let reader = reader(&server.url, |_| ());
    let week = range("big", 0, 7 * DAY, 300);
    let answer = ask(&reader, week.clone()).await.unwrap();
    assert_eq!((answer.series.len(), answer.series.coverage()), (2016, 1.0));
    let first = server.asked().len();
    ask(&reader, week).await.unwrap();
    assert_eq!(server.asked().len() - first, 4, "what was learned is remembered: 7 days in pieces of 1.75");
    let never = Server::start(|_| http(422, "", "too many samples")).await;
    let reader = self::reader(&never.url, |_| ());
    assert_eq!(ask(&reader, range("big", 0, 7 * DAY, 300)).await.unwrap_err().as_str(), "too_many_samples");
}

#[tokio::test]
async fn answers_to_another_question_are_refused() {
    for (values, code) in [
        (r#"[1000020,"1"],[1000021,"1"]"#, "malformed_response"),
        (r#"[1000080,"1"],[1000020,"1"]"#, "malformed_response"),
        (r#"[9999999999,"1"]"#, "malformed_response"),
        (r#"[1000020,"1"],[1000020,"2"]"#, "malformed_response"),
    ] {
        let server = Server::start(move |_| json(&matrix(values))).await;
        let fault = ask(&reader(&server.url, |_| ()), ten_minutes("up")).await.unwrap_err();
        assert_eq!(fault.as_str(), code, "{values}: {fault}");
    }
}

#[tokio::test]
async fn warnings_make_an_answer_unfit_to_learn_from_and_gaps_stay_gaps() {
    let body = r#"{"status":"success","warnings":["store b did not answer"],"data":{"resultType":"matrix","result":[{"metric":{},"values":[[1000020,"42"],[1000140,"NaN"],[1000200,"+Inf"]]}]}}"#;
    let server = Server::start(move |_| {
        http(200, "Content-Type: application/json\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\n", body)
    })
    .await;
    let reader = reader(&server.url, |_| ());
    let answer = ask(&reader, ten_minutes("up")).await.unwrap();
    assert!(answer.is_partial() && answer.for_learning().is_none());
    assert_eq!(answer.series.values()[0], 42.0);
    assert!(answer.series.values()[1..].iter().all(|v| v.is_nan()));
    assert_eq!((answer.dropped.nan, answer.dropped.infinite), (1, 1));
    assert!(reader.clock_skew().unwrap().num_days() < -365 * 10);
}

#[tokio::test]
async fn an_outage_costs_one_question_at_a_time() {
    let server = Server::start(|_| http(500, "", "")).await;
    let reader = reader(&server.url, |_| ());
    let queries: Vec<_> = (0..50).map(|i| ten_minutes(&format!("up{i}"))).collect();
    reader.range(Utc::now(), &queries).await;
    assert!(server.connections() <= 4, "{}", server.connections());
    let before = server.connections();
    for _ in 0..20 {
        reader.range(Utc::now(), &queries).await;
    }
    // A second has perhaps passed: one probe, not fifty.
    assert!(server.connections() <= before + 2, "{}", server.connections());
}
