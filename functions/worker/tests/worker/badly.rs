//! A vendor's API of which one call is answered badly, byte for byte, and all others as if there were nothing yet.

use crate::platform::bind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// How a body is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// The connection ends before it does.
    CutOff,
    /// It is a page, with this status.
    Page(u16),
    /// It does not end.
    Endless,
    /// It begins, and nothing more comes.
    Stuck,
    /// It comes byte by byte, and never as slowly as to be given up for that.
    Trickling,
}

/// Such an API, which ends with the test.
pub struct Badly {
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for Badly {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Badly {
    /// Answers the calls with this in their path badly; a body that begins at all begins so.
    pub async fn start(path: &'static str, bad: Bad, begins: &'static str) -> Self {
        let (listener, url) = bind().await;
        let serve = async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(connection, path, bad, begins));
            }
        };
        let task = tokio::spawn(serve);
        Self { url, task }
    }
}

async fn serve(mut connection: TcpStream, path: &str, bad: Bad, begins: &str) {
    let Some(head) = read_request(&mut connection).await else {
        return;
    };
    // Whoever called may have had enough.
    let _ = if head.lines().next().unwrap().contains(path) {
        answer(&mut connection, bad, begins).await
    } else {
        whole(&mut connection, "404 Not Found", "null").await
    };
}

/// A request's head, once its body was read: a connection that ends before that breaks off for the caller in another way.
async fn read_request(connection: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines().map(str::to_lowercase);
    let length = lines.find_map(|line| Some(line.strip_prefix("content-length:")?.trim().parse()));
    let mut body = vec![0; length.map_or(0, Result::unwrap)];
    connection.read_exact(&mut body).await.ok()?;
    Some(head)
}

async fn answer(connection: &mut TcpStream, bad: Bad, begins: &str) -> std::io::Result<()> {
    let said = |length: &str| format!("HTTP/1.1 200 OK\r\n{length}\r\n{begins}");
    let long = said("content-length: 9999\r\n");
    match bad {
        Bad::CutOff => connection.write_all(long.as_bytes()).await,
        Bad::Page(status) => {
            let status = format!("{status} Some Word");
            whole(connection, &status, "<html><body>Maintenance</body></html>").await
        }
        Bad::Endless => {
            let noise = vec![b' '; 65_536];
            connection.write_all(said("").as_bytes()).await?;
            loop {
                connection.write_all(&noise).await?;
            }
        }
        Bad::Stuck => {
            connection.write_all(long.as_bytes()).await?;
            std::future::pending().await
        }
        Bad::Trickling => {
            connection.write_all(long.as_bytes()).await?;
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                connection.write_all(b" ").await?;
            }
        }
    }
}

async fn whole(connection: &mut TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    connection.write_all(answer.as_bytes()).await
}
