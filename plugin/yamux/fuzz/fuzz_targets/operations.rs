#![no_main]

use libfuzzer_sys::fuzz_target;
use tokio::time::Instant;

fuzz_target!(|data: &[u8]| yamux::fuzz::operations(data, Instant::now().into_std()));
