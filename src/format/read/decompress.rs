//! Streaming decompressors for what packages are compressed with. What a decoder may use of the memory is limited: the
//! sizes in the data are the data's own.

use std::io::{self, BufReader, Read};

use liblzma::stream::{CONCATENATED, Stream};

use super::damaged;

/// Of an xz decoder, in bytes. `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 512 << 20;

/// Window of a zstd decoder as a power of two, 128 MiB: what `zstd -d` takes without `--long`.
const ZSTD_WINDOW: u32 = 27;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    None,
    Gzip,
    Bzip2,
    Lzma,
    Xz,
    Zstd,
}

impl Method {
    /// As RPM's `PAYLOADCOMPRESSOR` has it, and Debian's members nearly so.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "" => Self::None,
            "gzip" => Self::Gzip,
            "bzip2" => Self::Bzip2,
            "lzma" => Self::Lzma,
            "xz" => Self::Xz,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }

    /// Of a Debian package's member: `data.tar.xz` (deb(5)).
    pub fn of_suffix(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "" => Self::None,
            ".gz" => Self::Gzip,
            ".bz2" => Self::Bzip2,
            ".lzma" => Self::Lzma,
            ".xz" => Self::Xz,
            ".zst" => Self::Zstd,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Lzma => "lzma",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }
}

/// What comes out of `reader`, which is compressed with `method`.
pub fn decompress<'a>(method: Method, reader: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let reader = BufReader::with_capacity(128 * 1024, reader);
    Ok(match method {
        Method::None => Box::new(reader),
        Method::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Method::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
        Method::Lzma => {
            let stream = Stream::new_lzma_decoder(XZ_MEMORY).map_err(io::Error::from)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream))
        }
        Method::Xz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED).map_err(io::Error::from)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream))
        }
        Method::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(reader)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
    })
}

/// An error of a decoder with what was read.
pub fn in_member(member: &str) -> impl FnOnce(io::Error) -> io::Error {
    move |error| damaged(format!("{member}: {error}"))
}
