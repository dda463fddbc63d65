//! Load traces from files, for every command that reads them.

use floorcast_models::trace::{Trace, TraceError};
use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// A larger file is no load trace: a year of minutes takes 12 MB.
const LARGEST: u64 = 256 << 20;

/// Why a file is no load trace: the file, the place, the cause and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It could not be read.
    #[error("{file}: it cannot be read: {why}; check the path and its permissions")]
    Unreadable {
        /// Name of the file, quoted.
        file: String,
        /// What the system said.
        why: io::Error,
    },
    /// A directory.
    #[error("{file}: it is a directory; name the CSV files in it")]
    Directory {
        /// Name of the file, quoted.
        file: String,
    },
    /// Larger than any trace.
    #[error("{file}: more than {} MiB are no load trace; give fewer rows: means over minutes are enough", LARGEST >> 20)]
    Large {
        /// Name of the file, quoted.
        file: String,
    },
    /// No UTF-8.
    #[error(
        "{file}: it is no text (byte {at} is no UTF-8); give a CSV file, unpacked, with rows of \
         timestamp_unix_seconds,value"
    )]
    Binary {
        /// Name of the file, quoted.
        file: String,
        /// Where the text ends.
        at: usize,
    },
    /// A text that is no trace.
    #[error("{file}: {why}")]
    Wrong {
        /// Name of the file, quoted.
        file: String,
        /// Line, cause and remedy.
        why: TraceError,
    },
}

impl FileError {
    /// Of a trace that was read but does not serve.
    pub fn wrong(file: &Path, why: TraceError) -> Self {
        Self::Wrong { file: name(file), why }
    }
}

/// Reads a trace from a file, or from whatever else can be read to its end.
///
/// # Errors
/// All of [`FileError`].
pub fn read(file: &Path) -> Result<Trace, FileError> {
    read_at_most(LARGEST, file)
}

fn read_at_most(most: u64, file: &Path) -> Result<Trace, FileError> {
    let unreadable = |why| FileError::Unreadable { file: name(file), why };
    if file.is_dir() {
        return Err(FileError::Directory { file: name(file) });
    }
    let mut bytes = Vec::new();
    // One byte more than is allowed: what has no end (a device, a pipe) is not read to it.
    File::open(file).and_then(|f| f.take(most + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(FileError::Large { file: name(file) });
    }
    let text = std::str::from_utf8(&bytes).map_err(|e| FileError::Binary { file: name(file), at: e.valid_up_to() })?;
    Trace::parse(text).map_err(|why| FileError::wrong(file, why))
}

fn name(file: &Path) -> String {
    format!("{:?}", file.display().to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_trace_or_told_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("load.csv");
        let said = |content: &[u8]| {
            std::fs::write(&file, content).unwrap();
            read(&file).map(|t| t.len()).map_err(|e| e.to_string())
        };
        assert_eq!(said(b"timestamp_unix_seconds,value\r\n0,1\r\n300,2\r\n"), Ok(2));
        for (content, parts) in [
            (&b""[..], ["no row in it", "timestamp_unix_seconds,value"]),
            (b"0,1\n60;2\n", ["line 2: no comma", "60;2"]),
            (b"0,1\n", ["line 1 is its only row", "two are needed"]),
            (b"\x1f\x8b\x08\x00", ["byte 1 is no UTF-8", "unpacked"]),
            (b"0,1\n60,2\n60,3\n", ["line 3: the stamp of line 2 again", "sort the rows"]),
        ] {
            let message = said(content).unwrap_err();
            assert!(message.contains("load.csv\": "), "{message}");
            assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        }
        let directory = read(folder.path()).unwrap_err().to_string();
        assert!(directory.contains("it is a directory; name the CSV files"), "{directory}");
        let missing = read(Path::new("/nowhere/load.csv")).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/load.csv") && missing.contains("check the path"), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_not_read_to_it() {
        assert!(matches!(read_at_most(4096, Path::new("/dev/zero")), Err(FileError::Large { .. })));
    }
}
