//! One gzip member (RFC 1952) of blocks that are deflated in parallel and end on a byte boundary each, as pigz does
//! it: every gzip reads it, also those that stop after the first member.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::{Compress, Compression, Crc, FlushCompress};

/// Input of one block. Large enough that the lost history does not matter, small enough for many cores.
const BLOCK: usize = 1024 * 1024;

/// An empty last block with fixed codes (RFC 1951, 3.2.6).
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

pub struct Encoder<W: Write> {
    writer: W,
    level: u32,
    input: Vec<u8>,
    jobs: Sender<Job>,
    /// In the order of the input.
    pending: VecDeque<Receiver<io::Result<Deflated>>>,
    most_pending: usize,
    crc: Crc,
}

struct Job {
    input: Vec<u8>,
    level: u32,
    reply: SyncSender<io::Result<Deflated>>,
}

struct Deflated {
    output: Vec<u8>,
    crc: Crc,
}

impl<W: Write> Encoder<W> {
    pub fn new(mut writer: W, level: i32, threads: u32) -> io::Result<Self> {
        // Deflate; no name, no time; made on Unix.
        writer.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])?;
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name("gzip".to_owned()).spawn(move || work(&queue))?;
        }
        Ok(Self {
            writer,
            level: u32::try_from(level).unwrap_or(6),
            input: Vec::with_capacity(BLOCK),
            jobs,
            pending: VecDeque::new(),
            most_pending: threads as usize + 1,
            crc: Crc::new(),
        })
    }

    pub fn finish(mut self) -> io::Result<W> {
        if !self.input.is_empty() {
            self.submit()?;
        }
        while !self.pending.is_empty() {
            self.collect()?;
        }
        self.writer.write_all(&LAST_BLOCK)?;
        self.writer.write_all(&self.crc.sum().to_le_bytes())?;
        // `amount` is modulo 2^32, as the format wants it.
        self.writer.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.writer)
    }

    fn submit(&mut self) -> io::Result<()> {
        if self.pending.len() >= self.most_pending {
            self.collect()?;
        }
        let input = std::mem::replace(&mut self.input, Vec::with_capacity(BLOCK));
        let (reply, receiver) = sync_channel(1);
        self.jobs.send(Job { input, level: self.level, reply }).map_err(|_| lost_worker())?;
        self.pending.push_back(receiver);
        Ok(())
    }

    /// Waits for the oldest block and writes it.
    fn collect(&mut self) -> io::Result<()> {
        let Some(receiver) = self.pending.pop_front() else { return Ok(()) };
        let block = receiver.recv().map_err(|_| lost_worker())??;
        self.crc.combine(&block.crc);
        self.writer.write_all(&block.output)
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(BLOCK - self.input.len());
        self.input.extend_from_slice(bytes.get(..count).unwrap_or_default());
        if self.input.len() == BLOCK {
            self.submit()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Deflates blocks until the encoder is gone.
fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { input, level, reply }) = job else { return };
        // When nobody waits any more the encoder failed and is gone.
        let _ = reply.send(deflate(&input, level));
    }
}

fn deflate(input: &[u8], level: u32) -> io::Result<Deflated> {
    let mut crc = Crc::new();
    crc.update(input);
    let mut encoder = Compress::new(Compression::new(level), false);
    let mut output = Vec::with_capacity(input.len() / 2 + 64);
    loop {
        let rest = usize::try_from(encoder.total_in()).ok().and_then(|done| input.get(done..)).unwrap_or_default();
        encoder.compress_vec(rest, &mut output, FlushCompress::Sync)?;
        // A sync flush is complete when it leaves room in the output.
        if encoder.total_in() == input.len() as u64 && output.len() < output.capacity() {
            return Ok(Deflated { output, crc });
        }
        output.reserve(input.len() / 4 + 64);
    }
}

fn lost_worker() -> io::Error {
    io::Error::other("a compressing thread is gone")
}
