//! Values as they come from strangers: bounded, visible characters only.

/// Longest value that is read, in bytes.
const LONGEST: usize = 4096;
/// Longest piece of a stranger's text that is shown again.
const SHOWN: usize = 80;

/// The value without blanks at its ends; refused where it is too long or has invisible characters. `lines` allows line
/// breaks and tabs inside (PromQL). The error is a message of three lines: what, why, remedy.
pub(super) fn clean(raw: &str, lines: bool) -> Result<&str, String> {
    if raw.len() > LONGEST {
        return Err(format!(
            "the value has {} bytes\nat most {LONGEST} are read\nshorten it, or ask the administrator for a template",
            raw.len()
        ));
    }
    let text = raw.trim_matches([' ', '\t', '\r', '\n']);
    if text.is_empty() {
        return Err(
            "the value is empty\na key without a value means nothing\nwrite a value, or remove the key".to_owned()
        );
    }
    for (position, c) in text.chars().enumerate() {
        if invisible(c) && !(lines && matches!(c, '\n' | '\r' | '\t')) {
            return Err(format!(
                "character {} is U+{:04X}, which cannot be seen\nonly visible characters are read\ntype the value again by hand",
                position + 1,
                u32::from(c)
            ));
        }
    }
    Ok(text)
}

/// Control characters, zero-width characters, marks that turn the writing direction, byte-order marks, tags.
fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A stranger's text as shown again: shortened, invisible characters escaped.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(SHOWN) {
        if invisible(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(SHOWN).is_some() {
        out.push('…');
    }
    out
}
