//! Rejected rows: reason codes and the reject file.
