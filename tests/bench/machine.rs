//! The machine under the figures: without its line a table says nothing.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::time::Duration;

use tokio::time::Instant;

use crate::Failure;
use crate::tally::{Waits, millis};

/// How many writes are synced to learn what a sync costs.
const SYNCS: usize = 200;

/// Processor, cores, load and the disk under the temporary folder.
pub(crate) fn described() -> Result<String, Failure> {
    let cores = std::thread::available_parallelism()?;
    let syncs = syncs()?;
    Ok(format!(
        "{cores} cores ({}), load average at the start {}, a synced write of 4 KiB p50 {} p99 {}",
        processor(),
        load()?,
        millis(syncs.at(0.5)),
        millis(syncs.at(0.99)),
    ))
}

/// The load averages over 1, 5 and 15 minutes.
pub(crate) fn load() -> io::Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text
        .split_whitespace()
        .take(3)
        .collect::<Vec<_>>()
        .join(" "))
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or_else(
            || std::env::consts::ARCH.to_owned(),
            |rest| rest.trim_start_matches([' ', '\t', ':']).to_owned(),
        )
}

fn syncs() -> io::Result<Waits> {
    let folder = tempfile::tempdir()?;
    let mut file = File::create(folder.path().join("sync"))?;
    let waits = (0..SYNCS).map(|_| {
        let begun = Instant::now();
        file.write_all(&[0x5a; 4096])?;
        file.sync_data()?;
        Ok(begun.elapsed())
    });
    waits.collect::<io::Result<Vec<Duration>>>().map(Waits::of)
}
