//! Projections: undirected, weighted, simple graphs made from a view.
