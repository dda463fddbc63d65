//! A request as the server understands it.

use super::kind::Kind;
use super::refusal::Refusal;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is to be done. These are the verbs of RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Read one.
    Get,
    /// Read many.
    List,
    /// Follow changes.
    Watch,
    /// POST.
    Create,
    /// PUT.
    Update,
    /// PATCH of any type.
    Patch,
    /// DELETE.
    Delete,
}

impl Verb {
    /// RBAC's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// Whether it can change an object.
    pub const fn mutates(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Patch | Self::Delete)
    }
}

/// One request to the API.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub user: String,
    /// The pod whose token was shown, as the real audit log has it in `authentication.kubernetes.io/pod-name`; may be empty.
    pub pod: String,
    /// What is to be done.
    pub verb: Verb,
    /// To which kind.
    pub kind: Kind,
    /// In which namespace; empty for all, and for kinds without.
    pub namespace: String,
    /// To which object; empty for many, and for one to be created.
    pub name: String,
    /// `status`, `scale`, or empty.
    pub subresource: String,
    /// Query parameters, decoded.
    pub query: BTreeMap<String, String>,
    /// Content type of the body.
    pub content_type: String,
    /// Name of the client program: the field manager of those who name none.
    pub agent: String,
    /// The body, null where there is none.
    pub body: Value,
}

impl Request {
    /// A query parameter, empty where absent.
    pub fn param(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// Whether a query parameter is set to true.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), "true" | "1")
    }

    /// `fieldManager`, else the client's name.
    pub fn manager(&self) -> &str {
        match self.param("fieldManager") {
            "" if self.agent.is_empty() => "unknown",
            "" => &self.agent,
            named => named,
        }
    }
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/version`.
    Version,
    /// `/livez`, `/readyz`, `/healthz`.
    Health,
    /// The list of resources of one `group/version`.
    Discovery(String),
    /// Objects: kind, namespace, name, subresource.
    Objects(Kind, String, String, String),
}

/// Finds the way.
///
/// # Errors
/// 404 for a path that leads nowhere.
pub fn route(path: &str) -> Result<Route, Refusal> {
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    match parts.as_slice() {
        ["version"] => Ok(Route::Version),
        ["livez" | "readyz" | "healthz", ..] => Ok(Route::Health),
        ["api", version] => Ok(Route::Discovery((*version).to_owned())),
        ["apis", group, version] => Ok(Route::Discovery(format!("{group}/{version}"))),
        ["api", version, rest @ ..] => objects(version, rest),
        ["apis", group, version, rest @ ..] => objects(&format!("{group}/{version}"), rest),
        _ => Err(Refusal::no_such_path()),
    }
}

fn objects(api_version: &str, rest: &[&str]) -> Result<Route, Refusal> {
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
        rest => ("", rest),
    };
    let (plural, name, sub) = match rest {
        [plural] => (*plural, "", ""),
        [plural, name] => (*plural, *name, ""),
        [plural, name, sub] => (*plural, *name, *sub),
        _ => return Err(Refusal::no_such_path()),
    };
    let kind = Kind::from_plural(api_version, plural).ok_or_else(Refusal::no_such_path)?;
    let fits = match sub {
        "" => true,
        "status" => kind.has_status(),
        "scale" => kind.has_scale(),
        _ => false,
    };
    let misplaced = if kind.namespaced() { namespace.is_empty() && !name.is_empty() } else { !namespace.is_empty() };
    if !fits || misplaced {
        return Err(Refusal::no_such_path());
    }
    Ok(Route::Objects(kind, namespace.to_owned(), name.to_owned(), sub.to_owned()))
}

/// Decodes `a=b&c=d%20e`.
pub fn query(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(k, v)| (decoded(k), decoded(v)))
        .collect()
}

/// Percent-decoded, with `+` as a blank; an escape that is none stays as it is.
pub fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let escape = bytes
            .get(i + 1..i + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[i], escape) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 2;
            }
            (b'+', _) => out.push(b' '),
            (other, _) => out.push(other),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn to(kind: Kind, namespace: &str, name: &str, sub: &str) -> Route {
        Route::Objects(kind, namespace.into(), name.into(), sub.into())
    }

    #[test]
    fn paths_lead_where_they_should() {
        let hpas = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
        for (path, wanted) in [
            (hpas.to_owned(), to(Kind::Hpa, "default", "", "")),
            (format!("{hpas}/web"), to(Kind::Hpa, "default", "web", "")),
            (format!("{hpas}/web/status"), to(Kind::Hpa, "default", "web", "status")),
            ("/apis/autoscaling/v2/horizontalpodautoscalers".to_owned(), to(Kind::Hpa, "", "", "")),
            ("/api/v1/namespaces".to_owned(), to(Kind::Namespace, "", "", "")),
            ("/api/v1/namespaces/default".to_owned(), to(Kind::Namespace, "", "default", "")),
            ("/api/v1/namespaces/default/pods".to_owned(), to(Kind::Pod, "default", "", "")),
            ("/version".to_owned(), Route::Version),
        ] {
            assert_eq!(route(&path), Ok(wanted), "{path}");
        }
        for nowhere in ["/apis/foo/v1/bars", "/nope", &format!("{hpas}/web/scale")] {
            assert_eq!(route(nowhere).unwrap_err().code, 404, "{nowhere}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        let q = query("labelSelector=a%3Db%2Cc&watch=true&x=1+2&bad=%zz");
        assert_eq!(q["labelSelector"], "a=b,c");
        assert_eq!(q["x"], "1 2");
        assert_eq!(q["bad"], "%zz");
    }
}
