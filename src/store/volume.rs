//! What lies under a store: the kind of file system, its free space, whether it is encrypted as far as can be told.
//!
//! # Choices
//! Asked of the system alone (`statfs`, `statx`, `/sys/dev/block`, `/proc/self/mountinfo`), and never guessed: a disk
//! that encrypts itself, a storage array or a cloud does so below what can be seen here, so
//! "not seen" is no proof that the bytes lie open.

use std::path::Path;

/// What may be expected of a kind of file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A disk of this machine.
    Disk,
    /// Memory: gone when the machine stops.
    Memory,
    /// A layer of a container: gone with the container.
    Layer,
    /// Another machine: locks and syncs are what that machine makes of them.
    Network,
    /// Something that is not listed here.
    Unknown,
}

/// Whether the bytes of the files lie encrypted on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// Yes; by what.
    Seen(String),
    /// The block devices below are in sight, and none of them is dm-crypt.
    NotSeen,
    /// Why not.
    CannotTell(String),
}

/// The names that Linux gives to kinds of file systems by number, and what they are.
const KINDS: [(u64, &str, Place); 22] = [
    (0xef53, "ext4", Place::Disk),
    (0x5846_5342, "xfs", Place::Disk),
    (0x9123_683e, "btrfs", Place::Disk),
    (0xf2f5_2010, "f2fs", Place::Disk),
    (0x2fc1_2fc1, "zfs", Place::Disk),
    (0xca45_1a4e, "bcachefs", Place::Disk),
    (0xf15f, "ecryptfs", Place::Disk),
    (0x7371_7368, "squashfs", Place::Disk),
    (0x9660, "iso9660", Place::Disk),
    (0x0102_1994, "tmpfs", Place::Memory),
    (0x8584_58f6, "ramfs", Place::Memory),
    (0x794c_7630, "overlay", Place::Layer),
    (0x6969, "nfs", Place::Network),
    (0xff53_4d42, "cifs", Place::Network),
    (0xfe53_4d42, "smb", Place::Network),
    (0x517b, "smb", Place::Network),
    (0x0102_1997, "9p", Place::Network),
    (0x00c3_6400, "ceph", Place::Network),
    (0x0bd0_0bd0, "lustre", Place::Network),
    (0x5346_414f, "afs", Place::Network),
    (0x4750_4653, "gpfs", Place::Network),
    (0x6573_5546, "fuse", Place::Network),
];

/// Name and place of a kind of file system.
pub(super) fn kind(number: u64) -> (String, Place) {
    match KINDS.iter().find(|(of, ..)| *of == number) {
        Some((_, name, place)) => (name.to_string(), *place),
        None => (format!("a file system of kind {number:#x}"), Place::Unknown),
    }
}

/// Number of the kind of file system that `path` is on, and bytes free there for this user.
#[cfg(target_os = "linux")]
pub(super) fn file_system(path: &Path) -> Option<(u64, u64)> {
    let found = rustix::fs::statfs(path).ok()?;
    // The kernel's type differs between machines; every number of a kind fits 32 bits.
    let number = found.f_type as u64 & 0xffff_ffff;
    Some((number, (found.f_bavail as u64).saturating_mul(found.f_bsize as u64)))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn file_system(_path: &Path) -> Option<(u64, u64)> {
    None
}

/// Whether the files at `path` lie encrypted.
#[cfg(target_os = "linux")]
pub(super) fn encryption(path: &Path) -> Encryption {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let found = match statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS) {
        Ok(found) => found,
        Err(error) => return Encryption::CannotTell(format!("the system does not say: {error}")),
    };
    if found.stx_attributes.contains(StatxAttributes::ENCRYPTED) {
        return Encryption::Seen("the file system encrypts this directory (fscrypt)".to_string());
    }
    let (mut major, mut minor) = (found.stx_dev_major, found.stx_dev_minor);
    if major == 0 {
        // No block device of its own: what was mounted says where the bytes go.
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let source = mounted_from(&mounts, major, minor).unwrap_or_default();
        match std::fs::metadata(source) {
            Ok(device) if source.starts_with("/dev/") => {
                let number = std::os::unix::fs::MetadataExt::rdev(&device);
                (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
            }
            _ => return Encryption::CannotTell("it is not on a disk that is in sight here".to_string()),
        }
    }
    of_device(Path::new("/sys/dev/block"), &format!("{major}:{minor}"))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn encryption(_path: &Path) -> Encryption {
    Encryption::CannotTell("this system is not asked".to_string())
}

/// What was mounted as the device `major:minor`, by the text of `mountinfo`.
fn mounted_from(mounts: &str, major: u32, minor: u32) -> Option<&str> {
    let device = format!("{major}:{minor}");
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(&device))?;
    line.split_once(" - ")?.1.split(' ').nth(1)
}

/// Looks through a block device at those that it is made of, for dm-crypt in every way down.
fn of_device(block: &Path, device: &str) -> Encryption {
    // Deeper than any stack of volumes that is in use.
    const DEPTH_MAX: usize = 8;
    fn is_crypt(device: &Path, depth: usize) -> bool {
        let uuid = std::fs::read_to_string(device.join("dm/uuid")).unwrap_or_default();
        if uuid.starts_with("CRYPT-") {
            return true;
        }
        let below: Vec<_> =
            std::fs::read_dir(device.join("slaves")).into_iter().flatten().flatten().collect();
        depth < DEPTH_MAX && !below.is_empty() && below.iter().all(|slave| is_crypt(&slave.path(), depth + 1))
    }
    let path = block.join(device);
    if !path.is_dir() {
        return Encryption::CannotTell(format!("block device {device} is not in sight here"));
    }
    if is_crypt(&path, 0) {
        return Encryption::Seen(format!("block device {device} is dm-crypt, or made of such"));
    }
    Encryption::NotSeen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dm_crypt_is_found_below_other_volumes_and_only_if_all_of_them_are_encrypted() {
        let directory = tempfile::tempdir().unwrap();
        let block = directory.path();
        let device = |name: &str, uuid: &str, below: &[&str]| {
            let path = block.join(name);
            std::fs::create_dir_all(path.join("dm")).unwrap();
            std::fs::create_dir_all(path.join("slaves")).unwrap();
            std::fs::write(path.join("dm/uuid"), uuid).unwrap();
            for slave in below {
                std::fs::create_dir_all(path.join("slaves").join(slave).join("dm")).unwrap();
                let uuid = std::fs::read(block.join(slave).join("dm/uuid")).unwrap();
                std::fs::write(path.join("slaves").join(slave).join("dm/uuid"), uuid).unwrap();
            }
        };
        device("8:1", "", &[]);
        device("253:0", "CRYPT-LUKS2-0123-luks", &[]);
        device("253:1", "LVM-abc", &["253:0"]);
        device("253:2", "LVM-def", &["253:0", "8:1"]);
        assert!(matches!(of_device(block, "253:0"), Encryption::Seen(_)));
        assert!(matches!(of_device(block, "253:1"), Encryption::Seen(_)));
        assert_eq!(of_device(block, "253:2"), Encryption::NotSeen);
        assert_eq!(of_device(block, "8:1"), Encryption::NotSeen);
        assert!(matches!(of_device(block, "9:9"), Encryption::CannotTell(_)));
    }

    #[test]
    fn mounts_are_found_by_their_device() {
        let mounts = "22 1 0:21 / / rw,relatime shared:1 - btrfs /dev/mapper/luks-1 rw\n\
                      36 22 0:33 / /tmp rw - tmpfs tmpfs rw\n";
        assert_eq!(mounted_from(mounts, 0, 21), Some("/dev/mapper/luks-1"));
        assert_eq!(mounted_from(mounts, 0, 33), Some("tmpfs"));
        assert_eq!(mounted_from(mounts, 8, 1), None);
    }

    #[test]
    fn kinds_of_file_systems_are_known_by_number() {
        assert_eq!(kind(0xef53), ("ext4".to_string(), Place::Disk));
        assert_eq!(kind(0x6969).1, Place::Network);
        assert_eq!(kind(1).1, Place::Unknown);
    }
}
