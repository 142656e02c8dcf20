//! `treebeard healthcheck` against services as they can be.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_treebeard");

/// Exit code and everything said, when asked with `arguments` and `settings`.
fn asked(arguments: &[&str], settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(BINARY)
        .arg("healthcheck")
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .envs(settings.iter().copied())
        .output()
        .expect("the binary starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).trim().to_owned())
}

/// A port where every request is answered with `answer`.
fn answering(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 1024];
            // Who asks may have gone.
            let _gone = stream.read(&mut request).and_then(|_| stream.write_all(answer.as_bytes()));
        }
    });
    port
}

#[test]
fn a_service_on_a_unix_socket_is_0_once_it_is_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    let listen = format!("unix:{}/http.sock", folder.path().display());
    let mut service = Command::new(BINARY)
        .args(["serve", "--listen", &listen])
        .current_dir(folder.path())
        .env_clear()
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let begun = Instant::now();
    let (mut by_flag, mut by_settings) = ((None, String::new()), (None, String::new()));
    while by_flag.0 != Some(0) && begun.elapsed() < Duration::from_secs(120) {
        by_flag = asked(&["--url", &listen], &[]);
        by_settings = asked(&[], &[("TREEBEARD_SERVER__LISTEN", &listen)]);
    }
    service.kill().expect("it runs");
    service.wait().expect("it ends");
    let ready = (Some(0), format!("{listen} is ready"));
    assert_eq!((by_flag, by_settings), (ready.clone(), ready));
    assert_eq!(asked(&["--url", &listen], &[]).0, Some(1), "it is gone");
}

#[test]
fn the_address_is_the_one_of_the_settings_unless_it_is_said() {
    let port = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let ready = (Some(0), format!("http://127.0.0.1:{port} is ready"));
    let everywhere = format!("0.0.0.0:{port}");
    assert_eq!(asked(&[], &[("TREEBEARD_SERVER__LISTEN", &everywhere)]), ready);
    assert_eq!(asked(&["--url", &format!("http://127.0.0.1:{port}/")], &[]), ready);
}

#[test]
fn one_that_is_not_ready_or_not_there_is_1_and_a_place_that_cannot_be_is_2() {
    let url =
        format!("http://127.0.0.1:{}", answering("HTTP/1.1 503 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
    let (code, said) = asked(&["--url", &url], &[]);
    assert!(code == Some(1) && said.contains("is not ready"), "{said}");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (code, said) = asked(&["--url", &url, "--timeout", "1"], &[]);
    assert!(code == Some(1) && said.contains("does not answer"), "{said}");
    drop(listener);
    let (code, said) = asked(&["--url", &url], &[]);
    assert!(code == Some(1) && said.contains("does not answer"), "{said}");
    assert_eq!(asked(&["--url", "127.0.0.1"], &[]).0, Some(2));
    let (code, said) = asked(&[], &[("TREEBEARD_SERVER__LISTEN", "127.0.0.1:0")]);
    assert!(code == Some(2) && said.contains("--url"), "{said}");
}
