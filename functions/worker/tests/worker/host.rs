//! A host that serves reports badly: it speaks HTTP byte for byte as a test wants it to.

use crate::platform::bind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// What becomes of a connection after its answer's first bytes.
#[derive(Clone)]
pub enum Then {
    /// It ends.
    Close,
    /// Nothing more comes.
    Hang,
    /// It ends, and before its answer began this much time went by.
    CloseAfter(Duration),
    /// This comes again and again.
    Repeat(Vec<u8>),
}

/// A host that runs; it ends with the test.
pub struct Host {
    pub url: String,
    noted: Arc<Noted>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Noted {
    asked: Mutex<Vec<String>>,
    waiting: AtomicUsize,
    most_waiting: AtomicUsize,
}

impl Noted {
    /// Lets this much time go by, and notes how many do the same.
    async fn wait(&self, pause: Duration) {
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_waiting.fetch_max(waiting, Ordering::SeqCst);
        tokio::time::sleep(pause).await;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Host {
    /// Answers every request with these bytes, status line and all.
    pub async fn start(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        let (listener, url) = bind().await;
        let noted = Arc::<Noted>::default();
        let (answer, notes) = (answer.into(), Arc::clone(&noted));
        let serve = async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let (answer, then, notes) = (answer.clone(), then.clone(), Arc::clone(&notes));
                tokio::spawn(serve(connection, answer, then, notes));
            }
        };
        Self {
            url,
            noted,
            task: tokio::spawn(serve),
        }
    }

    /// Answers with a body of this type.
    pub async fn with(content_type: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        );
        Self::start([head.as_bytes(), body].concat(), Then::Close).await
    }

    /// Answers with this body, each time only after a pause.
    pub async fn slow(body: &[u8], pause: Duration) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        Self::start([head.as_bytes(), body].concat(), Then::CloseAfter(pause)).await
    }

    /// Leads on.
    pub async fn redirecting(location: &str) -> Self {
        let head = format!(
            "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        Self::start(head, Then::Close).await
    }

    /// The requests' heads.
    pub fn asked(&self) -> Vec<String> {
        self.noted.asked.lock().unwrap().clone()
    }

    /// How many requests waited together, at most.
    pub fn most_at_a_time(&self) -> usize {
        self.noted.most_waiting.load(Ordering::SeqCst)
    }
}

async fn serve(mut connection: TcpStream, answer: Vec<u8>, then: Then, noted: Arc<Noted>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match connection.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let request = String::from_utf8(request).unwrap();
    noted.asked.lock().unwrap().push(request);
    if let Then::CloseAfter(pause) = then {
        noted.wait(pause).await;
    }
    let mut written = connection.write_all(&answer).await;
    match then {
        Then::Close | Then::CloseAfter(_) => {}
        Then::Hang => std::future::pending().await,
        Then::Repeat(piece) => {
            // Until the other side has had enough.
            while written.is_ok() {
                written = connection.write_all(&piece).await;
            }
        }
    }
}
