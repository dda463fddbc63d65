//! Names of forecasting models, as the core knows them.

use super::{nearest, quoted};
use floorcast_models::forecast::Choice;

/// The model of this name, or a message of three lines: what, why, remedy.
pub(crate) fn parse(name: &str) -> Result<Choice, String> {
    let names = Choice::ALL.map(Choice::as_str);
    name.parse::<Choice>().map_err(|unknown| {
        let near = || nearest(name, names, 2).map(|near| format!("did you mean {near}?"));
        let remedy = unknown.left_out().map(str::to_owned).or_else(near).unwrap_or_else(|| "write auto".to_owned());
        format!("{} is no model\nknown are {}\n{remedy}", quoted(name), names.join(", "))
    })
}
