//! What the kernel says of a process: its memory and the processor time it used.

use std::fs;
use std::io;
use std::time::Duration;

use simulators::program::Program;

use crate::Failure;

/// The unit of processor time in `/proc/PID/stat`: a hundredth of a second on every Linux that people run.
const TICK: Duration = Duration::from_millis(10);

/// Memory in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// `VmRSS`: resident now, the pages of the executable included.
    pub(crate) resident: u64,
    /// `VmHWM`: the most that ever was, or since [`forget_peak`].
    pub(crate) peak: u64,
    /// `RssAnon`: what is not a file's.
    pub(crate) anonymous: u64,
}

impl Memory {
    pub(crate) fn of(program: &Program) -> Result<Self, Failure> {
        let text = fs::read_to_string(format!("/proc/{}/status", program.pid()))?;
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok())
                .map(|kib| kib * 1024)
                .ok_or_else(|| {
                    format!(
                        "the kernel does not tell `{name}` of process {}",
                        program.pid()
                    )
                })
        };
        Ok(Self {
            resident: field("VmRSS")?,
            peak: field("VmHWM")?,
            anonymous: field("RssAnon")?,
        })
    }
}

/// From now on the peak is counted anew.
pub(crate) fn forget_peak(program: &Program) -> io::Result<()> {
    fs::write(format!("/proc/{}/clear_refs", program.pid()), "5")
}

/// Processor time since its start, in the kernel and outside, of all its threads.
pub(crate) fn worked(program: &Program) -> Result<Duration, Failure> {
    let text = fs::read_to_string(format!("/proc/{}/stat", program.pid()))?;
    // The name in brackets may hold anything; `utime` and `stime` are the 12th and 13th field behind it.
    let (_, fields) = text.rsplit_once(')').ok_or("a process without a name")?;
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u32>)
        .sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// In millions of bytes.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
