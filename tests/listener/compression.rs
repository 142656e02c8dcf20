//! Answers in the coding a client asks for, and what stays as it is.

use crate::service::Service;
use std::io::{Read, Write};

/// Head and body of the answer to a GET that accepts `codings`.
fn ask(service: &Service, path: &str, codings: &str) -> (String, Vec<u8>) {
    let mut stream = service.connect();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept-encoding: {codings}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    (String::from_utf8(bytes[..end].to_vec()).expect("ASCII"), bytes[end + 4..].to_vec())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn plain(coding: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    match coding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_string(&mut text),
        "br" => brotli::Decompressor::new(bytes, 4_096).read_to_string(&mut text),
        "zstd" => zstd::Decoder::new(bytes).expect("a decoder").read_to_string(&mut text),
        other => panic!("{other}"),
    }
    .expect("it is in that coding");
    text
}

/// `/metrics` is made for each request, `/openapi.json` is kept ready.
#[test]
fn every_coding_is_sent_to_who_asks_for_it() {
    let service = Service::start(&[]);
    for path in ["/metrics", "/openapi.json"] {
        for (accepted, coding) in [
            ("gzip", "gzip"),
            ("br", "br"),
            ("zstd", "zstd"),
            ("gzip, deflate, br, zstd", "br"),
            ("br;q=0.2, gzip;q=0.8", "gzip"),
            ("*;q=0.1, br;q=0", "zstd"),
            ("identity;q=0, gzip", "gzip"),
        ] {
            let (head, body) = ask(&service, path, accepted);
            assert_eq!(header(&head, "content-encoding"), Some(coding), "{path} {accepted}: {head}");
            assert_eq!(header(&head, "content-length"), Some(body.len().to_string().as_str()), "{path} {accepted}");
            assert!(head.contains("vary: Accept-Encoding"), "{path} {accepted}: {head}");
            let text = plain(coding, &body);
            assert!(text.contains("treebeard") || text.contains("TreeBeard"), "{path} {accepted}");
            assert!(body.len() * 2 < text.len(), "{path} {accepted}: {} of {}", body.len(), text.len());
        }
        for accepted in ["", "identity", "gzip;q=0", "*;q=0", "compress", "identity;q=0"] {
            let (head, _) = ask(&service, path, accepted);
            assert!(head.starts_with("HTTP/1.1 200"), "{path} {accepted}");
            assert_eq!(header(&head, "content-encoding"), None, "{path} {accepted}");
            assert!(head.contains("vary: Accept-Encoding"), "a cache must know: {path} {accepted}: {head}");
        }
    }
}

#[test]
fn what_is_small_stays_as_it_is_unless_that_is_refused() {
    let service = Service::start(&[]);
    let (head, body) = ask(&service, "/health/live", "br, gzip");
    assert_eq!((header(&head, "content-encoding"), body.as_slice()), (None, &br#"{"status":"alive"}"#[..]));
    let (head, body) = ask(&service, "/health/live", "identity;q=0, gzip");
    assert_eq!(header(&head, "content-encoding"), Some("gzip"));
    assert_eq!(plain("gzip", &body), r#"{"status":"alive"}"#);
}
