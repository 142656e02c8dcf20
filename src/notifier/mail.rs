//! Messages as mail, over SMTP with TLS.

use crate::notifier::{Fault, Message, PATIENCE, Unusable};
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::Error;
use lettre::{SmtpTransport, Transport};
use secrecy::{ExposeSecret, SecretString};

pub struct Mail {
    transport: SmtpTransport,
    sender: Mailbox,
}

impl Mail {
    pub fn new(url: &SecretString, sender: &str) -> Result<Self, Unusable> {
        let sender = sender.parse().map_err(|_| {
            Unusable("notifier.sender is no address: write \"TreeBeard <noreply@example.org>\"".to_owned())
        })?;
        // What the library says of an address could hold its password.
        let transport = SmtpTransport::from_url(url.expose_secret())
            .map_err(|_| Unusable("notifier.smtp_url is not understood: smtps://USER:PASSWORD@HOST".to_owned()))?;
        Ok(Mail { transport: transport.timeout(Some(PATIENCE)).build(), sender })
    }

    pub fn send(&self, message: &Message) -> Result<(), Fault> {
        let to: Mailbox =
            message.to.parse().map_err(|_| Fault::Never("the account's address is none mail can go to".to_owned()))?;
        let mail = lettre::Message::builder()
            .from(self.sender.clone())
            .to(to)
            .subject(&message.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(message.text.clone())
            .map_err(|_| Fault::Never("the mail cannot be written".to_owned()))?;
        self.transport.send(&mail).map(|_| ()).map_err(|error| fault(&error))
    }
}

/// In words of our own: a server's could quote the address.
fn fault(error: &Error) -> Fault {
    let code = error.status().map_or_else(String::new, |code| format!(" with {code}"));
    if error.is_permanent() {
        Fault::Never(format!("the mail server refuses it{code}"))
    } else if error.is_transient() {
        Fault::Later(format!("the mail server puts it off{code}"))
    } else if error.is_tls() {
        Fault::Later("no trusted TLS connection to the mail server".to_owned())
    } else if error.is_timeout() {
        Fault::Later("the mail server does not answer in time".to_owned())
    } else {
        Fault::Later("the mail server cannot be reached".to_owned())
    }
}
