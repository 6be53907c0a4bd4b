//! The fuzz targets on stable: what was kept of earlier runs, every recording, and a few thousand random mutations of both.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::time::Instant as Clock;
use yamux::fuzz;

/// Fixed, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below.max(1) as u64).unwrap()
    }
}

fn files(below: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{below} is empty");
    paths
        .into_iter()
        .map(|path| fs::read(path).unwrap())
        .collect()
}

fn with_mutations(target: fn(&[u8], Instant), seeds: &[Vec<u8>], rounds: usize) {
    let now = Clock::now().into_std();
    for seed in seeds {
        target(seed, now);
    }
    let mut dice = Dice(0x1234_5678_9abc_def1);
    for _ in 0..rounds {
        let mut bytes = seeds[dice.roll(seeds.len())].clone();
        bytes.truncate(1 + dice.roll(bytes.len().min(4096)));
        for _ in 0..1 + dice.roll(8) {
            let at = dice.roll(bytes.len());
            bytes[at] = u8::try_from(dice.roll(256)).unwrap();
        }
        target(&bytes, now);
    }
}

#[test]
fn hostile_frames_end_in_an_error_or_in_order_and_within_the_limits() {
    with_mutations(fuzz::frames, &files("fuzz/corpus/frames"), 4000);
}

#[test]
fn whatever_two_programs_wish_their_sessions_stay_in_step() {
    with_mutations(fuzz::operations, &files("fuzz/corpus/operations"), 200);
}
