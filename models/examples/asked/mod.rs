//! What an example was asked for: options and files, refused in a sentence where they are not understood.

use std::{env, fmt::Display, process::exit, str::FromStr};

/// What an option was to whom it was shown.
#[allow(dead_code, reason = "most examples have some of them only")]
pub(crate) enum Taken {
    /// There is no such option.
    Unknown,
    /// Taken in.
    Known,
    /// Taken in, and something to do even where no file is named.
    Enough,
}

/// The files that were named, each of which holds a `kind`. `take` is shown every option, with its value to be read.
pub(crate) fn files(options: &str, kind: &str, mut take: impl FnMut(&mut Asked<'_>) -> Taken) -> Vec<String> {
    let (mut files, mut enough, mut rest) = (Vec::new(), false, env::args().skip(1));
    while let Some(word) = rest.next() {
        if !word.starts_with('-') {
            files.push(word);
            continue;
        }
        match take(&mut Asked { option: &word, rest: &mut rest }) {
            Taken::Unknown => refuse(&format!("{word}: no such option; there are: {options}")),
            Taken::Known => {}
            Taken::Enough => enough = true,
        }
    }
    if files.is_empty() && !enough {
        refuse(&format!("no file; give {kind}; options: {options}"));
    }
    files
}

/// One option.
pub(crate) struct Asked<'a> {
    /// Its name.
    pub(crate) option: &'a str,
    rest: &'a mut dyn Iterator<Item = String>,
}

impl Asked<'_> {
    /// Its value.
    #[allow(dead_code, reason = "some examples have no options")]
    pub(crate) fn value<T: FromStr<Err: Display>>(&mut self) -> T {
        let option = self.option;
        let given = self.rest.next().unwrap_or_else(|| refuse(&format!("{option}: its value is missing")));
        given.parse().unwrap_or_else(|why| refuse(&format!("{option} {given}: {why}")))
    }
}

/// Says what is wrong with what was asked for, and ends.
pub(crate) fn refuse(why: &str) -> ! {
    eprintln!("{why}");
    exit(2)
}
