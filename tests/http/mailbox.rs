//! A mail server for tests: takes what is sent to it over SMTP, and keeps it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

pub struct Mailbox {
    pub address: SocketAddr,
    mails: Receiver<String>,
}

impl Mailbox {
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (sender, mails) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                // A client that hangs up ends its session and nothing else.
                thread::spawn(move || session(&stream, &sender).ok());
            }
        });
        Mailbox { address, mails }
    }

    /// The next mail, its lines put together again.
    #[track_caller]
    pub fn next(&self) -> String {
        let mail = self.mails.recv_timeout(Duration::from_secs(60)).expect("a mail arrives");
        mail.replace("=\r\n", "").replace("=3D", "=")
    }

    /// Everything that has arrived and was not taken yet.
    pub fn waiting(&self) -> Vec<String> {
        self.mails.try_iter().collect()
    }
}

fn session(stream: &TcpStream, mails: &Sender<String>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let mut out = stream;
    out.write_all(b"220 test\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let verb = line.split(' ').next().unwrap_or_default().to_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-test\r\n250 AUTH PLAIN LOGIN\r\n",
            "AUTH" => "235 welcome\r\n",
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let mut mail = String::new();
                while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push_str("\r\n");
                }
                // The test may have ended.
                let _nobody_waits = mails.send(mail);
                "250 kept\r\n"
            }
            "QUIT" => {
                out.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            _ => "250 fine\r\n",
        };
        out.write_all(answer.as_bytes())?;
    }
    Ok(())
}
