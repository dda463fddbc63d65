//! Valid and hostile answers.
#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn matrix(values: &str) -> String {
    format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"a":"b"}},"values":[{values}]}}]}}}}"#
    )
}

fn why(body: &str) -> String {
    query(body.as_bytes(), 2).unwrap_err().to_string()
}

#[test]
fn plain_matrix_vector_and_scalar() {
    let found = query(matrix(r#"[60,"1"],[120,"2.5e0"],[180.000,"+3"]"#).as_bytes(), 2).unwrap();
    assert_eq!(found.series[0].points, [(60_000, 1.0), (120_000, 2.5), (180_000, 3.0)]);
    assert_eq!(found.series[0].label_set(), "{a=\"b\"}");
    let vector = br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","x":"1"},"value":[1.5,"7"]}]}}"#;
    let found = query(vector, 2).unwrap();
    assert_eq!(found.series[0].points, [(1500, 7.0)]);
    assert_eq!(found.series[0].label_set(), "up{x=\"1\"}");
    let found = query(br#"{"status":"success","data":{"resultType":"scalar","result":[10,"4"]}}"#, 2).unwrap();
    assert_eq!(found.series[0].points, [(10_000, 4.0)]);
}

#[test]
fn what_is_no_load_is_dropped_and_counted_by_reason_and_never_zero() {
    let values = r#"[1,"NaN"],[2,"+Inf"],[3,"-Inf"],[4,"1e999"],[5,null],[6,"-1"],[7,"-0"],[8,"0"],[9,"nan"],[10,"Inf"],[11,"3.5e38"]"#;
    let found = query(matrix(values).as_bytes(), 2).unwrap();
    assert_eq!(found.series[0].points, [(7000, 0.0), (8000, 0.0)]);
    assert_eq!(found.series[0].dropped, Dropped { nan: 2, infinite: 3, overflow: 2, negative: 1, null: 1 });
    assert!(found.series[0].points.iter().all(|p| p.1.is_sign_positive()));
}

#[test]
fn order_of_fields_and_unknown_fields_do_not_matter() {
    let body = r#"{"infos":["i"],"data":{"analysis":{"deep":[{}]},"result":[{"values":[[1,"2"]],"x":{"y":[1]},"metric":{}}],"resultType":"matrix"},"warnings":null,"trace":{},"status":"success"}"#;
    assert_eq!(query(body.as_bytes(), 2).unwrap().series[0].points, [(1000, 2.0)]);
}

#[test]
fn warnings_and_partial_answers_are_told() {
    let body = r#"{"status":"success","warnings":["fetch series for {cluster=\"b\"}: \u0000 EOF"],"data":{"resultType":"matrix","result":[]}}"#;
    assert_eq!(query(body.as_bytes(), 2).unwrap().warnings, ["fetch series for {cluster=\"b\"}: EOF"]);
    let body = r#"{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]}}"#;
    assert!(query(body.as_bytes(), 2).unwrap().warnings[0].contains("isPartial"));
}

#[test]
fn more_series_than_wanted_are_counted() {
    let row = r#"{"metric":{},"values":[]}"#;
    let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, [row; 5].join(","));
    let found = query(body.as_bytes(), 2).unwrap();
    assert_eq!((found.series.len(), found.more), (2, 3));
}

#[test]
fn stamps_out_of_order_doubled_or_impossible_are_refused() {
    for values in [
        r#"[2,"1"],[1,"1"]"#,
        r#"[1,"1"],[1,"1"]"#,
        r#"[1,"NaN"],[1,"1"]"#,
        r#"[1e300,"1"]"#,
        r#"[1,"1",3]"#,
        "[1]",
        "[]",
        r#"["1","1"]"#,
        r#"[1,"0x10"]"#,
        r#"[1,""]"#,
        r#"[1,"1,5"]"#,
        r#"[1,{"a":1}]"#,
        "[1,1.5]",
    ] {
        assert!(why(&matrix(values)).starts_with("malformed answer"), "{values}");
    }
}

#[test]
fn what_is_not_an_answer_is_refused_with_its_reason() {
    for (body, wanted) in [
        ("", "EOF"),
        ("null", "null"),
        ("[]", "malformed"),
        ("{}", "status"),
        (r#"{"status":"success"}"#, "`data` is missing"),
        (r#"{"status":"success","data":null}"#, "`data` is missing"),
        (r#"{"status":"maybe"}"#, "neither success nor error"),
        (r#"{"status":"success","data":{"resultType":"string","result":[1,"a"]}}"#, "not a number"),
        (r#"{"status":"success","data":{"resultType":"streams","result":[]}}"#, "holds no numbers"),
        (r#"{"status":"success","data":{"resultType":"matrix"}}"#, "missing"),
        (r#"{"status":"success","data":{"resultType":"matrix","result":{}}}"#, "list of series"),
        (r#"{"status":"success","data":{"resultType":"matrix","result":[[]]}}"#, "series"),
        (r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":1}}]}}"#, "string"),
        (
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[[1,{}]]}]}}"#,
            "native histogram",
        ),
        (r#"{"status":"error","errorType":"422","error":"too many points"}"#, "422: too many points"),
        (r#"{"status":"success","data":{"resultType":"matrix","result":[]}} trailing"#, "trailing"),
    ] {
        let text = why(body);
        assert!(text.contains(wanted), "{body}: {text}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!(r#"{{"status":"success","data":{}"#, "[".repeat(100_000));
    assert!(why(&deep).contains("malformed"));
    let deep = format!(r#"{{"status":"success","x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    // What nobody asked for is skipped without recursion; what is looked at stops at 128 levels.
    assert!(why(&deep).contains("malformed"));
    let deep = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":{}{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(why(&deep).contains("malformed"));
    let long = format!(r#"{{"status":"{}"}}"#, "x".repeat(4 << 20));
    assert!(why(&long).len() < 600);
    let number = matrix(&format!(r#"[1,"{}"]"#, "9".repeat(1 << 20)));
    assert_eq!(query(number.as_bytes(), 2).unwrap().series[0].dropped.overflow, 1);
    let points: Vec<String> = (0..MOST_POINTS + 2).map(|i| format!(r#"[{i},"1"]"#)).collect();
    assert!(why(&matrix(&points.join(","))).contains("more than"));
}

#[test]
fn api_errors_are_recognised_whatever_the_error_type() {
    for kind in ["bad_data", "execution", "422", "503", "timeout", ""] {
        let body = format!(r#"{{"status":"error","errorType":"{kind}","error":"no\nway"}}"#);
        assert_eq!(api_error(body.as_bytes()), Some((kind.to_owned(), "no way".to_owned())));
    }
    assert_eq!(api_error(b"<html>"), None);
    assert_eq!(api_error(br#"{"status":"success"}"#), None);
}

#[test]
fn lists_and_status_pages() {
    assert_eq!(label_values(br#"{"status":"success","data":["a","b"]}"#).unwrap(), ["a", "b"]);
    assert!(label_values(br#"{"status":"success","data":[1]}"#).is_err());
    let page = status(
        br#"{"status":"success","data":{"version":"3.14.0","GOMAXPROCS":2,"nested":{"a":1},"storageRetention":"15d"}}"#,
    )
    .unwrap();
    assert_eq!(page["version"], "3.14.0");
    assert_eq!(page["storageRetention"], "15d");
    assert_eq!(page.len(), 2);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = query(&bytes, 2);
        let _ = api_error(&bytes);
        let _ = label_values(&bytes);
    }

    #[test]
    fn no_damage_to_a_good_answer_makes_it_panic_or_invent_a_zero(at in 0usize..200, byte in any::<u8>(), cut in 0usize..200) {
        let mut bytes = matrix(r#"[60,"1"],[120,"2.5"],[180,"3"]"#).into_bytes();
        let n = bytes.len();
        bytes[at % n] = byte;
        bytes.truncate(n - cut % 3 * (cut % n) / 3);
        if let Ok(found) = query(&bytes, 2) {
            for series in &found.series {
                prop_assert!(series.points.iter().all(|p| p.1.is_finite() && p.1 >= 0.0));
                prop_assert!(series.points.windows(2).all(|w| w[0].0 < w[1].0));
            }
        }
    }

    #[test]
    fn every_finite_load_survives(values in proptest::collection::vec(0.0f32..1e30, 1..50)) {
        let text: Vec<String> = values.iter().enumerate().map(|(i, v)| format!(r#"[{i},"{v}"]"#)).collect();
        let found = query(matrix(&text.join(",")).as_bytes(), 2).unwrap();
        let back: Vec<f32> = found.series[0].points.iter().map(|p| p.1).collect();
        prop_assert_eq!(back, values);
    }
}
