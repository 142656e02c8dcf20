//! A server that stands in for the Claude API: real HTTP on a free port, answering well or as badly as a test wants.
#![allow(dead_code)] // Each kind of test uses its own part.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does with one request.
pub enum Answer {
    /// A whole message with this text.
    Text(String),
    /// A status with further headers, each with its line end, and a body.
    Status(u16, &'static str, String),
    /// Reads the request and says nothing.
    Never,
    /// Begins well and then sends a byte now and then, without an end.
    Drip,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub head: String,
    pub body: Value,
}

pub struct Claude {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Claude {
    /// `answer` is given the number of the request, from 0, and the request.
    pub fn answering(answer: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (record, answer) = (asked.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (record, answer) = (record.clone(), answer.clone());
                std::thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    let number = {
                        let mut all = record.lock().expect("no test panics here");
                        all.push(request.clone());
                        all.len() - 1
                    };
                    // The other side may have gone.
                    let _gone = give(stream, answer(number, &request));
                });
            }
        });
        Claude { url, asked }
    }

    /// Answers every request with a text that is true of its facts.
    pub fn good() -> Self {
        Self::answering(|_, asked| Answer::Text(true_text(asked)))
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panics here").clone()
    }
}

impl Asked {
    /// What the one user message says.
    pub fn message(&self) -> &str {
        self.body["messages"][0]["content"].as_str().expect("a text")
    }

    /// The facts between their tags.
    pub fn facts(&self) -> Value {
        let inner = self.message().strip_prefix("<facts>").and_then(|rest| rest.strip_suffix("</facts>"));
        serde_json::from_str(inner.expect("facts between tags")).expect("JSON")
    }
}

/// Sixty words that say only what the facts of a request say.
pub fn true_text(asked: &Asked) -> String {
    let facts = asked.facts();
    let word = |name: &str| facts[name].as_str().expect("a text").to_owned();
    let dollars = |name: &str| format!("${:.0}", facts[name].as_f64().expect("a number"));
    format!(
        "{} from {} suits the way this household uses electricity. A year should cost about {}, most likely between {} \
         and {}. The price is easy to follow, and nothing about the contract is out of the ordinary. Look at the terms \
         before you sign, and compare the first bills with this estimate.",
        word("plan_name"),
        word("supplier_name"),
        dollars("annual_cost"),
        dollars("cost_p10"),
        dollars("cost_p90"),
    )
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { head, body: serde_json::from_slice(&body).ok()? })
}

fn give(mut stream: TcpStream, answer: Answer) -> std::io::Result<()> {
    let (status, more, body) = match answer {
        Answer::Text(text) => {
            let content = json!([{ "type": "text", "text": text }]);
            (200, "", json!({ "type": "message", "content": content, "stop_reason": "end_turn" }).to_string())
        }
        Answer::Status(status, more, body) => (status, more, body),
        Answer::Never => {
            let mut rest = Vec::new();
            // Until the other side gives up.
            return stream.read_to_end(&mut rest).map(drop);
        }
        Answer::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{")?;
            loop {
                stream.write_all(b" ")?;
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    };
    let head =
        format!("HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}
