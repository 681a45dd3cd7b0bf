//! The client against a listener that speaks HTTP as badly as vendors do.

use super::*;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const QUICK: Timeouts = Timeouts {
    connect: Duration::from_secs(2),
    answer: Duration::from_millis(300),
    whole: Duration::from_millis(900),
};

/// What the client makes of a vendor that does this with a connection once the request has come.
async fn asked<F>(act: impl FnOnce(TcpStream) -> F + Send + 'static) -> Result<Answer, VendorError>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let vendor = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = connection.read(&mut request).await.unwrap();
        act(connection).await;
    });
    let answer = exchange(http(QUICK).unwrap().get(url)).await;
    vendor.abort();
    answer
}

async fn says(connection: &mut TcpStream, text: &str) {
    // The client may have gone.
    let _ = connection.write_all(text.as_bytes()).await;
}

async fn told(text: &'static str) -> Result<Answer, VendorError> {
    asked(move |mut connection| async move { says(&mut connection, text).await }).await
}

const FAILED: Outcome = Outcome::Failed { retry_after: None };

#[tokio::test]
async fn a_whole_answer_is_read() {
    let answer = told("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a\":\"b\"}").await;
    assert_eq!(answer.unwrap().success().unwrap()["a"], "b");
}

#[tokio::test]
async fn a_vendor_that_says_nothing_or_goes_on_too_slowly_timed_out() {
    let silent = asked(|connection| async move {
        tokio::time::sleep(QUICK.whole).await;
        drop(connection);
    });
    let dripping = asked(|mut connection| async move {
        says(
            &mut connection,
            "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n",
        )
        .await;
        loop {
            says(&mut connection, " ").await;
            tokio::time::sleep(QUICK.answer / 3).await;
        }
    });
    let stuck = asked(|mut connection| async move {
        says(
            &mut connection,
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a\"",
        )
        .await;
        tokio::time::sleep(QUICK.whole).await;
    });
    for answer in [silent.await, dripping.await, stuck.await] {
        let error = answer.unwrap_err();
        assert!(matches!(error, VendorError::TimedOut(_)), "{error:?}");
        assert_eq!(without_answer(&error), FAILED);
    }
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let answers = [
        told("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a\"").await,
        told("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\"").await,
    ];
    for answer in answers {
        let error = answer.unwrap_err();
        assert!(matches!(error, VendorError::CutOff(_)), "{error:?}");
        assert_eq!(without_answer(&error), FAILED);
    }
    // What is no HTTP at all, or nothing, was no answer.
    for answer in [told("").await, told("220 mail.example.com ESMTP\r\n").await] {
        let error = answer.unwrap_err();
        assert!(matches!(error, VendorError::Unreachable(_)), "{error:?}");
        assert_eq!(without_answer(&error), FAILED);
    }
}

#[tokio::test]
async fn an_endless_body_is_too_large_and_no_outage() {
    let answer = asked(|mut connection| async move {
        says(&mut connection, "HTTP/1.1 200 OK\r\n\r\n").await;
        let noise = vec![b' '; 65_536];
        while connection.write_all(&noise).await.is_ok() {}
    });
    let error = answer.await.unwrap_err();
    assert!(matches!(error, VendorError::TooLarge), "{error:?}");
    assert_eq!(without_answer(&error), Outcome::Well);
}

#[tokio::test]
async fn a_page_and_an_empty_body_are_told_by_their_status() {
    let page = "<html><body>Maintenance</body></html>";
    let answer = |status: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    for body in [page, ""] {
        let well = told(answer("200 OK", body).leak()).await.unwrap();
        assert_eq!(well.outcome(), Outcome::Well);
        assert!(matches!(well.success(), Err(VendorError::Strange)));
        let down = told(answer("502 Bad Gateway", body).leak()).await.unwrap();
        assert_eq!(down.outcome(), FAILED);
        let error = down.success().unwrap_err();
        assert!(
            matches!(error, VendorError::Busy { status, .. } if status == StatusCode::BAD_GATEWAY)
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let answer = told("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\n\r\n").await;
    let error = answer.unwrap().success().unwrap_err();
    assert!(matches!(error, VendorError::Rejected { status, .. } if status == StatusCode::FOUND));
}

#[tokio::test]
async fn where_nobody_listens_nobody_is_reached() {
    // The listener is gone before it is called.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let answer = exchange(http(QUICK).unwrap().get(url)).await;
    let error = answer.unwrap_err();
    assert!(matches!(error, VendorError::Unreachable(_)), "{error:?}");
    assert_eq!(without_answer(&error), FAILED);
}

#[tokio::test]
async fn retry_after_is_read_in_seconds_and_as_a_time_by_the_vendors_clock() {
    let (noon, two_past) = (
        "Wed, 21 Oct 2026 12:00:00 GMT",
        "Wed, 21 Oct 2026 12:02:00 GMT",
    );
    for (date, until, minutes) in [
        (noon, "120", Some(2)),
        (noon, two_past, Some(2)),
        (noon, "Wednesday, 21-Oct-26 12:02:00 GMT", Some(2)),
        (noon, noon, Some(0)),
        (two_past, noon, None),
        ("", two_past, None),
        (noon, "soon", None),
        (noon, "-1", None),
    ] {
        let answer = format!(
            "HTTP/1.1 429 Too Many Requests\r\ndate: {date}\r\nretry-after: {until}\r\ncontent-length: 0\r\n\r\n"
        );
        let answer =
            asked(move |mut connection| async move { says(&mut connection, &answer).await });
        let retry_after = minutes.map(Duration::from_mins);
        let outcome = answer.await.unwrap().outcome();
        assert_eq!(outcome, Outcome::TooFast { retry_after }, "{date}: {until}");
    }
}
