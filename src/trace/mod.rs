//! Fund tracing: where the money went, under a stated policy, proved to the unit.
