//! A real file system that fills up, from none of the space that is needed to all of it.

use crate::scenario::ALL;
use crate::{Tally, Verdict, in_turn, scratch};
use ringfence::store::disk::System;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Bytes added from one try to the next, at first.
const STEP: u64 = 64 << 10;
/// Bytes that are enough.
const ROOM: u64 = 256 << 20;

/// A file system of its own, of limited size; unmounted when dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// `None` where this may not be done.
    fn at(path: &Path, bytes: u64) -> Option<Self> {
        let mounted = mount(&["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs", path.to_str()?]);
        mounted.then(|| Mounted(path.to_path_buf()))
    }

    fn resize(&self, bytes: u64) {
        assert!(mount(&["-o", &format!("remount,size={bytes}"), self.0.to_str().unwrap()]));
    }
}

fn mount(arguments: &[&str]) -> bool {
    let status = Command::new("mount").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_an_error_and_more_space_is_the_remedy() {
    let _turn = in_turn();
    let mut tally = Tally::default();
    for scenario in ALL {
        let states = scenario.states();
        let mut bytes = STEP;
        loop {
            let directory = scratch();
            let Some(disk) = Mounted::at(directory.path(), ROOM) else {
                println!("skipped: no file system can be mounted here");
                return;
            };
            (scenario.prepare)(System::shared(), directory.path());
            let used = rustix::fs::statvfs(directory.path()).unwrap();
            let used = (used.f_blocks - used.f_bfree) * used.f_frsize;
            disk.resize(used + bytes);
            let answer = (scenario.run)(System::shared(), directory.path());
            if let Err(error) = &answer {
                let message = error.to_string();
                let place = directory.path().to_str().unwrap();
                // A build in bounded memory says beforehand what it needs.
                let is_helpful = message.contains("free some space") && message.contains(place)
                    || message.contains("make room on the file system of the graph");
                assert!(is_helpful, "{message}");
                assert_eq!((scenario.state)(directory.path()).as_ref(), Ok(&states.before), "{message}");
                disk.resize(ROOM);
                (scenario.run)(System::shared(), directory.path()).unwrap();
            }
            let found = (scenario.state)(directory.path());
            assert_eq!(tally.judge(&states, &found, true), Verdict::After, "{}", scenario.name);
            if answer.is_ok() {
                tally.faults -= 1;
                break;
            }
            bytes += STEP.max(bytes / 4);
        }
        println!("full disk, {}: passes with {} KiB free", scenario.name, bytes >> 10);
    }
    tally.print("full disk");
}
