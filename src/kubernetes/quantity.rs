//! Kubernetes quantities (`250m`, `1Gi`, `2e3`) as numbers.

use std::fmt;

/// A quantity as the API wrote it, with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    text: String,
    value: f64,
}

impl Quantity {
    /// Parses the API's notation: a decimal number, then one of `n u m k M G T P E`, `Ki Mi Gi Ti Pi Ei`, or an exponent.
    ///
    /// ```
    /// use floorcast::kubernetes::quantity::Quantity;
    /// assert_eq!(Quantity::parse("250m").map(|q| q.value()), Some(0.25));
    /// assert_eq!(Quantity::parse("1Ki").map(|q| q.value()), Some(1024.0));
    /// assert_eq!(Quantity::parse("1e3").map(|q| q.value()), Some(1000.0));
    /// assert_eq!(Quantity::parse("many"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split(text);
        let factor = factor(unit)?;
        let plain = !number.is_empty() && number.bytes().any(|b| b.is_ascii_digit());
        let value = number.parse::<f64>().ok().filter(|_| plain)? * factor;
        value.is_finite().then(|| Self { text: text.to_owned(), value })
    }

    /// The value in the quantity's base unit (cores, bytes, requests per second, …).
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The value in thousandths, rounded up as the API machinery does: what the HPA controller computes with.
    pub fn milli(&self) -> i64 {
        // 1e-6 absorbs the binary fuzz of e.g. 0.001 × 1000 before rounding up.
        (self.value * 1000.0 - 1e-6).ceil() as i64
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Splits the number from its unit; an exponent (`e3`, `E3`, `e-3`) belongs to the number.
fn split(text: &str) -> (&str, &str) {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let exponent = unit.len() > 1
        && unit.starts_with(['e', 'E'])
        && unit[1..].trim_start_matches(['+', '-']).bytes().all(|b| b.is_ascii_digit());
    if exponent { (text, "") } else { (number, unit) }
}

fn factor(unit: &str) -> Option<f64> {
    Some(match unit {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_suffix_of_the_api() {
        for (text, value) in [
            ("0", 0.0),
            ("1", 1.0),
            ("100m", 0.1),
            ("0.5", 0.5),
            (".5", 0.5),
            ("1.5k", 1500.0),
            ("2M", 2e6),
            ("3G", 3e9),
            ("1E", 1e18),
            ("1E3", 1000.0),
            ("1e-3", 0.001),
            ("64Mi", 67_108_864.0),
            ("100u", 1e-4),
            ("5n", 5e-9),
            ("-1", -1.0),
        ] {
            let got = Quantity::parse(text).unwrap().value();
            assert!((got - value).abs() <= value.abs() * 1e-12, "{text}: {got}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "m", "1 m", "1mm", "ten", "NaN", "inf", "1e", "--1", "1e999", "1KB"] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }

    #[test]
    fn thousandths_round_up() {
        for (text, milli) in [("1", 1000), ("100m", 100), ("1u", 1), ("0.0015", 2), ("0.001", 1), ("333m", 333)] {
            assert_eq!(Quantity::parse(text).unwrap().milli(), milli, "{text}");
        }
    }
}
