#![no_main]

use libfuzzer_sys::fuzz_target;
use tokio::time::Instant;

fuzz_target!(|data: &[u8]| yamux::fuzz::frames(data, Instant::now().into_std()));
