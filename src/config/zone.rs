//! IANA time zones by name, with the nearest name for a typo.

use super::nearest;
use chrono_tz::{TZ_VARIANTS, Tz};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, fmt};

/// A time zone of the IANA database that is built in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Zone(pub Tz);

/// The zone of this name, or a message of three lines: what, why, remedy. Never UTC silently.
pub fn parse(name: &str) -> Result<Tz, String> {
    name.parse::<Tz>().map_err(|_| {
        let near = nearest(name, TZ_VARIANTS.iter().map(|z| z.name()), 4);
        let remedy = near.map_or_else(
            || "write an IANA name such as Europe/Berlin or UTC".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        format!("{} is not a time zone\nonly names of the IANA database are known\n{remedy}", super::quoted(name))
    })
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parse(&Cow::<'de, str>::deserialize(from)?).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> Cow<'static, str> {
        "Zone".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "an IANA time zone such as Europe/Berlin" })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_gets_the_nearest_name() {
        assert_eq!(parse("Europe/Berlin").unwrap(), Tz::Europe__Berlin);
        assert!(parse("Europe/Berln").unwrap_err().ends_with("did you mean Europe/Berlin?"));
        assert!(parse("Mars/Olympus_Mons").unwrap_err().contains("such as Europe/Berlin"));
    }
}
