//! A listener that strangers cannot exhaust: so many connections at once, each for so long, none with an endless address.

use super::head::Heads;
use axum::serve::Listener;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};

/// Connections at once; the kubelet and a few scrapers need fewer than ten.
const CONNECTIONS: usize = 64;
/// Longest life of a connection; a scraper simply connects again.
const LIFE: Duration = Duration::from_mins(5);
/// How long one read may wait, a slow header or an idle connection.
const PATIENCE: Duration = Duration::from_secs(75);

/// The listener.
pub(super) struct Bounded {
    inner: TcpListener,
    places: Arc<Semaphore>,
}

impl Bounded {
    pub(super) fn new(inner: TcpListener) -> Self {
        Self { inner, places: Arc::new(Semaphore::new(CONNECTIONS)) }
    }
}

impl Listener for Bounded {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        loop {
            // The semaphore is never closed; should it be, nobody is let in.
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                return std::future::pending().await;
            };
            match self.inner.accept().await {
                Ok((stream, address)) => return (Guest::new(stream, place), address),
                // Out of file descriptors and the like: the next moment may be better.
                Err(_) => sleep(Duration::from_millis(200)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// One connection with its place and its end.
pub(super) struct Guest {
    stream: TcpStream,
    heads: Heads,
    life: Pin<Box<Sleep>>,
    patience: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Self {
        let (life, patience) = (Box::pin(sleep(LIFE)), Box::pin(sleep(PATIENCE)));
        Self { stream, heads: Heads::default(), life, patience, _place: place }
    }

    /// What came in, without what is too long; ready with nothing at the end only.
    fn poll_heads(&mut self, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let before = to.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, to))?;
            let Some(came) = to.filled_mut().get_mut(before..).filter(|came| !came.is_empty()) else {
                return Poll::Ready(Ok(()));
            };
            let kept = self.heads.cut(came).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            to.set_filled(before + kept);
            if kept > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncRead for Guest {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.life.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if let Poll::Ready(read) = self.poll_heads(cx, to) {
            let next = tokio::time::Instant::now() + PATIENCE;
            self.patience.as_mut().reset(next);
            return Poll::Ready(read);
        }
        ready!(self.patience.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        if self.life.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
