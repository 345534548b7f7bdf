//! External data: from a file of events to an [`EventLog`](trueup_env::EventLog) of pseudonymous users, split into train
//! and test.
