//! Explanations in the model's words, where a key is configured and they are wanted; else the templates stay.

use crate::app::App;
use crate::config::Config;
use crate::domain::advice::{ExplanationSource, Explanations, Priorities, Recommendation};
use crate::domain::explain::FactSheet;
use crate::domain::market::Snapshot;
use crate::writer::Settings;
use std::sync::Arc;

impl App {
    /// Replaces the templates of `advice` by worded texts, as far as there are good ones in time. Never fails.
    pub(in crate::app) async fn word(
        &self,
        advice: &mut Recommendation,
        wanted: Explanations,
        priorities: Priorities,
        snapshot: &Arc<Snapshot>,
    ) {
        let Some(writer) = self.writer.as_ref().filter(|_| wanted == Explanations::Ai) else { return };
        let (profile, currency) = (&advice.user_profile, &advice.currency);
        let sheets = advice.top_plans.iter().map(|plan| FactSheet::of(plan, profile, priorities, currency)).collect();
        let texts = writer.write(sheets, snapshot).await;
        for (plan, text) in advice.top_plans.iter_mut().zip(texts) {
            if let Some(text) = text {
                plan.explanation = text.to_string();
                plan.explanation_source = ExplanationSource::Ai;
            }
        }
    }
}

/// How the model is asked; `None` without a key, or while `features.ai` is off.
pub fn writer_settings(config: &Config) -> Option<Settings> {
    if !config.features.ai {
        return None;
    }
    let explanations = &config.explanations;
    Some(Settings {
        api_key: explanations.api_key.clone()?,
        model: explanations.model.clone(),
        base_url: explanations.base_url.clone(),
        deadline: explanations.deadline,
        concurrency: explanations.concurrency,
        calls_per_day: config.limits.share(explanations.calls_per_day),
    })
}
