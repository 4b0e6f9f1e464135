//! Streaming compressors that use several threads and give the same bytes on any number of them.

mod gzip;

use std::io::{self, Write};

use liblzma::stream::{Check, MtStreamBuilder};
use zstd::zstd_safe::CParameter;

use crate::distribution::Algorithm;
use crate::plan::Compression;

/// More threads than this cost memory and gain nothing: reading and checking is the limit then.
const MOST_THREADS: usize = 8;

/// Threads of zstd on a level up to [`QUICK`]: each takes some 14 MB for its jobs, and four of them compress faster than
/// anything can be read, inflated and hashed.
const MOST_QUICK_THREADS: u32 = 4;

/// Up to this level zstd is not what takes the time.
const QUICK: i32 = 9;

/// What the threads of an xz encoder may use together. A single thread is always allowed.
const XZ_MEMORY: u64 = 128 * 1024 * 1024;

/// How many threads compress on this machine.
#[must_use]
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS)
}

/// A compressor in front of `W`. Only [`Compressor::finish`] makes the output complete.
pub struct Compressor<W: Write>(Kind<W>);

enum Kind<W: Write> {
    Gzip(gzip::Encoder<W>),
    Xz(liblzma::write::XzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Compressor<W> {
    /// Levels outside the algorithm's range are brought into it.
    ///
    /// # Errors
    /// When the encoder cannot be set up (memory) or its head not be written.
    pub fn new(writer: W, compression: Compression, threads: usize) -> io::Result<Self> {
        let threads = u32::try_from(threads.clamp(1, MOST_THREADS)).unwrap_or(1);
        Ok(Self(match compression.algorithm {
            Algorithm::Gzip => Kind::Gzip(gzip::Encoder::new(writer, effective_level(compression), threads)?),
            Algorithm::Xz => Kind::Xz(xz(writer, effective_level(compression), threads)?),
            Algorithm::Zstd => Kind::Zstd(zstd(writer, effective_level(compression), threads)?),
        }))
    }

    /// Writes what is left and gives the writer back.
    ///
    /// # Errors
    /// When the encoder or the writer fails.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Kind::Gzip(encoder) => encoder.finish(),
            Kind::Xz(encoder) => encoder.finish(),
            Kind::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Gzip(encoder) => encoder.write(bytes),
            Kind::Xz(encoder) => encoder.write(bytes),
            Kind::Zstd(encoder) => encoder.write(bytes),
        }
    }

    /// Does nothing: a flush in the middle would change the output.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The level that is really used.
#[must_use]
pub fn effective_level(compression: Compression) -> i32 {
    match compression.algorithm {
        Algorithm::Gzip => compression.level.clamp(1, 9),
        Algorithm::Xz => compression.level.clamp(0, 9),
        Algorithm::Zstd => compression.level.clamp(1, 22),
    }
}

fn zstd<W: Write>(writer: W, level: i32, threads: u32) -> io::Result<zstd::Encoder<'static, W>> {
    // With at least one worker the output depends on the job size, but not on the number of workers. The default job
    // (four windows) costs memory in each worker and gains nothing measurable on low levels.
    let (job, threads) = if level <= QUICK { (4 << 20, threads.min(MOST_QUICK_THREADS)) } else { (16 << 20, threads) };
    let mut encoder = zstd::Encoder::new(writer, level)?;
    encoder.set_parameter(CParameter::NbWorkers(threads))?;
    encoder.set_parameter(CParameter::JobSize(job))?;
    Ok(encoder)
}

fn xz<W: Write>(writer: W, level: i32, threads: u32) -> io::Result<liblzma::write::XzEncoder<W>> {
    let preset = u32::try_from(level).unwrap_or(6);
    let mut builder = MtStreamBuilder::new();
    builder.preset(preset).check(Check::Crc64).threads(threads);
    // A fixed block size keeps the output free of the number of threads. Three dictionaries, as xz itself has it.
    builder.block_size(3 * xz_dictionary(preset));
    let mut threads = threads;
    while threads > 1 && builder.memusage() > XZ_MEMORY {
        threads -= 1;
        builder.threads(threads);
    }
    Ok(liblzma::write::XzEncoder::new_stream(writer, builder.encoder().map_err(io::Error::from)?))
}

/// Size of a preset's dictionary, see xz(1), `-0 ... -9`.
fn xz_dictionary(preset: u32) -> u64 {
    let exponent = match preset {
        0 => 18,
        1 => 20,
        2 => 21,
        3 | 4 => 22,
        5 | 6 => 23,
        7 => 24,
        8 => 25,
        _ => 26,
    };
    1 << exponent
}

#[cfg(test)]
mod tests;
