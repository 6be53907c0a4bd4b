//! Any bytes as a stream. What must hold is said, and checked, in `gob::fuzz_one`; the committed corpus also runs on stable.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gob::fuzz_one(input));
