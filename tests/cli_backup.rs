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

/// The procedure of `docs/operations.md`, "Changing the key", step by step.
#[test]
fn the_key_is_changed_and_nothing_is_lost() {
    let directory = TempDir::new().unwrap();
    let graph = drawn(&directory, "a>b b>c c>a a>d", "");
    let at = |name: &str| text(directory.path().join(name));
    let [old, new] = ["old.key", "new.key"].map(at);
    done(["backup-key", &old]);
    // A chain of two under the old key, whose states the store has no longer; its live state is another.
    let [march1, march2] = ["march-1.bundle", "march-2.bundle"].map(at);
    let append = |number: u32| {
        let rows = format!(
            "transaction,source,destination,time,amount,currency\nm{number},d,e,2024-0{number}-01T00:00:00Z,7.00,EUR\n"
        );
        let rows = program::file(&directory, &format!("more-{number}.csv"), &rows);
        done(["append", &graph, "--transactions", &rows]);
    };
    done(["backup", &graph, "--to", &march1, "--key-file", &old]);
    append(3);
    let march = done(["backup", &graph, "--to", &march2, "--since", &march1, "--key-file", &old]);
    append(4);
    done(["gc", &graph, "--keep", "1", "--keep-hours", "0"]);

    // 1 to 3.
    let [full, next] = ["new-full.bundle", "next.bundle"].map(at);
    let name = done(["backup-key", &new])["key"].as_str().unwrap().to_string();
    let message =
        refused(["backup", &graph, "--to", &full, "--since", &march2, "--key-file", &new], "input", 4);
    assert!(message.contains("sealed under the key"), "{message}");
    let live = done(["backup", &graph, "--to", &full, "--key-file", &new]);
    done(["drill", &graph, "--from", &full, "--key-file", &new]);
    append(5);
    let later = done(["backup", &graph, "--to", &next, "--since", &full, "--key-file", &new]);
    // A chain is of one key.
    refused(["backup-verify", &next, &full, "--key-file", &old], "input", 4);

    // 4.
    let [carried, carried_new] = ["march.ring", "march-new.bundle"].map(at);
    done(["restore", &carried, "--from", &march2, &march1, "--key-file", &old]);
    let sealed = done(["backup", &carried, "--to", &carried_new, "--key-file", &new]);
    assert_eq!(sealed["manifest_sha256"], march["manifest_sha256"]);
    done(["drill", &carried, "--from", &carried_new, "--key-file", &new]);

    // 5: with the store lost too, the new key alone brings back every state that was to be kept.
    [&old, &march1, &march2].into_iter().for_each(|file| std::fs::remove_file(file).unwrap());
    [&graph, &carried].into_iter().for_each(|store| std::fs::remove_dir_all(store).unwrap());
    let restored = |to: &str, from: &[&str]| {
        let restored = done([&["restore", &at(to), "--key-file", &new, "--from"][..], from].concat());
        done(["verify", &at(to), "--full"]);
        restored["manifest_sha256"].clone()
    };
    assert_eq!(restored("live.ring", &[&full]), live["manifest_sha256"]);
    assert_eq!(restored("later.ring", &[&full, &next]), later["manifest_sha256"]);
    assert_eq!(restored("then.ring", &[&carried_new]), march["manifest_sha256"]);
    done(["backup-key", &old]);
    let message = refused(["backup-verify", &full, "--key-file", &old], "input", 4);
    assert!(message.contains(&name), "the message names the key to look for: {message}");
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
