//! Backups as a person or a script makes them.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "support/program.rs"]
mod program;

use program::{done, drawn, json_of, names, refused, ringfence, text};
use std::io::Write;
use std::process::{Command, Stdio};
use tempfile::TempDir;

#[test]
fn a_graph_is_backed_up_checked_drilled_and_restored() {
    let directory = TempDir::new().unwrap();
    let graph = drawn(&directory, "a>b b>c c>a a>d", "");
    let at = |name: &str| text(directory.path().join(name));
    let [key, copy, full, next, restored] =
        ["backup.key", "copy", "full.bundle", "next.bundle", "back.ring"].map(at);
    let before = names(directory.path());
    let name = done(["backup-key", &key])["key"].as_str().unwrap().to_string();
    assert_eq!(name.len(), 32);
    let made = done(["backup", &graph, "--to", &copy]);
    assert_eq!(made["num_kept"], 0);
    let again = done(["backup", &graph, "--to", &copy]);
    assert_eq!((&again["num_written"], &again["num_kept"]), (&0.into(), &made["num_written"]));
    done(["verify", &copy, "--full"]);
    let sealed = done(["backup", &graph, "--to", &full, "--key-file", &key]);
    assert_eq!(sealed["bundle"].as_str().unwrap().len(), 64);
    let added =
        done(["backup", &graph, "--to", &next, "--since", &full, "--key-command", &format!("cat {key}")]);
    assert_eq!((&added["num_written"], &added["num_kept"]), (&0.into(), &made["num_written"]));
    let checked = done(["backup-verify", &next, &full, "--key-file", &key]);
    assert_eq!(checked["num_checked"], made["num_written"]);
    done(["backup-verify", &copy, "--subset", "2/3"]);
    let drilled = done(["drill", &graph, "--from", &full, "--key-file", &key, "--samples", "3"]);
    assert_eq!(drilled["answers"].as_array().unwrap().len(), 5);
    let back = done(["restore", &restored, "--from", &full, &next, "--key-file", &key]);
    assert_eq!(back["manifest_sha256"], made["manifest_sha256"]);
    done(["verify", &restored, "--full"]);
    let mut expected = before;
    expected.extend(["backup.key", "copy", "full.bundle", "next.bundle", "back.ring"].map(str::to_string));
    expected.sort();
    assert_eq!(names(directory.path()), expected, "nothing else is left");
    let said = String::from_utf8(ringfence(["backup", &graph, "--to", &copy]).stdout).unwrap();
    assert!(said.contains("0 files written (0 bytes)"), "{said}");
}

#[test]
fn what_cannot_be_done_is_said_before_anything_is_made() {
    let directory = TempDir::new().unwrap();
    let graph = drawn(&directory, "a>b b>c", "");
    let at = |name: &str| text(directory.path().join(name));
    let [key, other, copy, full] = ["backup.key", "other.key", "copy", "full.bundle"].map(at);
    done(["backup-key", &key]);
    done(["backup-key", &other]);
    assert!(refused(["backup", &graph, "--to", &full], "option", 2).contains("key-file"));
    assert!(refused(["backup", &graph, "--to", &copy, "--key-file", &key], "option", 2).contains(".bundle"));
    assert!(refused(["backup-key", &key], "exists", 1).contains("backup.key"));
    refused(["backup", &graph, "--to", &full, "--key-file", &key, "--key-fd", "0"], "usage", 2);
    done(["backup", &graph, "--to", &full, "--key-file", &key]);
    refused(["backup", &graph, "--to", &full, "--key-file", &key], "exists", 1);
    assert!(
        refused(["restore", &copy, "--from", &full, "--key-file", &other], "input", 4)
            .contains("sealed under")
    );
    refused(["restore", &copy, "--from", &full], "option", 2);
    refused(["backup-verify", &full, "--key-file", &key, "--subset", "4/3"], "option", 2);
    assert_eq!(json_of(["backup-verify", &full, "--key-file", &key, "--subset", "some"]).0, 2);
    assert!(!directory.path().join("copy").exists());
}

#[cfg(unix)]
#[test]
fn a_key_comes_through_a_pipe_and_stays_out_of_what_is_printed() {
    let directory = TempDir::new().unwrap();
    let graph = drawn(&directory, "a>b b>c", "");
    let full = text(directory.path().join("full.bundle"));
    let digits = "0123456789abcdef".repeat(4);
    let mut child = Command::new(program::PROGRAM)
        .args(["backup", &graph, "--to", &full, "--key-fd", "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(digits.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8(said).unwrap().contains(&digits[..16]));
    let command = format!("echo {digits}");
    done(["backup-verify", &full, "--key-command", &command]);
}
