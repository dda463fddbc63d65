//! Files with secrets or certificates, read again when they change.

use super::secret::Secret;
use super::settings::{Auth, SecretSource};
use ::http::HeaderValue;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A file that keeps its stamp while its content changes is noticed after this long all the same.
const STALE: Duration = Duration::from_mins(1);
/// A larger file is no credential.
const LARGEST: u64 = 1 << 20;

/// A file whose content is kept until it changes.
pub(crate) struct Watched {
    path: PathBuf,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    stamp: (Option<SystemTime>, u64),
    read_at: Instant,
    content: Arc<[u8]>,
}

impl Watched {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), kept: Mutex::new(None) }
    }

    /// The content as of now.
    pub(crate) fn content(&self) -> Result<Arc<[u8]>, String> {
        let failed = |e: std::io::Error| format!("{}: {e}", self.path.display());
        let meta = fs::metadata(&self.path).map_err(failed)?;
        if meta.len() > LARGEST {
            return Err(format!("{}: {} bytes are no credential", self.path.display(), meta.len()));
        }
        let stamp = (meta.modified().ok(), meta.len());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = kept.as_ref().filter(|k| k.stamp == stamp && k.read_at.elapsed() < STALE) {
            return Ok(Arc::clone(&old.content));
        }
        let read = fs::read(&self.path).map_err(failed)?;
        // Unchanged content keeps its identity, so that nothing is rebuilt from it.
        let content = match kept.as_ref().filter(|k| *k.content == *read) {
            Some(old) => Arc::clone(&old.content),
            None => read.into(),
        };
        *kept = Some(Kept { stamp, read_at: Instant::now(), content: Arc::clone(&content) });
        Ok(content)
    }

    /// Next time it is read whatever its stamp says.
    pub(crate) fn forget(&self) {
        if let Some(kept) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            kept.stamp = (None, u64::MAX);
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Who we are, ready to be sent.
pub(crate) enum Credentials {
    None,
    Basic { username: String, password: Source },
    Bearer(Source),
}

pub(crate) enum Source {
    Inline(Secret),
    File(Watched),
}

impl Source {
    fn new(source: &SecretSource) -> Self {
        match source {
            SecretSource::Inline(secret) => Self::Inline(secret.clone()),
            SecretSource::File(path) => Self::File(Watched::new(path)),
        }
    }

    fn secret(&self) -> Result<Secret, String> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(file) => {
                let content = file.content()?;
                let text =
                    std::str::from_utf8(&content).map_err(|_| format!("{}: not a text", file.path().display()))?;
                match text.trim() {
                    "" => Err(format!("{}: empty", file.path().display())),
                    text => Ok(Secret::new(text)),
                }
            }
        }
    }

    fn forget(&self) {
        if let Self::File(file) = self {
            file.forget();
        }
    }
}

impl Credentials {
    pub(crate) fn new(auth: &Auth) -> Self {
        match auth {
            Auth::None => Self::None,
            Auth::Basic { username, password } => {
                Self::Basic { username: username.clone(), password: Source::new(password) }
            }
            Auth::Bearer(token) => Self::Bearer(Source::new(token)),
        }
    }

    /// The `Authorization` header as of now.
    pub(crate) fn header(&self) -> Result<Option<HeaderValue>, String> {
        let text = match self {
            Self::None => return Ok(None),
            Self::Basic { username, password } => {
                format!("Basic {}", base64(format!("{username}:{}", password.secret()?.expose()).as_bytes()))
            }
            Self::Bearer(token) => format!("Bearer {}", token.secret()?.expose()),
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| "the token has line ends or other characters that a header cannot carry".to_owned())?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// Files are read again at the next request.
    pub(crate) fn forget(&self) {
        match self {
            Self::None => {}
            Self::Basic { password: source, .. } | Self::Bearer(source) => source.forget(),
        }
    }
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let n = three.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let digit = ALPHABET[(n >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= three.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn base64_as_in_the_rfc() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("ÿ?>", "w78/Pg==")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn a_file_is_read_again_when_it_changes_or_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, "one\n").unwrap();
        let credentials = Credentials::new(&Auth::Bearer(SecretSource::File(path.clone())));
        let now = || credentials.header().unwrap().unwrap().to_str().unwrap().to_owned();
        assert_eq!(now(), "Bearer one");
        fs::write(&path, "other").unwrap();
        assert_eq!(now(), "Bearer other");
        // Same length and same stamp: only reading it again on refusal shows the change.
        let stamp = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "third").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(stamp).unwrap();
        assert_eq!(now(), "Bearer other");
        credentials.forget();
        assert_eq!(now(), "Bearer third");
    }

    #[test]
    fn bad_credentials_are_told_by_path_and_never_by_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let credentials = Credentials::new(&Auth::Bearer(SecretSource::File(path.clone())));
        assert!(credentials.header().unwrap_err().contains("token"));
        for content in ["", " \n", "hunter2\r\nHost: evil", "hunter2\0"] {
            fs::write(&path, content).unwrap();
            credentials.forget();
            let why = credentials.header().unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
