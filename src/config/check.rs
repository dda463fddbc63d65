//! What one value cannot know alone: names that must exist, orders that must hold, credentials that must not travel.

use super::{Config, Datasource, Fault, Selector, nearest, quoted};
use crate::datasource::ALLOWED_HEADERS;
use std::collections::BTreeSet;

/// Everything wrong, in the order of the file.
pub(super) fn faults(config: &Config) -> Vec<Fault> {
    let mut faults = Vec::new();
    datasources(config, &mut faults);
    templates(config, &mut faults);
    opt_in(config, &mut faults);
    schedules(config, &mut faults);
    days(config, &mut faults);
    defaults(config, &mut faults);
    exclusions(config, &mut faults);
    lease(config, &mut faults);
    addresses(config, &mut faults);
    faults
}

fn datasources(config: &Config, faults: &mut Vec<Fault>) {
    let mut names = BTreeSet::new();
    for (index, source) in config.datasources.iter().enumerate() {
        let at = format!("datasources[{index}]");
        if !is_name(&source.name) {
            faults.push(Fault::new(
                format!("{at}.name"),
                &format!("{} is no name\na name is a metric label and has 1 to 63 of a-z, A-Z, 0-9, - and _\nwrite for example main", quoted(&source.name)),
            ));
        }
        if !names.insert(&source.name) {
            faults.push(Fault::new(
                format!("{at}.name"),
                &format!(
                    "{} is there twice\ntemplates refer to datasources by name\nrename one of them",
                    quoted(&source.name)
                ),
            ));
        }
        if let Some(message) = url_fault(&source.url) {
            faults.push(Fault::new(format!("{at}.url"), &message));
        }
        credentials(source, &at, faults);
        headers(source, &at, faults);
    }
    known_datasource(config, config.default_datasource.as_deref(), "defaultDatasource", faults);
}

fn credentials(source: &Datasource, at: &str, faults: &mut Vec<Fault>) {
    if source.auth.basic.is_some() && source.auth.bearer_token_file.is_some() {
        faults.push(Fault::new(
            format!("{at}.auth"),
            "basic and bearerTokenFile are both there\none request has one Authorization header\nremove one of them",
        ));
    }
}

fn headers(source: &Datasource, at: &str, faults: &mut Vec<Fault>) {
    for (name, value) in &source.headers {
        let key = format!("{at}.headers.{name}");
        if !ALLOWED_HEADERS.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)) {
            let known = ALLOWED_HEADERS.join(", ");
            faults.push(Fault::new(
                key,
                &format!("the header {} is not allowed\nonly headers without credentials are: {known}\nuse auth for credentials", quoted(name)),
            ));
        } else if value.bytes().any(|b| !(0x20..0x7f).contains(&b)) {
            faults.push(Fault::new(
                key,
                "the value has a character that no header may have\nonly printable ASCII is allowed\nremove it",
            ));
        }
    }
    if source.tenant.as_ref().is_some_and(|t| t.is_empty() || t.bytes().any(|b| !(0x21..0x7f).contains(&b))) {
        faults.push(Fault::new(
            format!("{at}.tenant"),
            "the tenant is empty or has a character that no header may have\nonly printable ASCII without blanks is allowed\nwrite the tenant's ID",
        ));
    }
    for label in source.matchers.keys() {
        if !is_label(label) {
            faults.push(Fault::new(
                format!("{at}.matchers.{label}"),
                &format!(
                    "{} is no label name\nlabel names have letters, digits and _\nwrite for example cluster: prod",
                    quoted(label)
                ),
            ));
        }
    }
}

fn templates(config: &Config, faults: &mut Vec<Fault>) {
    for (name, template) in &config.templates {
        let at = format!("templates.{name}");
        if !is_name(name) || name == "auto" {
            faults.push(Fault::new(
                &at,
                &format!("{} is no name for a template\nit has 1 to 63 of a-z, A-Z, 0-9, - and _, and is not auto\nrename it", quoted(name)),
            ));
        }
        if let Some(message) = template.fault() {
            let key =
                if message.contains("arguments") || message.contains("is not used") { "arguments" } else { "query" };
            faults.push(Fault::new(format!("{at}.{key}"), &message));
        }
        known_datasource(config, template.datasource.as_deref(), &format!("{at}.datasource"), faults);
    }
}

fn known_datasource(config: &Config, name: Option<&str>, key: &str, faults: &mut Vec<Fault>) {
    let Some(name) = name.filter(|name| config.datasources.iter().all(|d| d.name != *name)) else {
        return;
    };
    let names: Vec<&str> = config.datasources.iter().map(|d| d.name.as_str()).collect();
    let remedy = match nearest(name, names.iter().copied(), 3) {
        Some(near) => format!("did you mean {near}?"),
        None if names.is_empty() => "add it to datasources".to_owned(),
        None => format!("write one of {}, or add it to datasources", names.join(", ")),
    };
    faults.push(Fault::new(
        key,
        &format!("there is no datasource {}\nevery name refers to an entry of datasources\n{remedy}", quoted(name)),
    ));
}

fn opt_in(config: &Config, faults: &mut Vec<Fault>) {
    for (index, rule) in config.opt_in.iter().enumerate() {
        rule_of(&format!("optIn[{index}]"), &rule.namespaces, &rule.selector, faults);
    }
}

/// What every rule by namespace and label must have right.
fn rule_of(at: &str, namespaces: &[String], selector: &Selector, faults: &mut Vec<Fault>) {
    if namespaces.is_empty() {
        faults.push(Fault::new(
            format!("{at}.namespaces"),
            "the list of namespaces is empty\nsuch a rule matches nothing\nname some, or leave the key out for all",
        ));
    }
    for (number, expression) in selector.match_expressions.iter().enumerate() {
        if let Some(message) = expression.fault() {
            faults.push(Fault::new(format!("{at}.selector.matchExpressions[{number}]"), message));
        }
    }
}

fn schedules(config: &Config, faults: &mut Vec<Fault>) {
    for (index, rule) in config.schedules.iter().enumerate() {
        let at = format!("schedules[{index}]");
        rule_of(&at, &rule.namespaces, &rule.selector, faults);
        if rule.windows.is_empty() {
            faults.push(Fault::new(
                format!("{at}.windows"),
                "the list of windows is empty\nsuch a rule schedules nothing\nadd a window, or remove the rule",
            ));
        }
    }
}

fn days(config: &Config, faults: &mut Vec<Fault>) {
    for (index, rule) in config.holidays.iter().enumerate() {
        rule_of(&format!("holidays[{index}]"), &rule.namespaces, &rule.selector, faults);
    }
    for (index, rule) in config.events.iter().enumerate() {
        let at = format!("events[{index}]");
        rule_of(&at, &rule.namespaces, &rule.selector, faults);
        if let Some(message) = rule.fault() {
            faults.push(Fault::new(at, message));
        }
    }
}

fn defaults(config: &Config, faults: &mut Vec<Fault>) {
    let step = config.defaults.step;
    if let Err(message) = super::model::parse(&config.defaults.model) {
        faults.push(Fault::new("defaults.model", &message));
    }
    if 86_400_000 % step.get().num_milliseconds() != 0 {
        faults.push(Fault::new(
            "defaults.step",
            &format!("{step} does not divide a day\nthe season's slots must be the same every day\nwrite for example 1m, 5m or 15m"),
        ));
    }
}

fn exclusions(config: &Config, faults: &mut Vec<Fault>) {
    for (index, window) in config.exclude.iter().enumerate() {
        if window.from >= window.to {
            faults.push(Fault::new(
                format!("exclude[{index}]"),
                "the window ends before it begins\nto must be later than from\nexchange them",
            ));
        }
    }
}

fn lease(config: &Config, faults: &mut Vec<Fault>) {
    let timing = &config.timing;
    let (duration, deadline, retry) =
        (timing.lease_duration.get(), timing.lease_renew_deadline.get(), timing.lease_retry.get());
    if deadline >= duration {
        faults.push(Fault::new(
            "timing.leaseRenewDeadline",
            &format!("{} is not shorter than leaseDuration ({})\na leader must stop before another may start\nwrite about two thirds of leaseDuration", timing.lease_renew_deadline, timing.lease_duration),
        ));
    }
    if retry >= deadline {
        faults.push(Fault::new(
            "timing.leaseRetry",
            &format!("{} is not shorter than leaseRenewDeadline ({})\na single failed try would cost the Lease\nwrite about a fifth of leaseRenewDeadline", timing.lease_retry, timing.lease_renew_deadline),
        ));
    }
}

fn addresses(config: &Config, faults: &mut Vec<Fault>) {
    if config.http.listen == config.http.api && config.http.listen.port() != 0 {
        faults.push(Fault::new(
            "http.api",
            "listen and api are the same address\nthe API is for port-forwards, metrics are for the scraper\ngive api another port",
        ));
    }
}

/// `None` for an address that can be asked; never repeats what stands before an `@`.
fn url_fault(url: &str) -> Option<String> {
    let example = "write for example http://prometheus.monitoring.svc:9090";
    let Ok(uri) = url.parse::<http::Uri>() else {
        return Some(format!("the address cannot be read\nit is no URL\n{example}"));
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Some(format!(
            "the address has no scheme that is known\nit begins with neither http:// nor https://\n{example}"
        ));
    }
    let Some(authority) = uri.authority() else {
        return Some(format!("the address has no host\nit names no server\n{example}"));
    };
    if authority.as_str().contains('@') {
        return Some("the address holds a user or password\nsecrets are read from files, never written here\nuse auth.basic with passwordFile".to_owned());
    }
    uri.query().map(|_| format!("the address has a query part\n/api/v1/… is added to it\n{example}"))
}

fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_label(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
