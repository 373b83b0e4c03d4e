//! Subgraphs: what an analyst takes out, with petgraph traits on it.
