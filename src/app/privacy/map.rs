//! What is held on people and what they may ask for: the one table behind the privacy policy, the export, the erasure
//! and `docs/privacy.md`, and the removal of what was kept long enough.

use super::retention::Expiry::{self, AuditDetails, AuditRows, InactiveAccounts, Rows};
use crate::config::Retention;
use crate::config::settings::find;
use crate::store::retention::{
    ANONYMOUS_RECOMMENDATIONS, FEEDBACK_TEXTS, RECOMMENDATIONS, RESET_LINKS, RETRIED_REQUESTS, SESSIONS, USAGE_DAYS,
    USAGE_MONTHS,
};

/// Personal data of one kind.
#[derive(Debug, Clone, Copy)]
pub struct DataClass {
    pub name: &'static str,
    pub tables: &'static [&'static str],
    pub holds: &'static str,
    pub purpose: &'static str,
    /// GDPR, Article 6(1).
    pub basis: &'static str,
    /// A category of Cal. Civ. Code 1798.140(v)(1).
    pub ccpa: &'static str,
    pub kept: &'static str,
    /// After which it is removed all the same.
    pub periods: &'static [Period],
    /// What an erasure does.
    pub erased: &'static str,
    /// Its part of the export.
    pub export: Option<&'static str>,
}

/// When data goes without anybody asking for it.
#[derive(Debug, Clone, Copy)]
pub enum Period {
    /// Once it has ended.
    Ended(&'static [Expiry]),
    /// So many days after something, as it is set.
    Set { key: &'static str, days: fn(&Retention) -> Option<u32>, since: &'static str, expiries: &'static [Expiry] },
}

impl Period {
    pub fn expiries(&self) -> &'static [Expiry] {
        match self {
            Period::Ended(expiries) | Period::Set { expiries, .. } => expiries,
        }
    }

    /// With the default, for `docs/privacy.md`.
    fn documented(&self) -> String {
        let Period::Set { key, since, .. } = self else { return String::new() };
        match find(key).map_or("0", |setting| setting.default) {
            "0" => format!("; `{key}` may set days {since}"),
            days => format!("; {days} days {since} at most (`{key}`)"),
        }
    }

    /// As it is set, for the privacy policy.
    fn told(&self, settings: &Retention) -> String {
        match self {
            Period::Set { days, since, .. } => {
                days(settings).map_or_else(String::new, |days| format!("; {days} days {since} at most"))
            }
            Period::Ended(_) => String::new(),
        }
    }
}

/// Something people may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Right {
    pub name: &'static str,
    pub gdpr: &'static str,
    pub ccpa: &'static str,
    pub served: &'static str,
    pub shown: &'static str,
}

const UNTIL_ERASED: &str = "until the account is erased";

pub const CLASSES: &[DataClass] = &[
    DataClass {
        name: "Account",
        tables: &["users"],
        holds: "e-mail, name, ZIP, kind of property, role, hash of the password, times of signing up and in",
        purpose: "knowing who asks, and where plans are looked for",
        basis: "(b) contract",
        ccpa: "A identifiers",
        kept: UNTIL_ERASED,
        periods: &[Period::Set {
            key: "retention.inactive_account_days",
            days: |set| set.inactive_account_days,
            since: "since its user was last there",
            expiries: &[InactiveAccounts],
        }],
        erased: "removed",
        export: Some("account"),
    },
    DataClass {
        name: "Consents",
        tables: &["consents"],
        holds: "which version of which document was agreed to or withdrawn, and when",
        purpose: "proof of what was agreed",
        basis: "(c) legal obligation",
        ccpa: "A identifiers",
        kept: UNTIL_ERASED,
        periods: &[],
        erased: "removed",
        export: Some("consents"),
    },
    DataClass {
        name: "Sessions",
        tables: &["sessions", "refresh_tokens"],
        holds: "when and from which address and browser somebody signed in; hashes of tokens",
        purpose: "staying signed in, and seeing where one is",
        basis: "(b) contract",
        ccpa: "F internet activity",
        kept: UNTIL_ERASED,
        periods: &[Period::Set {
            key: "retention.session_days",
            days: |set| set.session_days,
            since: "after they ended",
            expiries: &[Rows(SESSIONS)],
        }],
        erased: "removed",
        export: Some("sessions"),
    },
    DataClass {
        name: "Reset links",
        tables: &["password_resets"],
        holds: "hash of a link for a new password, and when it was asked for",
        purpose: "getting back into an account",
        basis: "(b) contract",
        ccpa: "A identifiers",
        kept: "30 minutes, then replaced or removed",
        periods: &[Period::Ended(&[Rows(RESET_LINKS)])],
        erased: "removed",
        export: Some("password_reset"),
    },
    DataClass {
        name: "Preferences",
        tables: &["user_preferences"],
        holds: "what matters in a plan, in percent",
        purpose: "ranking plans",
        basis: "(b) contract",
        ccpa: "K inferences and preferences",
        kept: UNTIL_ERASED,
        periods: &[],
        erased: "removed",
        export: Some("preferences"),
    },
    DataClass {
        name: "Current plan",
        tables: &["current_plans"],
        holds: "supplier, plan, rate, fees and dates of the present contract",
        purpose: "savings and the best time to switch",
        basis: "(b) contract",
        ccpa: "D commercial information",
        kept: UNTIL_ERASED,
        periods: &[],
        erased: "removed",
        export: Some("current_plan"),
    },
    DataClass {
        name: "Usage",
        tables: &["usage_history", "usage_days"],
        holds: "electricity used, by month and by reading of the meter",
        purpose: "what plans would cost",
        basis: "(b) contract",
        ccpa: "D commercial information",
        kept: "until it is deleted or the account is erased",
        periods: &[Period::Set {
            key: "retention.usage_days",
            days: |set| set.usage_days,
            since: "after the electricity was used",
            expiries: &[Rows(USAGE_MONTHS), Rows(USAGE_DAYS)],
        }],
        erased: "removed",
        export: Some("usage_months, usage_days"),
    },
    DataClass {
        name: "Recommendations",
        tables: &["recommendations", "recommendation_plans"],
        holds: "answers given, the plans they named, and what they were made from",
        purpose: "reading an answer again, and computing it anew",
        basis: "(b) contract",
        ccpa: "K inferences and preferences",
        kept: "until they are deleted or the account is erased",
        periods: &[
            Period::Set {
                key: "retention.recommendation_days",
                days: |set| set.recommendation_days,
                since: "after they expired",
                expiries: &[Rows(RECOMMENDATIONS)],
            },
            Period::Set {
                key: "retention.anonymous_recommendation_days",
                days: |set| set.anonymous_recommendation_days,
                since: "after they expired, if made without an account",
                expiries: &[Rows(ANONYMOUS_RECOMMENDATIONS)],
            },
        ],
        erased: "removed",
        export: Some("recommendations"),
    },
    DataClass {
        name: "Feedback",
        tables: &["feedback"],
        holds: "ratings of plans and answers, with a text",
        purpose: "better answers",
        basis: "(f) legitimate interest",
        ccpa: "D commercial information",
        kept: UNTIL_ERASED,
        periods: &[Period::Set {
            key: "retention.feedback_text_days",
            days: |set| set.feedback_text_days,
            since: "for the text",
            expiries: &[Rows(FEEDBACK_TEXTS)],
        }],
        erased: "the rating stays, without its author and text",
        export: Some("feedback"),
    },
    DataClass {
        name: "Retried requests",
        tables: &["idempotency_keys"],
        holds: "answers to requests that were sent with a key of their own",
        purpose: "a retry that takes no second effect",
        basis: "(b) contract",
        ccpa: "F internet activity",
        kept: "24 hours",
        periods: &[Period::Ended(&[Rows(RETRIED_REQUESTS)])],
        erased: "removed",
        export: Some("retried_requests"),
    },
    DataClass {
        name: "Audit log",
        tables: &["audit_logs", "audit_details", "audit_head", "audit_anchor"],
        holds: "what was done to accounts, when, from which address, by which id",
        purpose: "finding misuse, and proving what happened",
        basis: "(f) legitimate interest",
        ccpa: "F internet activity",
        kept: UNTIL_ERASED,
        periods: &[
            Period::Set {
                key: "retention.audit_detail_days",
                days: |set| set.audit_detail_days,
                since: "for the detail",
                expiries: &[AuditDetails],
            },
            Period::Set {
                key: "retention.audit_days",
                days: |set| set.audit_days,
                since: "for the rows",
                expiries: &[AuditRows],
            },
        ],
        erased: "the detail of what was done to the account is removed; the sealed rows keep an id that leads to nobody",
        export: Some("activity"),
    },
    DataClass {
        name: "List of the erased",
        tables: &["erasures"],
        holds: "a hash of the id of an account that was erased, and when",
        purpose: "forgetting the same people again after a backup is restored",
        basis: "(c) legal obligation",
        ccpa: "none: it identifies nobody",
        kept: "always",
        periods: &[],
        erased: "made by it",
        export: None,
    },
];

/// Tables that hold nothing of anybody.
pub const IMPERSONAL: &[&str] = &[
    "markets",
    "utilities",
    "suppliers",
    "plan_catalog",
    "catalog_revision",
    "first_admin_link",
    "refinery_schema_history",
];

pub const RIGHTS: &[Right] = &[
    Right {
        name: "Be told",
        gdpr: "Art. 13",
        ccpa: "1798.100",
        served: "`GET /legal/privacy`, `/legal/terms`, `/legal/disclaimer`, each with its version; `GET /api/v1/legal`",
        shown: "`http privacy::the_documents_in_force_are_served_with_their_version`",
    },
    Right {
        name: "Agree, and take it back",
        gdpr: "Art. 7",
        ccpa: "1798.135",
        served: "`GET`, `POST /api/v1/users/consents`: every statement is a new row",
        shown: "`http privacy::a_consent_is_given_withdrawn_and_never_changed`",
    },
    Right {
        name: "Read and take along",
        gdpr: "Art. 15, 20",
        ccpa: "1798.110, 1798.130",
        served: "`GET /api/v1/users/me/export`, as JSON or with `Accept: application/zip`",
        shown: "`http privacy::an_export_holds_everything_that_is_held`",
    },
    Right {
        name: "Correct",
        gdpr: "Art. 16",
        ccpa: "1798.106",
        served: "`PUT /api/v1/users/profile` and the calls that save usage, plan and preferences",
        shown: "`http account::a_profile_changes_only_where_asked`",
    },
    Right {
        name: "Be erased",
        gdpr: "Art. 17",
        ccpa: "1798.105",
        served: "`DELETE /api/v1/users/me` with the password; `?dry_run=true` says what would go",
        shown: "`http privacy::nothing_of_an_erased_account_is_found_in_any_column`",
    },
    Right {
        name: "Object to automated decisions",
        gdpr: "Art. 22",
        ccpa: "1798.185",
        served: "none are taken: a ranking is advice, and every cost in it is explained line by line",
        shown: "`docs/method.md`",
    },
    Right {
        name: "Not to be sold or shared",
        gdpr: "Art. 6",
        ccpa: "1798.120",
        served: "nothing is sold or shared for advertising; who is called at all stands in [security](security.md#what-the-service-calls)",
        shown: "`writer sent::`",
    },
];

/// The classes as a table of the privacy policy.
pub fn classes_html(settings: &Retention) -> String {
    let rows = CLASSES.iter().map(|class| {
        let periods: String = class.periods.iter().map(|period| period.told(settings)).collect();
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}{periods}</td></tr>\n",
            class.name, class.holds, class.purpose, class.kept
        )
    });
    let rows: String = rows.collect();
    format!("<table>\n<tr><th>Data</th><th>What it holds</th><th>What for</th><th>Kept</th></tr>\n{rows}</table>")
}

/// `docs/privacy.md`.
pub fn page() -> String {
    let mut text = String::from(
        "# Privacy\n\nMade from the table in `src/app/privacy/map.rs`, which the privacy policy, the export and the \
         erasure use, too:\n`treebeard privacy map > docs/privacy.md`.\n\n## What is held\n\n\
         | class | holds | for | GDPR Art. 6(1) | CCPA category | kept | erasure | in the export |\n|---|---|---|---|---|---|---|---|\n",
    );
    for class in CLASSES {
        let export = class.export.map_or_else(|| "-".to_owned(), |part| format!("`{}`", part.replace(", ", "`, `")));
        let DataClass { name, holds, purpose, basis, ccpa, kept, erased, .. } = class;
        let periods: String = class.periods.iter().map(Period::documented).collect();
        text +=
            &format!("| {name} | {holds} | {purpose} | {basis} | {ccpa} | {kept}{periods} | {erased} | {export} |\n");
    }
    text += "\n## What people may ask for\n\n| right | GDPR | CCPA (Cal. Civ. Code) | here | shown by |\n|---|---|---|---|---|\n";
    for Right { name, gdpr, ccpa, served, shown } in RIGHTS {
        text += &format!("| {name} | {gdpr} | {ccpa} | {served} | {shown} |\n");
    }
    text += NOTES;
    text
}

const NOTES: &str = "
## How long it is kept

The periods above are settings; 0 means none. A running service looks every `retention.every_hours` for what is older and
removes it, a thousand rows at a time; by hand, also beside a service:

```sh
treebeard privacy retention --dry-run
treebeard privacy retention
```

The first says how many rows of which table would go and changes nothing. Each removal is written to the audit log in its
transaction, by table and number. The log itself expires likewise; its chain still holds then ([audit log](audit.md#expiry)).

## Erasure and backups

An erasure is one transaction. It is noted by a hash of the account's id in the table `erasures` and in a file beside the
database (`treebeard.erased`). A backup from before does not know of it: when the service starts on a restored database,
everybody in that file who came back is erased again, and the log says how many. Keep the file when you restore.
What was erased is still in backups and in the archive of commits, as long as their settings keep them (docs/backup.md).

## Your own documents

`privacy.operator` and `privacy.contact` are filled into the documents. Files of your own in `privacy.documents_dir`
(`terms.html`, `privacy.html`, `marketing.html`, `disclaimer.html`) take their places; each states its version as
`<meta name=\"version\" content=\"...\">`. A new version asks everybody for a new consent.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::erasure::STEPS;
    use std::collections::BTreeSet;

    #[test]
    fn the_page_is_what_the_table_says() {
        let written = include_str!("../../../docs/privacy.md");
        assert!(written == page(), "make it anew: cargo run -- privacy map > docs/privacy.md");
    }

    #[test]
    fn every_table_an_erasure_touches_is_a_class_of_data_and_the_other_way_round() {
        let touched: BTreeSet<&str> = STEPS.iter().map(|step| step.table).collect();
        let classed: BTreeSet<&str> = CLASSES.iter().flat_map(|class| class.tables.iter().copied()).collect();
        let left: Vec<_> = classed.difference(&touched).copied().collect();
        assert_eq!(
            left,
            ["audit_anchor", "audit_head", "audit_logs", "erasures"],
            "held on people and not touched by an erasure"
        );
        assert!(touched.is_subset(&classed));
    }
}
