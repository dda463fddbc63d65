//! A server that does exactly what a test wants, byte by byte.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What came in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Request line and headers.
    pub(crate) head: String,
    /// Form or nothing.
    pub(crate) body: String,
}

impl Asked {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|l| l.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim()))
    }

    /// A form field, as far as digits and letters go.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.body.split('&').find_map(|p| p.split_once('=').filter(|(n, _)| *n == name).map(|(_, v)| v))
    }
}

/// What goes out.
pub(crate) enum Script {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, then one more every so often.
    Trickle(Vec<u8>, Duration),
    /// These bytes, then these again and again.
    Endless(Vec<u8>, Vec<u8>),
    /// Nothing at all.
    Hang,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    sent: Arc<AtomicU64>,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Script + Send + Sync + 'static) -> Self {
        Self::with(None, answer).await
    }

    pub(crate) async fn with(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&Asked) -> Script + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = if tls.is_some() { format!("https://localhost:{port}") } else { format!("http://127.0.0.1:{port}") };
        let (asked, sent, connections) = (Arc::default(), Arc::<AtomicU64>::default(), Arc::<AtomicUsize>::default());
        let worker = Worker { answer: Arc::new(answer), asked: Arc::clone(&asked), sent: Arc::clone(&sent) };
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (worker, tls) = (worker.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => worker.serve(stream).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => worker.serve(stream).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { url, asked, sent, connections, task }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Bytes that went into sockets.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
struct Worker {
    answer: Arc<dyn Fn(&Asked) -> Script + Send + Sync>,
    asked: Arc<Mutex<Vec<Asked>>>,
    sent: Arc<AtomicU64>,
}

impl Worker {
    /// `None` when the other side has gone.
    async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let asked = receive(&mut stream).await?;
        self.asked.lock().unwrap().push(asked.clone());
        match (self.answer)(&asked) {
            Script::Bytes(bytes) => self.send(&mut stream, &bytes).await?,
            Script::Trickle(head, every) => {
                self.send(&mut stream, &head).await?;
                loop {
                    tokio::time::sleep(every).await;
                    self.send(&mut stream, b" ").await?;
                }
            }
            Script::Endless(head, piece) => {
                self.send(&mut stream, &head).await?;
                loop {
                    self.send(&mut stream, &piece).await?;
                }
            }
            Script::Hang => std::future::pending().await,
        }
        stream.shutdown().await.ok()
    }

    async fn send(&self, stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Option<()> {
        stream.write_all(bytes).await.ok()?;
        stream.flush().await.ok()?;
        self.sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        Some(())
    }
}

async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let asked = Asked { head: head.to_owned(), body: body.to_owned() };
        let length = asked.header("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            return Some(asked);
        }
    }
}

/// A whole HTTP answer, its connection closed behind it.
pub(crate) fn http(status: u16, headers: &str, body: &str) -> Script {
    let length = body.len();
    Script::Bytes(
        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
            .into_bytes(),
    )
}

/// JSON with status 200.
pub(crate) fn json(body: &str) -> Script {
    http(200, "Content-Type: application/json\r\n", body)
}

/// The answer of a server whose series, without labels, always has this value.
pub(crate) fn constant(asked: &Asked, value: &str) -> Script {
    let field = |name: &str| asked.field(name).and_then(|v| v.parse::<i64>().ok()).unwrap();
    let (start, end, step) = (field("start"), field("end"), field("step"));
    let samples: Vec<String> =
        (0..=(end - start) / step).map(|i| format!("[{},\"{value}\"]", start + i * step)).collect();
    json(&matrix(&samples.join(",")))
}

pub(crate) fn matrix(values: &str) -> String {
    format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[{values}]}}]}}}}"#
    )
}
