//! Ways through transactions: by position, along an account's history, or every row in order.

pub(super) mod calendar;
pub(super) mod chunk;
pub(super) mod cursor;
pub(super) mod history;
pub(super) mod marks;
pub(super) mod meter;
pub(super) mod rows;
