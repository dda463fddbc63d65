//! The first line of a request, cut before the HTTP library reads it: what our own check answers with a text, the library would
//! refuse without one, above 64 KiB for it cannot hold such an address, above 400 KiB for it keeps no more.

/// Bytes of a request's first line that the library is given: twice the longest address that is answered, so that what was cut is
/// refused for its length, whatever the rest of it said.
const GIVEN: usize = 2 * super::routes::LONGEST_ADDRESS;
/// Bytes of a first line that are read at all: twice what browsers send. Longer ones end the connection.
const READ: usize = 4 << 20;

/// A first line that is longer than any that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endless;

/// Where in the heads of a connection's requests the next byte is. Nothing is kept of the bytes themselves.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// The first line is through: header lines follow until an empty one.
    beyond: bool,
    /// Bytes of this line so far, without its end.
    column: usize,
    /// The address of this first line was cut, and goes on.
    cutting: bool,
}

impl Heads {
    /// Takes what is too much out of bytes that came in, and tells how many are left, at the beginning of `bytes`.
    ///
    /// Nothing here takes a body. That of a request which has one is read as if it were the next head: the library has answered
    /// by then, or refuses it.
    pub(super) fn cut(&mut self, bytes: &mut [u8]) -> Result<usize, Endless> {
        let mut kept = 0;
        for i in 0..bytes.len() {
            if self.keeps(bytes[i])? {
                bytes[kept] = bytes[i];
                kept += 1;
            }
        }
        Ok(kept)
    }

    fn keeps(&mut self, byte: u8) -> Result<bool, Endless> {
        match byte {
            b'\n' => {
                // An empty line ends a head; before one it means nothing.
                self.beyond = self.column > 0;
                (self.column, self.cutting) = (0, false);
                return Ok(true);
            }
            b'\r' => return Ok(true),
            _ => self.column += 1,
        }
        if self.beyond {
            return Ok(true);
        }
        if self.column > READ {
            return Err(Endless);
        }
        // After the address a space follows, and the version.
        self.cutting = byte != b' ' && (self.cutting || self.column == GIVEN + 1);
        Ok(!self.cutting)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What is left of a text that comes in pieces of so many bytes.
    fn cut(text: &str, piece: usize) -> Result<String, Endless> {
        let mut heads = Heads::default();
        let mut left = Vec::new();
        for bytes in text.as_bytes().chunks(piece) {
            let mut bytes = bytes.to_vec();
            let kept = heads.cut(&mut bytes)?;
            left.extend_from_slice(&bytes[..kept]);
        }
        Ok(String::from_utf8(left).unwrap())
    }

    fn request(address: &str) -> String {
        format!("GET {address} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n", "c".repeat(3 * GIVEN))
    }

    #[test]
    fn what_is_not_too_long_passes_as_it_is() {
        let text = request("/") + "\r\n" + &request(&format!("/?q={}", "x".repeat(GIVEN - 8))) + &request("/live.js");
        for piece in [1, 7, 4096, text.len()] {
            assert_eq!(cut(&text, piece).unwrap(), text, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_long_address_is_cut_and_the_next_request_is_whole() {
        let text = request(&format!("/?q={}", "x".repeat(1 << 20))) + &request("/");
        for piece in [5, 4096, text.len()] {
            let left = cut(&text, piece).unwrap();
            let (line, rest) = left.split_once("\r\n").unwrap();
            assert!(line.ends_with("xx HTTP/1.1") && line.len() == GIVEN + " HTTP/1.1".len(), "{}", line.len());
            assert!(rest.starts_with("Host: localhost\r\n") && rest.ends_with(&request("/")), "in pieces of {piece}");
        }
    }

    #[test]
    fn an_endless_line_ends_it() {
        assert_eq!(cut(&"x".repeat(READ + 1), 1 << 16), Err(Endless));
        assert!(cut(&"x".repeat(READ), 1 << 16).is_ok());
    }
}
