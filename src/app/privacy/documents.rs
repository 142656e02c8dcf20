//! The legal documents: templates in which the operator's name, contact and the classes of data are filled in.

use crate::app::error::Error;
use crate::app::privacy::map;
use crate::config::{Privacy, Retention};
use std::path::Path;

/// Name, text, and whether somebody can agree to it.
const TEMPLATES: [(&str, &str, bool); 4] = [
    ("terms", include_str!("../../../assets/legal/terms.html"), true),
    ("privacy", include_str!("../../../assets/legal/privacy.html"), true),
    ("marketing", include_str!("../../../assets/legal/marketing.html"), true),
    ("disclaimer", include_str!("../../../assets/legal/disclaimer.html"), false),
];

/// One document as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `terms`, `privacy`, `marketing`, `disclaimer`.
    pub name: &'static str,
    pub title: String,
    pub version: String,
    /// Whether users say yes or no to it.
    pub takes_consent: bool,
    pub html: String,
}

/// The documents in force.
#[derive(Debug, Clone)]
pub struct Documents(Vec<Document>);

impl Documents {
    /// The program's own, each replaced by the file `NAME.html` of the operator's folder where there is one.
    pub fn load(settings: &Privacy, retention: &Retention) -> Result<Self, Error> {
        let classes = map::classes_html(retention);
        let read = TEMPLATES.iter().map(|(name, own, takes_consent)| {
            let text = match &settings.documents_dir {
                Some(folder) => operators(folder, name)?.unwrap_or_else(|| (*own).to_owned()),
                None => (*own).to_owned(),
            };
            document(name, &text, *takes_consent, settings, &classes)
        });
        Ok(Documents(read.collect::<Result<_, _>>()?))
    }

    pub fn all(&self) -> &[Document] {
        &self.0
    }

    /// The version of `document` that a consent is about: the one in force, which `version` must name if it is given.
    pub fn consented(&self, document: &str, version: Option<&str>, path: &str) -> Result<(&'static str, &str), Error> {
        let consentable = || self.0.iter().filter(|known| known.takes_consent);
        let Some(found) = consentable().find(|known| known.name == document) else {
            let names: Vec<&str> = consentable().map(|known| known.name).collect();
            let message = format!("must be one of {}", names.join(", "));
            return Err(Error::field(format!("{path}document"), message, "unknown_document"));
        };
        if version.is_some_and(|version| version != found.version) {
            let message = format!("is not the version in force, which is {}: read it and send that", found.version);
            return Err(Error::field(format!("{path}version"), message, "not_in_force"));
        }
        Ok((found.name, &found.version))
    }
}

fn operators(folder: &Path, name: &str) -> Result<Option<String>, Error> {
    let path = folder.join(format!("{name}.html"));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Unavailable(format!("the document {} cannot be read: {error}", path.display()))),
    }
}

fn document(
    name: &'static str,
    text: &str,
    takes_consent: bool,
    settings: &Privacy,
    classes: &str,
) -> Result<Document, Error> {
    let stated = |before: &str, after: &str, what: &str| {
        let found = text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).map(|(found, _)| found.trim());
        found.filter(|found| (1..=64).contains(&found.len())).map(str::to_owned).ok_or_else(|| {
            Error::Unavailable(format!("the document {name}.html has no {what} of 1 to 64 bytes: {before}...{after}"))
        })
    };
    let version = stated("<meta name=\"version\" content=\"", "\"", "version")?;
    let title = stated("<title>", "</title>", "title")?;
    let html = text
        .replace("{{version}}", &version)
        .replace("{{operator}}", &escaped(&settings.operator))
        .replace("{{contact}}", &escaped(&settings.contact))
        .replace("{{classes}}", classes);
    Ok(Document { name, title, version, takes_consent, html })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};

    fn settings(folder: Option<&Path>) -> Privacy {
        let (operator, contact) = ("Ada & <Co>".to_owned(), "ada@example.org".to_owned());
        Privacy { operator, contact, documents_dir: folder.map(Path::to_owned) }
    }

    fn load(settings: &Privacy) -> Result<Documents, Error> {
        let defaults = Config::load(&Sources::default()).expect("the defaults are valid").config;
        Documents::load(settings, &defaults.retention)
    }

    #[test]
    fn every_placeholder_is_filled_in_and_what_is_filled_in_is_text() {
        for document in load(&settings(None)).expect("our own documents").all() {
            assert!(!document.html.contains("{{"), "{}", document.name);
            assert!(document.html.contains("Ada &amp; &lt;Co&gt;"), "{}", document.name);
            assert!(document.html.contains(&format!("Version {}", document.version)), "{}", document.name);
        }
    }

    #[test]
    fn an_operators_own_document_takes_the_place_of_ours() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = "<meta name=\"version\" content=\"7\"><title>House rules</title>{{operator}}";
        std::fs::write(folder.path().join("terms.html"), own).expect("written");
        let documents = load(&settings(Some(folder.path()))).expect("documents");
        let terms = &documents.all()[0];
        assert_eq!((terms.version.as_str(), terms.title.as_str()), ("7", "House rules"));
        assert_eq!(documents.consented("terms", Some("7"), "").expect("in force"), ("terms", "7"));
        assert!(documents.consented("terms", Some("6"), "").is_err());
        assert!(documents.consented("disclaimer", None, "").is_err(), "nobody agrees to a disclaimer");

        std::fs::write(folder.path().join("terms.html"), "<title>No version</title>").expect("written");
        let refused = load(&settings(Some(folder.path()))).expect_err("no version");
        assert!(refused.to_string().contains("terms.html has no version"), "{refused}");
    }
}
