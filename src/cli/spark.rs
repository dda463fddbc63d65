//! A curve in one line.

/// Characters of a sparkline, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Block elements.
    Unicode,
    /// For terminals that know nothing else.
    Ascii,
}

impl Ink {
    /// What the environment can show: Unicode where the locale says UTF-8 and the terminal is not dumb.
    pub fn of_environment() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|v| !v.is_empty());
        let locale = variable("LC_ALL").or_else(|| variable("LC_CTYPE")).or_else(|| variable("LANG"));
        Self::of(locale.as_deref(), variable("TERM").as_deref())
    }

    fn of(locale: Option<&str>, terminal: Option<&str>) -> Self {
        let utf8 = locale.is_some_and(|l| l.to_lowercase().replace('-', "").contains("utf8"));
        if utf8 && terminal != Some("dumb") { Self::Unicode } else { Self::Ascii }
    }

    const fn levels(self) -> &'static [char] {
        match self {
            Self::Unicode => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Self::Ascii => &['_', '.', '-', '=', '+', '*', '#', '@'],
        }
    }
}

/// At most `width` characters, each showing the highest of the values it stands for; the scale begins at zero.
pub fn line(values: &[f64], width: usize, ink: Ink) -> String {
    let highest = values.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
    scaled(values, values.len().div_ceil(width.max(1)).max(1), highest, ink)
}

/// One character per `chunk` values, on a scale from zero to `highest`: for curves that are compared.
pub fn scaled(values: &[f64], chunk: usize, highest: f64, ink: Ink) -> String {
    let levels = ink.levels();
    let draw = |part: &[f64]| {
        let finite = part.iter().copied().filter(|v| v.is_finite());
        let Some(top) = finite.reduce(f64::max) else { return ' ' };
        let share = if highest > 0.0 { (top / highest).clamp(0.0, 1.0) } else { 0.0 };
        // 0 is the lowest level, the highest value the last: 8 levels cut [0, 1] into 7 steps.
        levels[(share * (levels.len() - 1) as f64).round() as usize]
    };
    values.chunks(chunk.max(1)).map(draw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_keeps_its_peaks() {
        assert_eq!(line(&[0.0, 1.0, 7.0, 3.0], 10, Ink::Unicode), "▁▂█▄");
        assert_eq!(line(&[0.0, 1.0, 7.0, 3.0], 2, Ink::Ascii), ".@");
        assert_eq!(line(&[f64::NAN, 2.0], 10, Ink::Ascii), " @", "a gap is no zero");
        assert_eq!(line(&[], 10, Ink::Ascii), "");
        assert_eq!(line(&[0.0, 0.0], 10, Ink::Ascii), "__");
        assert_eq!(scaled(&[0.0, 3.5, 1.0, 7.0], 2, 7.0, Ink::Unicode), "▅█");
    }

    #[test]
    fn ascii_where_unicode_may_not_show() {
        assert_eq!(Ink::of(Some("en_US.UTF-8"), Some("xterm")), Ink::Unicode);
        assert_eq!(Ink::of(Some("C.utf8"), None), Ink::Unicode);
        assert_eq!(Ink::of(Some("en_US.UTF-8"), Some("dumb")), Ink::Ascii);
        assert_eq!(Ink::of(Some("C"), Some("xterm")), Ink::Ascii);
        assert_eq!(Ink::of(None, None), Ink::Ascii);
    }
}
