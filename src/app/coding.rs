//! Content codings: bytes made smaller for the way to the client.

use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write};

/// Shorter answers fit into one packet anyway.
pub const WORTH_COMPRESSING: usize = 1_024;
/// Between speed and size, for answers made once and sent once or a few times.
const BROTLI_QUALITY: u32 = 5;
/// log2 of the window in bytes; more than most answers have.
const BROTLI_WINDOW: u32 = 20;
const BROTLI_BUFFER: usize = 4_096;
const ZSTD_LEVEL: i32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Brotli,
    Zstd,
    Gzip,
}

impl Coding {
    /// Best first, for clients that like several as much.
    pub const ALL: [Coding; 3] = [Coding::Brotli, Coding::Zstd, Coding::Gzip];

    pub const fn name(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
            Coding::Gzip => "gzip",
        }
    }

    pub fn compress(self, plain: &[u8]) -> io::Result<Bytes> {
        let room = Vec::with_capacity(plain.len() / 4);
        let bytes = match self {
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(room, Compression::default());
                encoder.write_all(plain)?;
                encoder.finish()?
            }
            Coding::Brotli => {
                let mut encoder = CompressorWriter::new(room, BROTLI_BUFFER, BROTLI_QUALITY, BROTLI_WINDOW);
                encoder.write_all(plain)?;
                encoder.into_inner()
            }
            Coding::Zstd => {
                let mut encoder = zstd::Encoder::new(room, ZSTD_LEVEL)?;
                encoder.write_all(plain)?;
                encoder.finish()?
            }
        };
        Ok(bytes.into())
    }
}

/// The same bytes in every coding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded([Bytes; 3]);

impl Coded {
    /// `None` where the answer is too short to gain from it.
    pub fn of(plain: &[u8]) -> io::Result<Option<Self>> {
        if plain.len() < WORTH_COMPRESSING {
            return Ok(None);
        }
        let [brotli, zstd, gzip] = Coding::ALL.map(|coding| coding.compress(plain));
        Ok(Some(Coded([brotli?, zstd?, gzip?])))
    }

    pub fn in_coding(&self, coding: Coding) -> Bytes {
        self.0[coding as usize].clone()
    }

    /// Bytes of all of them.
    pub fn size(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn every_coding_gives_the_bytes_back() {
        let plain = b"as plain as can be, ".repeat(200);
        for coding in Coding::ALL {
            let small = coding.compress(&plain).expect("compressed");
            assert!(small.len() < plain.len() / 10, "{coding:?}: {}", small.len());
            let mut back = Vec::new();
            match coding {
                Coding::Gzip => flate2::read::GzDecoder::new(&*small).read_to_end(&mut back),
                Coding::Brotli => brotli::Decompressor::new(&*small, 4_096).read_to_end(&mut back),
                Coding::Zstd => zstd::Decoder::new(&*small).expect("a decoder").read_to_end(&mut back),
            }
            .expect("decompressed");
            assert_eq!(back, plain, "{coding:?}");
        }
    }
}
