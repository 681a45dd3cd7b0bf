//! Where no link may lead: a port of this machine that counts who connects to it, by whatever name or address, and addresses beyond.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A port of 127.0.0.1, and of this machine's other loopback addresses where they are to be had, until it is dropped.
pub struct Trap {
    port: u16,
    stepped_in: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Trap {
    pub async fn set() -> Self {
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let mut listeners = vec![first];
        for other in ["127.0.0.2", "::1"] {
            let address = SocketAddr::new(other.parse().unwrap(), port);
            listeners.extend(TcpListener::bind(address).await.ok());
        }
        let stepped_in = Arc::<AtomicUsize>::default();
        let mut tasks = JoinSet::new();
        for listener in listeners {
            let stepped_in = Arc::clone(&stepped_in);
            tasks.spawn(async move {
                while listener.accept().await.is_ok() {
                    stepped_in.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Self {
            port,
            stepped_in,
            _tasks: tasks,
        }
    }

    /// How many connections were made to it.
    pub fn stepped_in(&self) -> usize {
        self.stepped_in.load(Ordering::SeqCst)
    }

    /// Links that may not be followed: most of them lead into the trap. Where a bundle runs on one's own machine, links to
    /// `http://127.0.0.1` are those of the stand-ins; all else is as on AWS.
    pub fn links(&self) -> Vec<String> {
        let port = self.port;
        let links = [
            format!("http://localhost:{port}/report.pdf"),
            format!("https://localhost:{port}/report.pdf"),
            format!("https://127.0.0.1:{port}/report.pdf"),
            format!("https://2130706433:{port}/report.pdf"),
            format!("https://0x7f.1:{port}/report.pdf"),
            format!("http://127.0.0.2:{port}/report.pdf"),
            format!("http://0.0.0.0:{port}/report.pdf"),
            format!("http://[::1]:{port}/report.pdf"),
            format!("http://[::ffff:127.0.0.1]:{port}/report.pdf"),
            format!("http://me:secret@127.0.0.1:{port}/report.pdf"),
            format!("https://reports.invalid@127.0.0.1:{port}/report.pdf"),
            format!("https://reports.invalid:{port}/report.pdf"),
            format!("ftp://127.0.0.1:{port}/report.pdf"),
            format!("gopher://127.0.0.1:{port}/report.pdf"),
            "http://169.254.169.254/latest/meta-data/iam/security-credentials/".to_owned(),
            "http://169.254.170.2/v2/credentials".to_owned(),
            "http://[fd00:ec2::254]/latest/meta-data/".to_owned(),
            "https://metadata.google.internal/computeMetadata/v1/".to_owned(),
            "https://reports.invalid.example.com/report.pdf".to_owned(),
            "https://example.com/report.pdf".to_owned(),
            "http://reports.invalid/report.pdf".to_owned(),
            "file:///etc/passwd".to_owned(),
            "file://localhost/etc/passwd".to_owned(),
            "data:application/pdf;base64,JVBERi0xLjQ=".to_owned(),
            "javascript:alert(1)".to_owned(),
        ];
        links.into()
    }
}
