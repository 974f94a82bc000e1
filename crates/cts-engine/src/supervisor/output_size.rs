//! The disk space below a folder, measured in small steps so that a supervisor never works long on it.
//!
//! Counts what is allocated, so that a file with holes counts what it takes. Symbolic links are not followed.
//! Invariant: a step looks at no more than [`ENTRIES_A_STEP`] entries.

use std::fs::ReadDir;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How many entries one step looks at: some milliseconds of work.
const ENTRIES_A_STEP: usize = 2_000;

/// Folders that wait to be looked at. What is beyond is not counted in this round.
const FOLDERS_WAITING_MAX: usize = 100_000;

/// One round through a folder.
pub(super) struct OutputSize {
    waiting: Vec<PathBuf>,
    open: Option<ReadDir>,
    bytes: u64,
}

impl OutputSize {
    pub(super) fn of(folder: &Path) -> Self {
        Self { waiting: vec![folder.to_owned()], open: None, bytes: 0 }
    }

    /// What was counted until now.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Goes on; returns whether the round is complete.
    pub(super) fn step(&mut self) -> bool {
        let mut left = ENTRIES_A_STEP;
        while left > 0 {
            left -= 1;
            let Some(open) = &mut self.open else {
                let Some(folder) = self.waiting.pop() else { return true };
                self.open = std::fs::read_dir(folder).ok();
                continue;
            };
            let Some(entry) = open.next() else {
                self.open = None;
                continue;
            };
            let Some((entry, metadata)) = entry.ok().and_then(|entry| entry.metadata().ok().map(|data| (entry, data)))
            else {
                continue;
            };
            self.bytes = self.bytes.saturating_add(metadata.blocks().saturating_mul(512));
            if metadata.is_dir() && self.waiting.len() < FOLDERS_WAITING_MAX {
                self.waiting.push(entry.path());
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_folders_take_several_steps_and_count_all_that_is_allocated() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..30 {
            let below = folder.path().join(format!("d{number}/deeper"));
            std::fs::create_dir_all(&below).unwrap();
            for file in 0..100 {
                std::fs::write(below.join(format!("f{file}")), vec![1_u8; 4096]).unwrap();
            }
        }
        let holes = std::fs::File::create(folder.path().join("holes")).unwrap();
        holes.set_len(1 << 40).unwrap();
        std::os::unix::fs::symlink("/usr", folder.path().join("elsewhere")).unwrap();

        let mut size = OutputSize::of(folder.path());
        let mut steps = 1;
        while !size.step() {
            steps += 1;
        }
        assert!(steps >= 2, "{steps}");
        assert!((3_000 * 4096..64 << 20).contains(&size.bytes()), "{}", size.bytes());
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty() {
        let mut size = OutputSize::of(Path::new("/does/not/exist"));
        assert!(size.step());
        assert_eq!(size.bytes(), 0);
    }
}
