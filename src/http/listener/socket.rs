//! Sockets that listen: opened by us at an address or a path, or handed over open by the service manager.

use crate::config::Listen;
use listenfd::ListenFd;
use poem::Addr;
use poem::web::{LocalAddr, RemoteAddr};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time;

/// How long the queue of a socket about to be closed is emptied for.
const LAST_CALL: Duration = Duration::from_millis(20);

pub struct Socket {
    listener: Listener,
    /// `None`: handed over, and open in the service manager after us.
    opened: Option<Opened>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

enum Opened {
    Address,
    File { _kept: SocketFile },
}

pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// `mode`: who may connect to a Unix socket.
    pub async fn open(listen: &Listen, mode: u32) -> io::Result<Self> {
        match listen {
            Listen::Tcp(address) => {
                let listener = Listener::Tcp(TcpListener::bind(address).await?);
                Ok(Socket { listener, opened: Some(Opened::Address) })
            }
            Listen::Unix(path) => {
                let listener = bind_path(path)?;
                let file = SocketFile::of(path)?;
                fs::set_permissions(path, Permissions::from_mode(mode))?;
                Ok(Socket { listener: Listener::Unix(listener), opened: Some(Opened::File { _kept: file }) })
            }
        }
    }

    /// Whether nobody else holds it open.
    pub fn is_ours(&self) -> bool {
        self.opened.is_some()
    }

    /// The port, of a network socket.
    pub fn port(&self) -> Option<u16> {
        match &self.listener {
            Listener::Tcp(listener) => listener.local_addr().ok().map(|address| address.port()),
            Listener::Unix(_) => None,
        }
    }

    /// As `server.listen` would name it.
    pub fn name(&self) -> String {
        match &self.listener {
            Listener::Tcp(listener) => listener.local_addr().map_or("?".to_owned(), |address| address.to_string()),
            Listener::Unix(listener) => {
                let address = listener.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                format!("unix:{}", path.unwrap_or(Path::new("?")).display())
            }
        }
    }

    pub(super) fn local_address(&self) -> LocalAddr {
        LocalAddr(match &self.listener {
            Listener::Tcp(listener) => listener.local_addr().map_or(Addr::default(), Addr::SocketAddr),
            Listener::Unix(listener) => {
                listener.local_addr().map_or(Addr::default(), |address| Addr::Unix(Arc::new(address)))
            }
        })
    }

    pub(super) async fn accept(&self) -> io::Result<(Stream, RemoteAddr)> {
        match &self.listener {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Stream::Tcp(stream), RemoteAddr(Addr::SocketAddr(peer))))
            }
            Listener::Unix(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Stream::Unix(stream), RemoteAddr(Addr::Unix(Arc::new(peer)))))
            }
        }
    }

    /// The next of those who are in the queue already.
    pub(super) async fn waiting(&self) -> Option<(Stream, RemoteAddr)> {
        time::timeout(LAST_CALL, self.accept()).await.ok()?.ok()
    }
}

/// Takes the place of a socket file that a killed process has left behind, and of nothing else.
fn bind_path(path: &Path) -> io::Result<UnixListener> {
    let in_use = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => error,
        outcome => return outcome,
    };
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of that name that is no socket"));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        _ => Err(in_use),
    }
}

/// The file of a Unix socket; it goes when the socket does, unless another process has put its own there.
struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        // The working directory may change; the file stays where it is.
        Ok(SocketFile { path: std::path::absolute(path)?, device: metadata.dev(), inode: metadata.ino() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = |file: fs::Metadata| (file.dev(), file.ino()) == (self.device, self.inode);
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(error = %error, path = %self.path.display(), "the socket's file could not be removed");
        }
    }
}

/// Open sockets handed over by the service manager (`LISTEN_FDS`), with their names (`LISTEN_FDNAMES`).
pub struct Inherited {
    files: ListenFd,
    names: Vec<String>,
}

impl Inherited {
    /// Takes them out of the environment, so that no child process believes they are its own. To be called before any
    /// thread is started.
    pub fn of_process() -> Self {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        Inherited { files: ListenFd::from_env(), names: names.split(':').map(str::to_owned).collect() }
    }

    pub fn none() -> Self {
        Inherited { files: ListenFd::empty(), names: Vec::new() }
    }

    /// Every one with its name; empty without a service manager.
    pub fn sockets(mut self) -> io::Result<Vec<(String, Socket)>> {
        let mut sockets = Vec::new();
        for index in 0..self.files.len() {
            let name = self.names.get(index).cloned().unwrap_or_default();
            let listener = if let Ok(Some(listener)) = self.files.take_unix_listener(index) {
                listener.set_nonblocking(true)?;
                Listener::Unix(UnixListener::from_std(listener)?)
            } else {
                let listener = self.files.take_tcp_listener(index)?.ok_or(io::ErrorKind::NotFound)?;
                listener.set_nonblocking(true)?;
                Listener::Tcp(TcpListener::from_std(listener)?)
            };
            sockets.push((name, Socket { listener, opened: None }));
        }
        Ok(sockets)
    }
}
