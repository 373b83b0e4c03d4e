//! Building a store from batches: ids, order, partitions, both adjacencies, publication.

mod adjacency;
mod dictionary;
