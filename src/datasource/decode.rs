//! From the bytes of an answer to points: typed, without a document tree, every oddity dropped and counted or refused.
//!
//! The body was read under a cap before; `serde_json`'s limit of 128 levels stays on.

use super::error::{Fault, sanitised};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Samples left out, by reason. A dropped sample is missing, never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// NaN, the staleness marker among them.
    pub nan: u64,
    /// `+Inf` or `-Inf`.
    pub infinite: u64,
    /// A number larger than a 32-bit float holds, such as `1e999`.
    pub overflow: u64,
    /// A load cannot be below zero.
    pub negative: u64,
    /// JSON `null`.
    pub null: u64,
}

impl Dropped {
    /// Reason (a metric label) and count.
    pub const fn by_reason(&self) -> [(&'static str, u64); 5] {
        [
            ("nan", self.nan),
            ("infinite", self.infinite),
            ("overflow", self.overflow),
            ("negative", self.negative),
            ("null", self.null),
        ]
    }

    /// All of them.
    pub const fn total(&self) -> u64 {
        self.nan + self.infinite + self.overflow + self.negative + self.null
    }

    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.nan += other.nan;
        self.infinite += other.infinite;
        self.overflow += other.overflow;
        self.negative += other.negative;
        self.null += other.null;
    }
}

/// One series of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Milliseconds since 1970 and value, in the order of the answer, usable values only.
    pub points: Vec<(i64, f32)>,
    /// Stamp of the last sample, dropped ones included: the order is checked on all.
    pub(super) last: Option<i64>,
    /// What was left out.
    pub dropped: Dropped,
}

impl Decoded {
    /// Labels as Prometheus writes them.
    pub fn label_set(&self) -> String {
        let parts: Vec<String> = self
            .labels
            .iter()
            .filter(|(k, _)| *k != "__name__")
            .map(|(k, v)| format!("{k}={}", super::promql::literal(v)))
            .collect();
        let name = self.labels.get("__name__").map_or("", String::as_str);
        sanitised(&format!("{name}{{{}}}", parts.join(", ")), 256)
    }
}

/// A decoded answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope {
    /// Series; a scalar becomes one without labels.
    pub series: Vec<Decoded>,
    /// Series beyond the bound, which were counted and not kept.
    pub more: usize,
    /// `warnings`, and what amounts to one (`isPartial`).
    pub warnings: Vec<String>,
}

/// Series kept of one answer at most, whatever the caller would take.
const MOST_SERIES: usize = 10_000;
/// Points of one series at most; `VictoriaMetrics` gives up to 30,000, Prometheus 11,000.
const MOST_POINTS: usize = 100_000;

/// Decodes a query's answer, keeping at most `most` series.
pub fn query(body: &[u8], most: usize) -> Result<Envelope, Fault> {
    let raw: Raw<Data> = parse(body)?;
    raw.succeeded()?;
    let data = raw.data.ok_or_else(|| malformed("`data` is missing"))?;
    if !matches!(data.kind.as_ref(), "matrix" | "vector" | "scalar") {
        return Err(malformed(format!("result type {:?} holds no numbers", sanitised(&data.kind, 40))));
    }
    let Rows { rows, beyond } = data.result.ok_or_else(|| malformed("`data.result` is missing"))?;
    let mut warnings = raw.warnings;
    if raw.is_partial || data.is_partial {
        warnings.push("isPartial: some stores did not answer".to_owned());
    }
    let more = rows.len().saturating_sub(most) + beyond;
    let series = rows.into_iter().take(most).collect();
    Ok(Envelope { series, more, warnings: warnings.iter().map(|w| sanitised(w, 256)).take(8).collect() })
}

/// Decodes a list of label values.
pub fn label_values(body: &[u8]) -> Result<Vec<String>, Fault> {
    let raw: Raw<Vec<String>> = parse(body)?;
    raw.succeeded()?;
    raw.data.ok_or_else(|| malformed("`data` is missing"))
}

/// Decodes a status page's string fields.
pub fn status(body: &[u8]) -> Result<BTreeMap<String, String>, Fault> {
    let raw: Raw<BTreeMap<String, Plain>> = parse(body)?;
    raw.succeeded()?;
    let data = raw.data.ok_or_else(|| malformed("`data` is missing"))?;
    Ok(data.into_iter().filter_map(|(k, v)| v.0.map(|v| (k, sanitised(&v, 256)))).collect())
}

/// `errorType` and `error` of a failed answer, if it is one of the API's.
pub fn api_error(body: &[u8]) -> Option<(String, String)> {
    let raw: Raw<IgnoredAny> = serde_json::from_slice(body).ok()?;
    (raw.status == "error").then(|| (raw.error_type.into_owned(), sanitised(&raw.error, 512)))
}

fn malformed(why: impl Into<String>) -> Fault {
    Fault::Malformed { why: why.into() }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<Raw<'a, T>, Fault> {
    serde_json::from_slice(body).map_err(|e| malformed(sanitised(&e.to_string(), 256)))
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Raw<'a, T> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(default = "nothing")]
    data: Option<T>,
    #[serde(default, rename = "errorType", borrow)]
    error_type: Cow<'a, str>,
    #[serde(default, borrow)]
    error: Cow<'a, str>,
    #[serde(default, deserialize_with = "lenient_list")]
    warnings: Vec<String>,
    #[serde(default, rename = "isPartial")]
    is_partial: bool,
}

fn nothing<T>() -> Option<T> {
    None
}

fn lenient_list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(from)?.unwrap_or_default())
}

impl<T> Raw<'_, T> {
    fn succeeded(&self) -> Result<(), Fault> {
        match self.status.as_ref() {
            "success" => Ok(()),
            "error" => {
                Err(Fault::QueryRejected { text: sanitised(&format!("{}: {}", self.error_type, self.error), 512) })
            }
            other => Err(malformed(format!("status is {:?}, neither success nor error", sanitised(other, 40)))),
        }
    }
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(rename = "resultType", borrow)]
    kind: Cow<'a, str>,
    result: Option<Rows>,
    #[serde(default, rename = "isPartial")]
    is_partial: bool,
}

/// A string field of a status page, or anything else, which is left out.
struct Plain(Option<String>);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Text(String),
            Other(IgnoredAny),
        }
        Ok(match Either::deserialize(from)? {
            Either::Text(text) => Self(Some(text)),
            Either::Other(_) => Self(None),
        })
    }
}

/// The list of series, as far as it is kept.
struct Rows {
    rows: Vec<Decoded>,
    beyond: usize,
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(RowsVisitor)
    }
}

struct RowsVisitor;

impl<'de> Visitor<'de> for RowsVisitor {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series, or a scalar")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Rows, A::Error> {
        let mut found = Rows { rows: Vec::new(), beyond: 0 };
        let mut scalar = None;
        while let Some(element) = seq.next_element::<Element>()? {
            match (element, scalar) {
                (Element::Row(series), None) if found.rows.len() < MOST_SERIES => found.rows.push(series),
                (Element::Row(_), None) => found.beyond += 1,
                // A scalar: [stamp, "value"] stands in place of the list.
                (Element::Number(stamp), None) if found.rows.is_empty() => scalar = Some(stamp),
                (Element::Text(value), Some(stamp)) if found.rows.is_empty() => {
                    let mut series = Decoded::default();
                    series.take(stamp, Some(&value)).map_err(A::Error::custom)?;
                    found.rows.push(series);
                }
                _ => return Err(A::Error::custom("`result` is neither a list of series nor a scalar")),
            }
        }
        Ok(found)
    }
}

/// One element of `result`.
enum Element {
    Row(Decoded),
    Number(f64),
    Text(String),
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ElementVisitor)
    }
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series")
    }

    fn visit_f64<E>(self, n: f64) -> Result<Element, E> {
        Ok(Element::Number(n))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Element, E> {
        Ok(Element::Number(n as f64))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Element, E> {
        Ok(Element::Number(n as f64))
    }

    fn visit_str<E>(self, text: &str) -> Result<Element, E> {
        Ok(Element::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let mut series = Decoded::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "metric" => series.labels = map.next_value()?,
                "values" => map.next_value_seed(Points(&mut series))?,
                "value" => map.next_value_seed(Point(&mut series))?,
                "histogram" | "histograms" => {
                    return Err(A::Error::custom(
                        "a native histogram has no single value; use histogram_count, histogram_sum or histogram_quantile",
                    ));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Element::Row(series))
    }
}

/// `[[stamp, "value"], …]`, filed point by point.
struct Points<'a>(&'a mut Decoded);

impl<'de> DeserializeSeed<'de> for Points<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Points<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Point(&mut *self.0))?.is_some() {
            if self.0.points.len() > MOST_POINTS {
                return Err(A::Error::custom(format_args!("more than {MOST_POINTS} samples in one series")));
            }
        }
        Ok(())
    }
}

/// `[stamp, "value"]`
struct Point<'a>(&'a mut Decoded);

impl<'de> DeserializeSeed<'de> for Point<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Point<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sample [stamp, \"value\"]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let (Some(stamp), Some(value)) = (seq.next_element::<f64>()?, seq.next_element::<Option<Cow<'de, str>>>()?)
        else {
            return Err(A::Error::custom("a sample is not [stamp, \"value\"]"));
        };
        if seq.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("a sample has more than a stamp and a value"));
        }
        self.0.take(stamp, value.as_deref()).map_err(A::Error::custom)
    }
}

impl Decoded {
    /// Files one sample under its stamp, or counts why not.
    fn take(&mut self, stamp: f64, value: Option<&str>) -> Result<(), String> {
        // ±10^15 ms reach the year 33658; beyond it the cast below would saturate and stamps collide.
        let millis = (stamp * 1000.0).round();
        if !millis.is_finite() || millis.abs() > 1e15 {
            return Err("a time stamp is not a time".to_owned());
        }
        let millis = millis as i64;
        if self.last.is_some_and(|last| millis <= last) {
            return Err(format!("time stamps repeat or run backwards at {}", millis / 1000));
        }
        self.last = Some(millis);
        let Some(text) = value else {
            self.dropped.null += 1;
            return Ok(());
        };
        let number: f64 = text.parse().map_err(|_| format!("{:?} is not a number", sanitised(text, 40)))?;
        match usable(number, text) {
            Ok(value) => self.points.push((millis, value)),
            Err(reason) => *reason(&mut self.dropped) += 1,
        }
        Ok(())
    }
}

/// The sample as it is kept, or where its loss is counted.
fn usable(number: f64, text: &str) -> Result<f32, fn(&mut Dropped) -> &mut u64> {
    let narrow = number as f32;
    if number.is_nan() {
        Err(|d| &mut d.nan)
    } else if number.is_infinite() && text.to_ascii_lowercase().contains("inf") {
        Err(|d| &mut d.infinite)
    } else if !narrow.is_finite() {
        Err(|d| &mut d.overflow)
    } else if number < 0.0 {
        Err(|d| &mut d.negative)
    } else {
        // `+ 0.0` makes −0 plain zero.
        Ok(narrow + 0.0)
    }
}

#[cfg(test)]
mod tests;
