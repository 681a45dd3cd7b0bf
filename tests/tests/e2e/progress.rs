//! How far an operator's command is, as somebody at a terminal sees it, and as nobody else does.

use crate::operator::{hooks, signal};
use crate::redriving::bury_sweeps;
use crate::replay::unread_imocha;
use crate::stage::{Stage, payload};
use crate::terminal::OnTerminal;
use serde_json::Value;

const REDRIVE: [&str; 3] = ["redrive", "--per-second", "5"];

/// How far the bar says that it is, if there is one that says so of ten: `brought back ████░░░░ 5/10`.
fn how_far(screen: &str, what: &str) -> Option<u64> {
    let bar = screen.lines().find_map(|line| line.strip_prefix(what))?;
    let (_, count) = bar.trim().rsplit_once(' ')?;
    count.strip_suffix("/10")?.parse().ok()
}

/// The bar grows and never shrinks, is seen in the middle of it, and is gone in the end.
fn assert_grows(screens: &[String], what: &str) {
    let seen: Vec<u64> = screens.iter().filter_map(|it| how_far(it, what)).collect();
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(seen.iter().any(|it| (1..10).contains(it)), "{screens:#?}");
    let last = screens.last().unwrap();
    assert!(!last.contains(what), "{last}");
}

#[tokio::test]
async fn a_redrive_draws_how_far_it_is_and_then_only_what_came_of_it() {
    let stage = Stage::new().await;
    bury_sweeps(&stage, 10).await;
    let mut redrive = OnTerminal::hooks(&stage, &REDRIVE).await;
    let screens = redrive.rest().await;
    assert!(redrive.child.wait().await.unwrap().success());
    assert_grows(&screens, "brought back");
    let result = "0 parked items due again, 10 messages back in the queue";
    assert_eq!(screens.last().unwrap().trim(), result);
}

#[tokio::test]
async fn a_redrive_that_is_stopped_leaves_no_bar_behind_but_what_is_left_to_do() {
    let stage = Stage::new().await;
    bury_sweeps(&stage, 10).await;
    // Slowly, so that it is not done before it is stopped.
    let slowly = ["redrive", "--per-second", "1"];
    let mut redrive = OnTerminal::hooks(&stage, &slowly).await;
    while let Some(screen) = redrive.next().await {
        if how_far(&screen, "brought back") >= Some(2) {
            break;
        }
    }
    signal(&redrive.child, "-INT").await;
    let last = redrive.rest().await.pop().unwrap();
    assert_eq!(redrive.child.wait().await.unwrap().code(), Some(1));
    let [result, error] = last.lines().collect::<Vec<_>>()[..2] else {
        panic!("{last}")
    };
    // Nothing else stands in its line.
    let is_whole = result.starts_with("0 parked items due again, ");
    assert!(
        is_whole && result.ends_with("; there may be more"),
        "{last}"
    );
    assert!(
        error.contains("stopped: the rest stays where it is"),
        "{last}"
    );
}

#[tokio::test]
async fn a_replay_draws_how_far_it_is() {
    let stage = Stage::new().await;
    for number in 0..10 {
        let mut body: Value = serde_json::from_slice(&payload("imocha/complete.json")).unwrap();
        body["TestInvitationId"] = number.into();
        unread_imocha(&stage, body.to_string().into()).await;
    }
    stage.settled().await;
    let replay = ["replay", "--unreadable", "--per-second", "5"];
    let mut replay = OnTerminal::hooks(&stage, &replay).await;
    let screens = replay.rest().await;
    assert!(replay.child.wait().await.unwrap().success(), "{screens:#?}");
    assert_grows(&screens, "read anew");
}

#[tokio::test]
async fn where_there_is_no_terminal_nothing_is_drawn() {
    let stage = Stage::new().await;
    bury_sweeps(&stage, 3).await;
    let redrive = hooks(&stage, &["redrive"]).await;
    assert!(redrive.status.success());
    assert_eq!(String::from_utf8(redrive.stderr).unwrap(), "");
}
