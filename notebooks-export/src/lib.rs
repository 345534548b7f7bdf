//! Exports of a run that other tools open.
