//! Answers as tables for people and as JSON, YAML, names or a filled template for programs.

use super::{Exit, Failure, Output};
use erased_serde::Serialize;
use std::io::Write;

/// The kind of what we look at, as `kubectl -o name` writes it.
const KIND: &str = "horizontalpodautoscaler.autoscaling";

/// Prints an answer: `table` for people, the value itself for programs.
pub fn print<T: Serialize>(form: &Output, value: &T, table: impl FnOnce(&T) -> String) -> Result<(), Failure> {
    print_named(form, value, &[], table)
}

/// Prints an answer about the HPAs of these names.
pub fn print_named<T: Serialize>(
    form: &Output,
    value: &T,
    names: &[&str],
    table: impl FnOnce(&T) -> String,
) -> Result<(), Failure> {
    write(&rendered(form, value, names, table)?).map(drop)
}

/// An answer in its form.
pub fn rendered<T: Serialize>(
    form: &Output,
    value: &T,
    names: &[&str],
    table: impl FnOnce(&T) -> String,
) -> Result<String, Failure> {
    Ok(match form {
        Output::Table | Output::Wide => super::pages::as_called(&table(value)).into_owned(),
        Output::Json => json(value)?,
        Output::Yaml => yaml(value)?,
        Output::Name => names.iter().map(|name| format!("{KIND}/{name}\n")).collect::<Vec<_>>().concat(),
        Output::Jsonpath(template) => template.fill(&tree(value)?),
    })
}

// Each writer once for all types of answers, not once for each.

fn json(value: &dyn Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(value).map_err(unprintable)? + "\n")
}

fn tree(value: &dyn Serialize) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(value).map_err(unprintable)
}

/// A value as YAML.
///
/// # Errors
/// A value that YAML cannot say.
pub fn yaml(value: &dyn Serialize) -> Result<String, Failure> {
    serde_saphyr::to_string(&value).map_err(unprintable)
}

/// Writes to stdout, and says whether somebody reads: a reader that went away (`| head`) is no failure.
pub fn write(text: &str) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Failure::new(Exit::Unreachable, format!("stdout cannot be written: {e}"))),
    }
}

fn unprintable(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::No, format!("the answer cannot be written in this form: {error}; try -o table"))
}

/// A table with aligned columns, two blanks between them, no blanks at the ends of lines.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    widths: Vec<usize>,
    bare: bool,
}

impl Table {
    /// With these headings.
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|h| (*h).to_owned()).collect()], ..Self::default() }
    }

    /// Without its headings, but with the columns where they stand with them.
    #[must_use]
    pub fn bare(mut self, bare: bool) -> Self {
        self.bare = bare;
        self
    }

    /// With columns at least this wide: as in a table that was printed before.
    #[must_use]
    pub fn within(mut self, widths: Vec<usize>) -> Self {
        self.widths = widths;
        self
    }

    /// How wide the columns are, in characters.
    pub fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cells = |column: usize| self.rows.iter().filter_map(move |r| r.get(column)).map(|c| c.chars().count());
        let least = |column: usize| self.widths.get(column).copied().unwrap_or(0);
        (0..columns).map(|c| cells(c).chain([least(c)]).max().unwrap_or(0)).collect()
    }

    /// One more row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The text, one line a row.
    pub fn render(&self) -> String {
        let widths = self.widths();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        self.rows.iter().skip(usize::from(self.bare)).map(line).collect()
    }
}

/// A number where there is one, `-` where there is none: missing is never zero.
pub fn or_dash<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| v.to_string())
}

/// A load with about three significant digits.
pub fn load(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_where_they_end() {
        let mut table = Table::new(&["NAME", "FLOOR"]);
        table.row(vec!["shop/checkout".to_owned(), or_dash(Some(3))]);
        table.row(vec!["a/ü".to_owned(), or_dash::<u32>(None)]);
        assert_eq!(table.render(), "NAME           FLOOR\nshop/checkout  3\na/ü            -\n");
        let again = Table::new(&["NAME", "FLOOR"]).within(table.widths()).bare(true);
        assert_eq!(again.render(), "");
        let (mut again, widths) = (again, table.widths());
        again.row(vec!["a".to_owned(), "40".to_owned()]);
        assert_eq!((again.render().as_str(), again.widths()), ("a              40\n", widths));
    }

    #[test]
    fn loads_have_three_digits() {
        for (value, text) in [(0.0, "0"), (0.1234, "0.123"), (4.5678, "4.57"), (45.678, "45.7"), (12_345.6, "12346")] {
            assert_eq!(load(value), text);
        }
    }
}
