//! What all pages share: head, header, banners about the process, footer; and the page that says why there is none.

use crate::{cli::when, http::api::Snapshot};
use chrono::{DateTime, TimeDelta, Utc};
use maud::{DOCTYPE, Markup, html};
use std::borrow::Cow;

/// A tick's end that is older than this is told: twenty ticks of the default length.
const STALE: TimeDelta = TimeDelta::minutes(5);
/// The longest part of a person's text that is said back.
const SAID: usize = 60;

/// A page around its content.
pub(super) struct Frame<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) title: &'a str,
    pub(super) now: DateTime<Utc>,
}

/// Why there is no page, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remedy {
    pub(super) title: Cow<'static, str>,
    pub(super) what: Cow<'static, str>,
    pub(super) how: Cow<'static, str>,
}

impl Remedy {
    pub(super) const NOWHERE: Self = Self {
        title: Cow::Borrowed("Not found"),
        what: Cow::Borrowed("There is no page at this address."),
        how: Cow::Borrowed(
            "The fleet is at /, a workload at /workloads/NAMESPACE/HPA, their data at /api/v1/workloads and /api/v1/status.",
        ),
    };
    pub(super) const BAD_QUERY: Self = Self {
        title: Cow::Borrowed("Not understood"),
        what: Cow::Borrowed("The part of the address after the ? cannot be read."),
        how: Cow::Borrowed("Write it as ?q=shop&state=Holding&sort=peak&page=2, in UTF-8 with % escapes."),
    };

    pub(super) fn no_workload(namespace: &str, hpa: &str) -> Self {
        Self {
            title: "Not found".into(),
            what: format!("floorcast knows no HPA {}/{}.", said(namespace), said(hpa)).into(),
            how: "It does not exist, or nobody opted it in: annotate it with floorcast.io/mode: shadow, or search the fleet.".into(),
        }
    }

    pub(super) fn unknown_key(key: &str) -> Self {
        Self {
            title: "Not understood".into(),
            what: format!("The address asks for \u{201c}{}\u{201d}, which the fleet does not know.", said(key)).into(),
            how: "It knows q, state, sort, page.".into(),
        }
    }

    pub(super) fn bad_value(key: &str, value: &str, allowed: &str) -> Self {
        Self {
            title: "Not understood".into(),
            what: format!("\u{201c}{}\u{201d} is no value of {key}.", said(value)).into(),
            how: format!("Allowed is {allowed}.").into(),
        }
    }
}

/// A person's own text, cut so that an answer stays short.
fn said(text: &str) -> String {
    let short: String = text.chars().take(SAID).collect();
    if short.len() < text.len() { short + "…" } else { short }
}

impl Frame<'_> {
    /// The whole page: `fixed` stays while the script swaps what is in `live`.
    pub(super) fn document(&self, fixed: &Markup, live: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · floorcast" }
                    link rel="icon" type="image/svg+xml" href="/icon.svg";
                    link rel="stylesheet" href="/style.css";
                    script src="/live.js" defer {}
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    header.top {
                        div.across {
                            a.brand href="/" { img src="/icon.svg" width="24" height="24" alt=""; "floorcast" }
                            p #line role="status" aria-live="polite" { noscript { "Reload the page for newer figures." } }
                        }
                    }
                    main #main.across tabindex="-1" {
                        (fixed)
                        div #live { (self.banners()) (live) (self.about()) }
                    }
                }
            }
        }
    }

    /// A page that says why there is none.
    pub(super) fn stopped(&self, remedy: &Remedy) -> Markup {
        let live = html! {
            h1 { (remedy.title) }
            p.lead { (remedy.what) }
            p { (remedy.how) }
            p { a href="/" { "All workloads" } }
        };
        self.document(&html! {}, &live)
    }

    /// What is wrong with the process: nothing where all is well.
    fn banners(&self) -> Markup {
        let said = self.troubles();
        html! {
            @if !said.is_empty() {
                ul.banners aria-label="Troubles of the process" { @for line in &said { li { (line) } } }
            }
        }
    }

    fn troubles(&self) -> Vec<String> {
        let status = &self.snapshot.status;
        let mut said: Vec<String> = self.snapshot.unready.iter().map(|why| format!("Not ready: {why}.")).collect();
        if let Some(tick) = self.snapshot.last_tick.filter(|tick| self.now - *tick > STALE) {
            said.push(format!("The last tick was {}: these figures are old.", when::relative(tick, self.now)));
        }
        if !matches!(status.control.as_str(), "" | "run") {
            said.push(format!("Kill switch: {}.", status.control));
        }
        said.extend(status.control_namespaces.iter().map(|(name, word)| format!("Kill switch in {name}: {word}.")));
        let down = status.datasources.iter().filter_map(|d| Some((&d.name, d.error.as_ref()?)));
        said.extend(down.map(|(name, error)| format!("Datasource {name} is down: {error}")));
        if self.snapshot.last_tick.is_some() && !status.config_in_force {
            said.push("The configuration file on disk is refused; the last good one is in force. See floorcast config validate.".to_owned());
        }
        said.extend(status.forbidden.iter().cloned());
        said
    }

    /// Whose figures these are, and from when.
    fn about(&self) -> Markup {
        let status = &self.snapshot.status;
        let role = if status.leader { "leader" } else { "standby" };
        html! {
            footer {
                p {
                    @match self.snapshot.last_tick {
                        Some(tick) => { "As of " time datetime=(tick.format("%FT%TZ")) { (tick.format("%T")) " UTC" } },
                        None => "No tick yet",
                    }
                    @if !status.identity.is_empty() { " · " (status.identity) " (" (role) ", epoch " (status.epoch) ")" }
                    @if !status.version.is_empty() { " · floorcast " (status.version) }
                    @if let Some(took) = status.tick_seconds { " · tick " (format!("{:.1}", 1000.0 * took)) " ms" }
                }
                p { a href="/api/v1/status" { "Status as JSON" } " · " a href="/api/v1/workloads" { "Workloads as JSON" } }
            }
        }
    }
}
