//! The listener on real sockets: its patience, TLS, HTTP/2, codings, Unix sockets, handed-over sockets, signals and the end.

mod compression;
mod drain;
mod http2;
mod metrics_apart;
mod patience;
mod reload;
mod service;
mod systemd;
mod tls;
mod unix;
