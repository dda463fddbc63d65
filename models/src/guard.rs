//! The guard rails, in one fixed order: stale → trust → caps and budgets → runaway limit → raise or lower → bounds.
