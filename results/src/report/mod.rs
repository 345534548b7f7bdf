//! stub to fill
