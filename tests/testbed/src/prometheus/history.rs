//! Series with their samples, written as `OpenMetrics` text for promtool.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::Error;

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The metric's name.
    pub name: String,
    /// Its labels.
    pub labels: Vec<(String, String)>,
    /// Its samples, oldest first.
    pub samples: Vec<(DateTime<Utc>, f64)>,
}

impl Series {
    /// A series without samples.
    pub fn new(name: &str, labels: &[(&str, &str)]) -> Self {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Self { name: name.to_owned(), labels, samples: Vec::new() }
    }

    /// With the samples of `value` from `from` until before `to`, `every` so many seconds; a time without a value has no sample.
    #[must_use]
    pub fn sampled(
        mut self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        every: chrono::TimeDelta,
        mut value: impl FnMut(DateTime<Utc>) -> Option<f64>,
    ) -> Self {
        let mut at = from;
        while at < to {
            self.samples.extend(value(at).map(|v| (at, v)));
            at += every;
        }
        self
    }

    fn head(&self) -> String {
        let mut head = format!("{}{{", self.name);
        for (index, (key, value)) in self.labels.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(head, "{comma}{key}=\"{value}\"");
        }
        head.push('}');
        head
    }
}

/// Writes the series as `OpenMetrics` text, those of one name together as the format wants.
pub fn write_open_metrics(series: &[Series], path: &Path) -> Result<(), Error> {
    let file = File::create(path).map_err(Error::file("create", path))?;
    let mut out = BufWriter::new(file);
    let mut ordered: Vec<&Series> = series.iter().collect();
    ordered.sort_by(|a, b| a.name.cmp(&b.name));
    ordered
        .iter()
        .try_for_each(|one| write_one(one, &mut out))
        .and_then(|()| out.write_all(b"# EOF\n"))
        .and_then(|()| out.flush())
        .map_err(Error::file("write", path))
}

fn write_one(series: &Series, out: &mut impl Write) -> std::io::Result<()> {
    let head = series.head();
    series.samples.iter().try_for_each(|(at, value)| {
        // `{}` prints an f64 so that it reads back as the same number; NaN and +Inf as the format spells them.
        let value = if value.is_infinite() {
            if *value > 0.0 { "+Inf".into() } else { "-Inf".into() }
        } else {
            value.to_string()
        };
        writeln!(out, "{head} {value} {}.{:03}", at.timestamp(), at.timestamp_subsec_millis())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn text_is_grouped_escaped_and_ended() {
        let start = DateTime::from_timestamp(100, 0).unwrap();
        let end = start + TimeDelta::seconds(2);
        let every = TimeDelta::seconds(1);
        let series = [
            Series::new("b", &[("x", "a\"b\\c\nd")]).sampled(start, end, every, |_| Some(1.5)),
            Series::new("a", &[]).sampled(start, end, every, |t| (t == start).then_some(f64::INFINITY)),
            Series::new("b", &[("x", "2")]).sampled(start, end, every, |_| Some(f64::NAN)),
        ];
        let file = tempfile::NamedTempFile::new().unwrap();
        write_open_metrics(&series, file.path()).unwrap();
        let expected = "a{} +Inf 100.000\n\
             b{x=\"a\\\"b\\\\c\\nd\"} 1.5 100.000\nb{x=\"a\\\"b\\\\c\\nd\"} 1.5 101.000\n\
             b{x=\"2\"} NaN 100.000\nb{x=\"2\"} NaN 101.000\n# EOF\n";
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), expected);
    }
}
