//! What a person wants to see of the fleet: the query string of `/`, read strictly, so that a slip shows.

use super::{frame::Remedy, words};
use crate::http::api::Workload;
use floorcast_models::decide::State;
use std::cmp::Reverse;

/// Workloads on one page: with a thousand of them a page stays far below 200 KiB.
pub(super) const PER_PAGE: usize = 100;
/// Longest search word; names of Kubernetes have at most 253 characters.
const LONGEST: usize = 253;

/// The order of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// By namespace and name.
    #[default]
    Name,
    /// What needs a person first.
    Attention,
    /// The most replicas above base first.
    Raised,
    /// The soonest peak first.
    Peak,
}

impl Order {
    pub(super) const ALL: [Self; 4] = [Self::Name, Self::Attention, Self::Raised, Self::Peak];

    /// The word of the query string.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Attention => "attention",
            Self::Raised => "raised",
            Self::Peak => "peak",
        }
    }

    /// The word of the form.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Attention => "Needs attention first",
            Self::Raised => "Most raised first",
            Self::Peak => "Next peak first",
        }
    }

    /// Puts workloads, which come by name, into this order.
    pub(super) fn sort(self, workloads: &mut [&Workload]) {
        match self {
            Self::Name => {}
            Self::Attention => workloads.sort_by_key(|w| words::tone(w)),
            Self::Raised => workloads.sort_by_key(|w| Reverse(words::raised(w))),
            Self::Peak => workloads.sort_by_key(|w| w.peak.map_or((true, None), |peak| (false, Some(peak.at)))),
        }
    }
}

/// A filter over the fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Part of a namespace, a name or a target; empty: all.
    pub(super) search: String,
    /// Only this state.
    pub(super) state: Option<State>,
    /// In this order.
    pub(super) order: Order,
    /// From 0 on; shown and asked for from 1 on.
    pub(super) page: usize,
}

impl Filter {
    /// Reads a query string; an unknown key or value is told with those that there are.
    pub(super) fn read(pairs: &[(String, String)]) -> Result<Self, Remedy> {
        let mut filter = Self::default();
        for (key, value) in pairs {
            let value = value.trim();
            match key.as_str() {
                "q" if value.chars().count() <= LONGEST => value.clone_into(&mut filter.search),
                "q" => return Err(Remedy::bad_value("q", value, &format!("at most {LONGEST} characters"))),
                _ if value.is_empty() => {}
                "state" => filter.state = Some(chosen(key, value, State::ALL, State::as_str)?),
                "sort" => filter.order = chosen(key, value, Order::ALL, Order::as_str)?,
                "page" => filter.page = numbered(value)?,
                _ => return Err(Remedy::unknown_key(key)),
            }
        }
        Ok(filter)
    }

    /// The same as pairs of a query string; defaults are left out.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let search = Some(self.search.clone()).filter(|search| !search.is_empty());
        let order = Some(self.order).filter(|order| *order != Order::default());
        let page = Some(self.page).filter(|page| *page > 0).map(|page| page + 1);
        let pairs = [
            ("q", search),
            ("state", self.state.map(|state| state.as_str().to_owned())),
            ("sort", order.map(|order| order.as_str().to_owned())),
            ("page", page.map(|page| page.to_string())),
        ];
        pairs.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// The same with another state, from its first page.
    pub(super) fn in_state(&self, state: Option<State>) -> Self {
        Self { state, page: 0, ..self.clone() }
    }

    /// The same on another page.
    pub(super) fn on_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// Whether a workload has the word, whatever its case.
    pub(super) fn finds(&self, w: &Workload) -> bool {
        let word = self.search.to_lowercase();
        word.is_empty() || w.key().to_lowercase().contains(&word) || w.target.to_lowercase().contains(&word)
    }

    /// Whether a workload is in the state.
    pub(super) fn wants(&self, w: &Workload) -> bool {
        self.state.is_none_or(|state| state.as_str() == w.state)
    }
}

fn chosen<T: Copy, const N: usize>(
    key: &str,
    value: &str,
    all: [T; N],
    word: impl Fn(T) -> &'static str,
) -> Result<T, Remedy> {
    let found = all.into_iter().find(|one| word(*one).eq_ignore_ascii_case(value));
    found.ok_or_else(|| Remedy::bad_value(key, value, &format!("one of {}", all.map(word).join(", "))))
}

fn numbered(value: &str) -> Result<usize, Remedy> {
    let number = value.parse::<u32>().ok().and_then(|page| page.checked_sub(1));
    number.map(|page| page as usize).ok_or_else(|| Remedy::bad_value("page", value, "a whole number from 1 on"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Filter, Remedy> {
        Filter::read(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_asked_is_what_the_links_say() {
        let pairs = [("q", "shop/web"), ("state", "Holding"), ("sort", "peak"), ("page", "3")];
        let filter = read(&pairs).unwrap();
        assert_eq!((filter.state, filter.order, filter.page), (Some(State::Holding), Order::Peak, 2));
        let back: Vec<_> = filter.pairs();
        assert_eq!(back.iter().map(|(k, v)| (*k, v.as_str())).collect::<Vec<_>>(), pairs);
        assert_eq!(read(&[("q", ""), ("state", ""), ("sort", "name"), ("page", "1")]).unwrap(), Filter::default());
        assert_eq!(Filter::default().pairs(), []);
    }

    #[test]
    fn a_slip_is_told_with_what_there_is() {
        let long = "x".repeat(254);
        for (key, value, told) in [
            ("state", "Hoding", "Holding"),
            ("sort", "size", "attention"),
            ("page", "0", "from 1 on"),
            ("page", "-1", "from 1 on"),
            ("page", "9999999999999999999999", "from 1 on"),
            ("q", long.as_str(), "253"),
            ("namespace", "shop", "q, state, sort, page"),
        ] {
            let remedy = read(&[(key, value)]).unwrap_err();
            let text = format!("{} {}", remedy.what, remedy.how);
            assert!(text.contains(told), "{key}={value}: {text}");
            assert!(text.len() < 600, "short: {text}");
        }
    }

    #[test]
    fn a_search_finds_parts_of_names_whatever_their_case() {
        let w = Workload {
            namespace: "shop".into(),
            hpa: "web".into(),
            target: "Deployment/Front".into(),
            ..Workload::default()
        };
        for (word, found) in [("", true), ("SHOP/w", true), ("front", true), ("api", false)] {
            assert_eq!(Filter { search: word.into(), ..Filter::default() }.finds(&w), found, "{word}");
        }
    }
}
