//! How long data is kept, by class, and how often that is looked after.

use crate::config::read::Reader;
use std::time::Duration;

/// `None`: as long as its user keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Between two runs of the job; `None`: it does not run by itself.
    pub every: Option<Duration>,
    /// Since the user was last there.
    pub inactive_account_days: Option<u32>,
    /// Since they ended.
    pub session_days: Option<u32>,
    /// Since the day, or the first day of the month.
    pub usage_days: Option<u32>,
    /// Since they expired.
    pub recommendation_days: Option<u32>,
    /// Since they expired.
    pub anonymous_recommendation_days: Option<u32>,
    /// Since it was given.
    pub feedback_text_days: Option<u32>,
    /// Since it was written; it goes with its row at the latest.
    pub audit_detail_days: Option<u32>,
    /// Since it was written.
    pub audit_days: Option<u32>,
}

/// 100 years.
const DAYS_MAX: u32 = 36_525;

pub fn read(reader: &mut Reader) -> Retention {
    let hours = reader.number("retention.every_hours", 0..=8_760);
    let mut days = |key| Some(reader.number(key, 0..=DAYS_MAX)).filter(|days| *days > 0);
    Retention {
        every: (hours > 0).then(|| Duration::from_secs(u64::from(hours) * 3_600)),
        inactive_account_days: days("retention.inactive_account_days"),
        session_days: days("retention.session_days"),
        usage_days: days("retention.usage_days"),
        recommendation_days: days("retention.recommendation_days"),
        anonymous_recommendation_days: days("retention.anonymous_recommendation_days"),
        feedback_text_days: days("retention.feedback_text_days"),
        audit_detail_days: days("retention.audit_detail_days"),
        audit_days: days("retention.audit_days"),
    }
}

impl Retention {
    /// By key, as they are shown.
    pub(super) fn shown(&self) -> [(&'static str, u64); 9] {
        let days = |days: Option<u32>| u64::from(days.unwrap_or(0));
        [
            ("retention.every_hours", self.every.map_or(0, |every| every.as_secs() / 3_600)),
            ("retention.inactive_account_days", days(self.inactive_account_days)),
            ("retention.session_days", days(self.session_days)),
            ("retention.usage_days", days(self.usage_days)),
            ("retention.recommendation_days", days(self.recommendation_days)),
            ("retention.anonymous_recommendation_days", days(self.anonymous_recommendation_days)),
            ("retention.feedback_text_days", days(self.feedback_text_days)),
            ("retention.audit_detail_days", days(self.audit_detail_days)),
            ("retention.audit_days", days(self.audit_days)),
        ]
    }
}
