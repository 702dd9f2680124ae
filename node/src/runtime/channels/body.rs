//! The body of a message: in memory, or, where it is larger than a call of a plugin may take, in a file without a name.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

/// How many bytes of a larger body a plugin gets at once: some three hundred rows, of which each may use some fifty
/// thousand instructions of what a call is given. What they mean is a commit of a few hundred events.
pub const PIECE_BYTES: usize = 16 * 1024;

/// The longest body of a channel that takes no larger ones: what a plugin is given at most in one call by default.
pub const WHOLE_BYTES: u64 = 1024 * 1024;

/// A body.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// A larger one.
    Spooled(Spooled),
}

/// A body in a file, which goes with it.
#[derive(Debug)]
pub struct Spooled {
    file: File,
    bytes: u64,
    /// There is one at a time, so that the disk that they take is bounded.
    _turn: OwnedSemaphorePermit,
}

impl Body {
    /// Hands over every byte, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn read(&self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        match self {
            Self::Whole(bytes) => take(bytes),
            Self::Spooled(spooled) => {
                let mut offset = 0;
                while offset < spooled.bytes {
                    let piece = spooled.piece(offset)?;
                    offset += piece.len() as u64;
                    take(&piece);
                }
            }
        }
        Ok(())
    }
}

impl Spooled {
    pub(super) fn begin(folder: &Path, turn: OwnedSemaphorePermit) -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile_in(folder)?, bytes: 0, _turn: turn })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// How many bytes there are.
    pub(super) const fn len(&self) -> u64 {
        self.bytes
    }

    /// The piece that begins here; never empty before the end.
    pub(super) fn piece(&self, offset: u64) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = PIECE_BYTES.min(left);
        let mut piece = vec![0; length];
        self.file.read_exact_at(&mut piece, offset)?;
        Ok(piece)
    }
}
