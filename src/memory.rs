//! Working memory for tables that are read and written at random: zeroed, in large pages where the system has them.
//!
//! A pass over a ledger touches a place of such a table per row. In pages of 4 KiB nearly every touch asks the processor to look up an
//! address first; in pages of 2 MiB the addresses of a table of some hundred megabytes are all at hand.

use crate::error::{Error, Result};
use memmap2::{MmapMut, MmapOptions};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of memory that this machine has for us: all of it, or what a control group allows; 8 GiB where nobody says.
pub(crate) fn machine_bytes() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let total = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
    });
    let allowed = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .into_iter()
        .filter_map(|path| read(path)?.trim().parse::<u64>().ok());
    total.into_iter().chain(allowed).min().unwrap_or(8 << 30)
}

/// Bytes of address space that this process may have (`ulimit -v`), where that is limited.
pub(crate) fn address_space() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        getrlimit(Resource::As).current
    }
    #[cfg(not(unix))]
    None
}

/// A table of a fixed number of values, all bits of them zero at first. Memory is taken page by page when it is first touched.
#[derive(Debug)]
pub(crate) struct Zeroed<T> {
    /// None for an empty table.
    map: Option<MmapMut>,
    _type: PhantomData<T>,
}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout> Zeroed<T> {
    /// A table of `len` values.
    ///
    /// # Errors
    /// [`Error::Limit`] if the system does not have the memory.
    pub(crate) fn new(len: usize) -> Result<Self> {
        let bytes = len.checked_mul(size_of::<T>());
        let map = match bytes {
            Some(0) => return Ok(Zeroed { map: None, _type: PhantomData }),
            Some(bytes) => MmapOptions::new().len(bytes).map_anon().ok(),
            None => None,
        };
        let map = map.ok_or(Error::Limit {
            what: "bytes of working memory",
            found: (len as u64).saturating_mul(size_of::<T>() as u64),
            limit: 0,
            remedy: "ask for fewer accounts at once, or use a machine with more memory",
        })?;
        // Advice: where it is not taken, the table is the same and slower.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Zeroed { map: Some(map), _type: PhantomData })
    }
}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout> Deref for Zeroed<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // A mapping begins at a page and has the length of whole values, so this is always a table.
        self.map.as_ref().and_then(|map| <[T]>::ref_from_bytes(map).ok()).unwrap_or_default()
    }
}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout> DerefMut for Zeroed<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        self.map.as_mut().and_then(|map| <[T]>::mut_from_bytes(map).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_zero_and_keeps_what_is_written() {
        let mut table = Zeroed::<u64>::new(3_000_001).unwrap();
        assert!(table.iter().all(|&value| value == 0));
        (table[0], table[3_000_000]) = (7, 9);
        assert_eq!((table.len(), table[0], table[3_000_000]), (3_000_001, 7, 9));
        assert!(Zeroed::<u64>::new(0).unwrap().is_empty());
    }

    #[test]
    fn a_table_that_no_memory_can_hold_is_refused() {
        for len in [usize::MAX, usize::MAX / 16] {
            assert!(matches!(Zeroed::<u64>::new(len), Err(Error::Limit { .. })));
        }
    }
}
