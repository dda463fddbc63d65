//! Everything that files have been seen to hold.

use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

const START: i64 = 1_772_409_600;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START + seconds, 0).unwrap()
}

/// A row each for these multiples of `step`.
#[allow(clippy::format_collect)] // a small text, once
fn rows(step: i64, numbers: impl IntoIterator<Item = i64>) -> String {
    numbers.into_iter().map(|i| format!("{},{}\n", START + i * step, i + 1)).collect()
}

#[test]
fn rows_are_intervals_and_gaps_are_no_zero() {
    let text = "# requests per second\ntimestamp_unix_seconds,value\n".to_owned();
    let trace = Trace::parse(&(text + &rows(3600, (0..72).filter(|h| *h != 10)))).unwrap();
    assert_eq!(trace.at(at(3599)), Some(1.0));
    assert_eq!(trace.at(at(3600)), Some(2.0));
    assert_eq!(trace.at(at(10 * 3600 + 5)), None);
    assert_eq!(trace.at(at(-1)), None);
    assert_eq!((trace.len(), trace.peak(), trace.step()), (71, 72.0, TimeDelta::hours(1)));
    assert_eq!((trace.start(), trace.end()), (at(0), at(72 * 3600)));
}

#[test]
fn each_wrong_row_is_named_with_its_remedy() {
    for (row, why, remedy) in [
        ("1772409600", "no comma", "each row is"),
        ("1772409600;1", "no comma", "each row is"),
        ("1772409600\t1", "no comma", "each row is"),
        ("1772409600,1,web", "more than two columns", "each row is"),
        ("1772409600,1,520", "more than two columns", "each row is"),
        ("noon,1", "no whole number", "seconds since 1970"),
        ("2026-03-02T00:00:00Z,1", "no whole number", "seconds since 1970"),
        ("1772409600.5,1", "no whole number", "seconds since 1970"),
        ("1772409600,many", "no number", "leave the row out"),
        ("1772409600,", "no value", "leave the row out"),
        ("1772409600,-1", "not negative", "leave the row out"),
        ("1772409600,NaN", "no number", "leave the row out"),
        ("1772409600,inf", "finite", "leave the row out"),
        ("1772409600,-inf", "not negative", "leave the row out"),
        ("1772409600,1e308", "at most 3.4e38", "leave the row out"),
        ("1772409600,1\n1772409600,2", "the stamp of line 2 again", "sort"),
        ("1772409600,1\n1772409300,2", "must rise, line 2 is later", "sort"),
        ("1772409600000,1", "milliseconds", "seconds since 1970"),
        ("-60,1", "1970", "seconds since 1970"),
        ("timestamp_unix_seconds,value\ntime,load", "no whole number", "comments begin with #"),
        ("value,timestamp", "the wrong way round", "each row is"),
        ("timestamp,value,label", "3 columns instead of two", "each row is"),
        ("timestamp;value", "no comma between the names", "each row is"),
    ] {
        let error = Trace::parse(&format!("# x\n{row}\n")).unwrap_err().to_string();
        let last = row.lines().count() + 1;
        assert!(error.starts_with(&format!("line {last}: ")) && error.contains(why), "{row}: {error}");
        assert!(
            error.contains(remedy) && error.contains(&row.lines().last().unwrap().replace('\t', "\\t")),
            "{row}: {error}"
        );
    }
}

#[test]
fn a_file_without_a_step_says_so() {
    assert_eq!(Trace::parse(""), Err(TraceError::Empty));
    assert_eq!(Trace::parse("\u{feff}# nothing\n\n"), Err(TraceError::Empty));
    assert_eq!(Trace::parse("timestamp_unix_seconds,value\r\n"), Err(TraceError::Empty));
    assert_eq!(Trace::parse("# one\n0,1\n"), Err(TraceError::Single { line: 2 }));
    let far = Trace::parse("0,1\n172800,1\n").unwrap_err().to_string();
    assert!(far.contains("line 2") && far.contains("at most a day"), "{far}");
}

#[test]
fn mixed_steps_are_refused_where_they_begin() {
    let fine = |n| rows(60, 0..n);
    let message = |text: &str| Trace::parse(text).unwrap_err().to_string();
    let then_coarse = message(&(fine(100) + &rows(60, (100..300).step_by(5))));
    assert!(then_coarse.starts_with("line 121: the step of 60 s has become 300 s"), "{then_coarse}");
    let coarse_then_fine = message(&(rows(300, 0..50) + &rows(60, 250..280)));
    assert!(coarse_then_fine.starts_with("line 52: 60 s after the row before"), "{coarse_then_fine}");
    let shifted = message(&(fine(100) + &format!("{},1\n", START + 6_017)));
    assert!(shifted.starts_with("line 101: 77 s after the row before, where the step is 60 s"), "{shifted}");
    assert!(shifted.contains("a trace has one step"), "{shifted}");
}

#[test]
fn what_programs_and_spreadsheets_write_is_read() {
    let plain = Trace::parse("0,1\n60,2\n").unwrap();
    for text in [
        "\u{feff}0,1\r\n60,2\r\n",
        "\"time\",\"load\"\n\"0\",\"1\"\n\"60\",\"2\"\n",
        "# a\n\ntimestamp_unix_seconds,value\n 0 , 1\n# between\n60.0,2e0\n\n",
        "0,1\n60,2",
    ] {
        assert_eq!(Trace::parse(text).unwrap(), plain, "{text:?}");
    }
    assert_eq!(Trace::parse("0,-0\n60,2\n").unwrap().at(DateTime::UNIX_EPOCH), Some(0.0));
}

#[test]
fn a_long_wait_and_random_gaps_are_gaps() {
    let gappy = rows(60, (0..5_000).filter(|i| i % 7 != 3 && !(1_000..3_000).contains(i)));
    assert_eq!(Trace::parse(&gappy).unwrap().step(), TimeDelta::minutes(1));
}

#[test]
fn a_million_rows_are_read() {
    let mut text = String::new();
    for i in 0..1_000_000 {
        writeln!(text, "{},{}", START + i, i % 97).unwrap();
    }
    let trace = Trace::parse(&text).unwrap();
    assert_eq!((trace.len(), trace.step()), (1_000_000, TimeDelta::seconds(1)));
    assert_eq!(trace.series(trace.start(), TimeDelta::minutes(5)).unwrap().len(), 3_334);
    assert!(matches!(trace.series(trace.start(), trace.step()), Err(SeriesError::TooLong(_))));
}

#[test]
fn what_it_is_wanted_for_decides_how_long_it_must_be() {
    let two = TimeDelta::days(2);
    let short = Trace::parse("0,1\n3600,2\n").unwrap().lasting(two, "one to learn from, one to replay").unwrap_err();
    assert_eq!(
        short.to_string(),
        "2 samples over 2 h are too few; two days are needed at least: one to learn from, one to replay"
    );
    assert!(Trace::parse(&rows(3600, 0..48)).unwrap().lasting(two, "").is_ok());
    let zero = Trace::parse("0,0\n86400,0\n").unwrap().lasting(two, "").unwrap_err();
    assert_eq!(zero, TraceError::Silent { rows: 2 });
}

#[test]
fn means_need_half_of_their_samples() {
    let trace = Trace::parse("60,2\n120,4\n360,6\n420,1\n600,9\n").unwrap();
    let means = trace.series(trace.start(), TimeDelta::minutes(4)).unwrap();
    assert_eq!(means.values()[0], 3.0);
    assert_eq!(means.values()[1], 3.5);
    assert!(means.values()[2].is_nan(), "one of four");
    let later = trace.series(DateTime::from_timestamp(300, 0).unwrap(), TimeDelta::minutes(4)).unwrap();
    assert_eq!((later.start().timestamp(), later.len()), (240, 2));
    assert!(trace.series(trace.start(), TimeDelta::seconds(90)).is_err());
}

proptest! {
    /// The same means as the series' own: one rule for what half of a bucket is worth.
    #[test]
    fn means_are_those_of_the_series(values in prop::collection::vec(prop::option::of(0_u32..1_000), 3..200), per in 1_i64..9) {
        let mut text = "0,5\n60,5\n120,5\n".to_owned();
        for (i, value) in values.iter().enumerate() {
            if let Some(value) = value {
                writeln!(text, "{},{value}", 180 + 60 * i).unwrap();
            }
        }
        // A run of equal gaps is another step; that has a test of its own.
        let Ok(trace) = Trace::parse(&text) else { return Ok(()) };
        prop_assume!(trace.step() == TimeDelta::minutes(1));
        let native = trace.series(trace.start(), trace.step()).unwrap();
        let step = TimeDelta::minutes(per);
        prop_assert_eq!(trace.series(trace.start(), step).unwrap(), native.resample(step).unwrap());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9,.#\n\r a-eNI\u{feff}\"-]{0,80}") {
        let _ = Trace::parse(&text);
    }
}

#[test]
fn what_is_left_before_an_end_is_whole_intervals() {
    let trace = Trace::parse("0,10\n300,12\n900,11\n1200,9\n").unwrap();
    let left = |end: i64| trace.before(instant(end));
    assert_eq!(left(1500).as_ref(), Some(&trace));
    // The interval that begins at 1200 s is over at 1500 s only.
    assert_eq!(left(1499), Some(Trace::parse("0,10\n300,12\n900,11\n").unwrap()));
    assert_eq!(left(1199), Some(Trace::parse("0,10\n300,12\n").unwrap()));
    assert_eq!(left(599), None, "a trace has two rows at least");
    assert_eq!(left(-1), None);
}
