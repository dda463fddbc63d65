//! Why a question to a datasource has no usable answer: what, where, why, and how to mend it.

use chrono::{DateTime, Utc};
use std::fmt;
use std::time::Duration;

/// One failed question.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadError {
    /// Name of the datasource.
    pub datasource: String,
    /// The `PromQL`, where there is one.
    pub query: Option<String>,
    /// What went wrong.
    pub fault: Fault,
}

impl ReadError {
    /// Code for metric labels and events.
    pub const fn as_str(&self) -> &'static str {
        self.fault.as_str()
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "datasource {}: {}; {}", self.datasource, self.fault, self.fault.remedy())
    }
}

impl std::error::Error for ReadError {}

/// The kinds of failure. Texts from outside are sanitised and at most 512 characters long.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// DNS, refused, reset.
    #[error("not reachable: {why}")]
    Unreachable {
        /// Cause.
        why: String,
    },
    /// Certificate or handshake.
    #[error("TLS: {why}")]
    Tls {
        /// Cause.
        why: String,
    },
    /// No whole answer in time.
    #[error("no whole answer within {} s", .after.as_secs_f64())]
    TimedOut {
        /// The bound.
        after: Duration,
    },
    /// Not asked: earlier failures.
    #[error("not asked: it failed {failures} times in a row{}, next try in {} s", because(.last.as_deref()), .retry_in.as_secs())]
    BackingOff {
        /// Failures in a row.
        failures: u32,
        /// Time left.
        retry_in: Duration,
        /// What it failed with last: the cause, and so the remedy.
        last: Option<Box<Fault>>,
    },
    /// Not asked: too many wait already.
    #[error("not asked: {waiting} questions wait already")]
    Busy {
        /// Length of the queue.
        waiting: usize,
    },
    /// Not asked: this tick's budget is spent.
    #[error("not asked: this tick's budget of {limit} requests is spent")]
    BudgetSpent {
        /// The budget.
        limit: u32,
    },
    /// 401 or 403, also after reading the credentials again.
    #[error("it refuses our credentials (HTTP {status})")]
    Unauthorized {
        /// Status.
        status: u16,
    },
    /// A credential or certificate file cannot be used.
    #[error("credentials: {why}")]
    Credentials {
        /// Cause, with the path.
        why: String,
    },
    /// 429 or 503.
    #[error("it is overloaded (HTTP {status}): {text}")]
    Throttled {
        /// Status.
        status: u16,
        /// What it asked for.
        retry_after: Option<Duration>,
        /// Its words.
        text: String,
    },
    /// Any other 5xx, or a status that the API does not have.
    #[error("HTTP {status}: {text}")]
    Failed {
        /// Status.
        status: u16,
        /// Its words.
        text: String,
    },
    /// 404 or 405: something answers, but not Prometheus' API.
    #[error("nothing of Prometheus' API at this address (HTTP {status})")]
    WrongAddress {
        /// Status.
        status: u16,
    },
    /// A redirect, which is not followed.
    #[error("it redirects (HTTP {status}) to {to}")]
    Redirected {
        /// Status.
        status: u16,
        /// Where to.
        to: String,
    },
    /// The server cannot parse or execute the query.
    #[error("it rejects the query: {text}")]
    QueryRejected {
        /// Its words.
        text: String,
    },
    /// Even a day's worth of the query touches too many samples.
    #[error("the query touches more samples than the server allows, even for {}: {text}", days(*.range))]
    TooManySamples {
        /// Range asked for last.
        range: Duration,
        /// Its words.
        text: String,
    },
    /// Body over the cap; the connection was closed there.
    #[error("answer larger than {} MiB", .cap >> 20)]
    TooLarge {
        /// Cap, bytes.
        cap: usize,
    },
    /// An HTML page.
    #[error("an HTML page instead of JSON{}", titled(.title))]
    LoginPage {
        /// Its title.
        title: String,
    },
    /// Some other content, or a compressed body that nobody asked for.
    #[error("{content} instead of plain JSON")]
    NotJson {
        /// Content type or encoding.
        content: String,
    },
    /// JSON, but not an answer to the question.
    #[error("malformed answer: {why}")]
    Malformed {
        /// What does not fit.
        why: String,
    },
    /// More than one series where one was expected.
    #[error("more than one series: {first} and {second}")]
    AmbiguousSeries {
        /// First label set.
        first: String,
        /// Second label set.
        second: String,
    },
    /// Two chunks of one range disagree where they overlap: two servers behind one address.
    #[error("two answers disagree at {}: {first} and {second}", .at.to_rfc3339())]
    Inconsistent {
        /// When.
        at: DateTime<Utc>,
        /// Earlier answer.
        first: f32,
        /// Later answer.
        second: f32,
    },
    /// The question itself is impossible.
    #[error("impossible range: {why}")]
    BadRange {
        /// Why.
        why: String,
    },
    /// No datasource of this name.
    #[error("there is no datasource of this name{}", did_you_mean(.similar))]
    Unknown {
        /// Nearest names.
        similar: Vec<String>,
    },
}

fn days(range: Duration) -> String {
    format!("{:.1} days", range.as_secs_f64() / 86_400.0)
}

/// ` (the cause)`, or nothing.
fn because(last: Option<&Fault>) -> String {
    last.map(|fault| format!(" ({fault})")).unwrap_or_default()
}

fn titled(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!(" ({title:?})") }
}

/// `; did you mean a, b?`, or nothing.
pub(crate) fn did_you_mean(similar: &[String]) -> String {
    if similar.is_empty() { String::new() } else { format!("; did you mean {}?", similar.join(", ")) }
}

impl Fault {
    /// Code for metric labels and events.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Tls { .. } => "tls",
            Self::TimedOut { .. } => "timed_out",
            Self::BackingOff { .. } => "backing_off",
            Self::Busy { .. } => "busy",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Credentials { .. } => "credentials",
            Self::Throttled { .. } => "throttled",
            Self::Failed { .. } => "failed",
            Self::WrongAddress { .. } => "wrong_address",
            Self::Redirected { .. } => "redirected",
            Self::QueryRejected { .. } => "query_rejected",
            Self::TooManySamples { .. } => "too_many_samples",
            Self::TooLarge { .. } => "too_large",
            Self::LoginPage { .. } => "login_page",
            Self::NotJson { .. } => "not_json",
            Self::Malformed { .. } => "malformed_response",
            Self::AmbiguousSeries { .. } => "ambiguous_series",
            Self::Inconsistent { .. } => "inconsistent",
            Self::BadRange { .. } => "bad_range",
            Self::Unknown { .. } => "unknown_datasource",
        }
    }

    /// How to mend it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::BackingOff { last: Some(last), .. } => last.remedy(),
            Self::Unreachable { .. } => "check the datasource's `url` and that a NetworkPolicy lets us through",
            Self::Tls { .. } => "check the certificate's name and dates, and `tls.ca-file` of the datasource",
            Self::TimedOut { .. } => "is the server overloaded? a recording rule makes the query cheap",
            Self::BackingOff { .. } | Self::Busy { .. } | Self::BudgetSpent { .. } => {
                "nothing to do: it is asked again by itself"
            }
            Self::Unauthorized { .. } => "check the token or password, and the tenant header, of the datasource",
            Self::Credentials { .. } => "mount the file, or correct its path in the datasource",
            Self::Throttled { .. } => {
                "nothing to do at first: we ask less; raise the server's query limits if it stays"
            }
            Self::Failed { .. } => "look into the server's own log",
            Self::WrongAddress { .. } => {
                "check the path prefix of the datasource's `url` (`/prometheus`, `/select/0/prometheus`)"
            }
            Self::Redirected { .. } => "redirects are not followed: set the datasource's `url` to the final address",
            Self::QueryRejected { .. } => "paste the query (`floorcast explain`) into Prometheus' own page",
            Self::TooManySamples { .. } => {
                "add the recording rule that `floorcast explain` prints, and use it by a load template"
            }
            Self::TooLarge { .. } => "aggregate the query to one series, for example with `sum(…)`",
            Self::LoginPage { .. } => {
                "is there an auth proxy in front? give the datasource a token, or an address behind the proxy"
            }
            Self::NotJson { .. } => "does the datasource's `url` point at Prometheus' API?",
            Self::Malformed { .. } => "does a Prometheus-compatible server answer at the datasource's `url`?",
            Self::AmbiguousSeries { .. } => "make it one total, for example `sum(…)` around the query",
            Self::Inconsistent { .. } => "point the datasource at one server, or at a deduplicating querier",
            Self::BadRange { .. } => "start must be before end, and the step whole seconds of at least 1",
            Self::Unknown { .. } => "name one of the configuration's `datasources`",
        }
    }

    /// Whether the datasource as a whole is in trouble (then everybody backs off), or only this question.
    pub(crate) const fn is_of_the_server(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Tls { .. }
                | Self::TimedOut { .. }
                | Self::Unauthorized { .. }
                | Self::Credentials { .. }
                | Self::Throttled { .. }
                | Self::Failed { .. }
                | Self::WrongAddress { .. }
                | Self::Redirected { .. }
                | Self::LoginPage { .. }
                | Self::NotJson { .. }
        )
    }
}

/// Text from outside made safe for logs, events and annotations: no control characters, one line, at most `most` characters.
pub fn sanitised(text: &str, most: usize) -> String {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || invisible(c)).filter(|w| !w.is_empty()).take(most).collect();
    let line = words.join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let mut short: String = line.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_one_short_visible_line() {
        assert_eq!(sanitised("a\r\nb\tc\0d\u{202e}e", 100), "a b c d e");
        assert_eq!(sanitised("  ", 10), "");
        let long = sanitised(&"x".repeat(10_000), 512);
        assert_eq!(long.chars().count(), 512);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn an_error_says_what_where_why_and_how_to_mend_it() {
        let error = ReadError {
            datasource: "main".into(),
            query: Some("up".into()),
            fault: Fault::AmbiguousSeries { first: "{pod=\"a\"}".into(), second: "{pod=\"b\"}".into() },
        };
        let text = error.to_string();
        assert_eq!(
            text,
            "datasource main: more than one series: {pod=\"a\"} and {pod=\"b\"}; make it one total, for example `sum(…)` around the query"
        );
    }
}
