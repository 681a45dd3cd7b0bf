//! iMocha's queue of callbacks: each is posted until it is taken, or given up.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use reqwest::{Client, redirect};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// iMocha tries five more times, "consecutively", and never again. How long it waits is not known: not long.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];
/// Long enough for a function that has to start first.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Callbacks are under way together, so that a receiver sees what it would see.
const MOST_AT_ONCE: usize = 8;

/// Where callbacks are queued, for the calls that ask for them.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    bodies: UnboundedSender<Bytes>,
    receiver: Arc<Receiver>,
}

/// The queue's other end; dropping it ends the callbacks that are under way.
#[derive(Debug)]
pub(super) struct Callbacks {
    receiver: Arc<Receiver>,
    /// One task, which ends with the set.
    _task: JoinSet<()>,
}

/// Who is called back.
#[derive(Debug)]
pub(super) struct Receiver {
    http: Client,
    url: Mutex<Option<String>>,
    taken: AtomicUsize,
    under_way: AtomicUsize,
}

impl Queue {
    /// Has this callback be sent.
    pub(super) fn add(&self, body: Bytes) {
        self.receiver.under_way.fetch_add(1, Ordering::SeqCst);
        // The queue ends only when the stand-in is dropped, and then nobody waits for callbacks.
        let _ = self.bodies.send(body);
    }
}

impl Callbacks {
    pub(super) fn start() -> io::Result<(Queue, Self)> {
        let receiver = Arc::new(Receiver::new()?);
        let (bodies, queued) = unbounded_channel();
        let queue = Queue {
            bodies,
            receiver: Arc::clone(&receiver),
        };
        let mut task = JoinSet::new();
        task.spawn(deliver_all(queued, Arc::clone(&receiver)));
        let callbacks = Self {
            receiver,
            _task: task,
        };
        Ok((queue, callbacks))
    }

    pub(super) fn call_back_to(&self, url: String) {
        self.receiver.call_back_to(url);
    }

    /// How many were answered with a 2xx.
    pub(super) fn taken(&self) -> usize {
        self.receiver.taken.load(Ordering::SeqCst)
    }

    /// How many are neither taken nor given up.
    pub(super) fn under_way(&self) -> usize {
        self.receiver.under_way.load(Ordering::SeqCst)
    }
}

async fn deliver_all(queued: UnboundedReceiver<Bytes>, receiver: Arc<Receiver>) {
    let bodies = stream::unfold(queued, async |mut queued| {
        Some((queued.recv().await?, queued))
    });
    bodies
        .for_each_concurrent(MOST_AT_ONCE, async |body| {
            receiver.deliver(body).await;
            receiver.under_way.fetch_sub(1, Ordering::SeqCst);
        })
        .await;
}

impl Receiver {
    pub(super) fn new() -> io::Result<Self> {
        // Only the first call in a process takes effect, and all choose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(io::Error::other)?;
        Ok(Self {
            http,
            url: Mutex::default(),
            taken: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
        })
    }

    /// Until this is called, callbacks fail as if nobody were there.
    pub(super) fn call_back_to(&self, url: String) {
        *self.url.lock().unwrap_or_else(PoisonError::into_inner) = Some(url);
    }

    /// Returns once the callback is taken, or given up.
    pub(super) async fn deliver(&self, body: Bytes) {
        let mut pauses = PAUSES.into_iter();
        while !self.takes(body.clone()).await {
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return,
            }
        }
        self.taken.fetch_add(1, Ordering::SeqCst);
    }

    async fn takes(&self, body: Bytes) -> bool {
        let Some(url) = self.url() else {
            return false;
        };
        let request = self.http.post(url).header(CONTENT_TYPE, "application/json");
        let answer = request.body(body).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    fn url(&self) -> Option<String> {
        self.url
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
