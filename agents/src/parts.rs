//! What a trained calibrator may look at, cut in two: users to fit, and users inside the training
//! set that decide when to stop and which weights to ship.

use trueup_calibration::calibrator::{Brief, CalibrationError};
use trueup_calibration::external::{self, ExternalError};
use trueup_env::EventLog;

/// Fitting users and validation users, both of the training set.
pub struct Parts {
    /// The users to fit; none where only statistics were handed over.
    pub fit: Option<EventLog>,
    /// The validation users; none without a log, or with a share of 0.
    pub validation: Option<EventLog>,
}

impl Parts {
    /// Keeps a share of the training users aside. Where that would leave a side with fewer than
    /// [`MIN_USERS`](external::MIN_USERS) users, none are kept aside, and `brief.progress`
    /// is told.
    ///
    /// # Errors
    /// A side with nothing to fit.
    pub fn of(
        brief: &Brief<'_>,
        share: f64,
        calibrator: &'static str,
    ) -> Result<Self, CalibrationError> {
        let whole = || Self { fit: brief.train.cloned(), validation: None };
        let Some(train) = brief.train.filter(|_| share > 0.0) else { return Ok(whole()) };
        match external::split(train, share, &brief.streams.child("validation", 0)) {
            Ok(halves) => Ok(Self { fit: Some(halves.train), validation: Some(halves.test) }),
            Err(ExternalError::TooFewUsers { users, train, test, needed }) => {
                brief.progress.note(&format!(
                    "no users are kept aside to choose the weights, because {test} \
                     of {users} training users (and {train} to fit) are fewer than {needed}; a \
                     larger `validation` keeps more"
                ));
                Ok(whole())
            }
            Err(error) => Err(CalibrationError::Inner { calibrator, source: Box::new(error) }),
        }
    }
}
