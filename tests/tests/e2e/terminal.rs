//! A terminal on which a command runs, and what somebody who sits before it sees.

use crate::operator::command;
use crate::stage::Stage;
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::Read;
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use vt100::Parser;

/// A command on a terminal of its own, 80 columns wide.
pub struct OnTerminal {
    pub child: Child,
    screens: mpsc::UnboundedReceiver<String>,
}

impl OnTerminal {
    /// Starts `hooks` with these arguments: what it prints and what it says come to the same terminal.
    pub async fn hooks(stage: &Stage, args: &[&str]) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let size = Winsize {
            ws_row: Parser::DEFAULT_ROWS.get(),
            ws_col: Parser::DEFAULT_COLS.get(),
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&controller, size).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let side: File = open(&name, flags, Mode::empty()).unwrap().into();
        let mut command = command(stage, args).await;
        command.env("TERM", "xterm").env_remove("NO_COLOR");
        command.stdout(side.try_clone().unwrap()).stderr(side);
        let child = command.spawn().unwrap();
        // It holds the command's side of the terminal, which has to be closed for the reading to end.
        drop(command);
        let (sender, screens) = mpsc::unbounded_channel();
        spawn_blocking(move || watch(&mut File::from(controller), &sender));
        Self { child, screens }
    }

    /// What is to be seen when something changes next; `None` once nothing does any more.
    pub async fn next(&mut self) -> Option<String> {
        self.screens.recv().await
    }

    /// All that is to be seen until it ends, one screen after the other.
    pub async fn rest(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(screen) = self.next().await {
            all.push(screen);
        }
        all
    }
}

/// Tells each screen that is not as the one before, until nobody writes to the terminal any more: that is an error, where it is read.
fn watch(terminal: &mut File, screens: &mpsc::UnboundedSender<String>) {
    let (mut parser, mut buffer, mut last) = (Parser::default(), [0; 1024], String::new());
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        parser.process(&buffer[..read]);
        let screen = parser.screen().contents();
        if screen != last {
            last.clone_from(&screen);
            // Who has seen enough does not look any more.
            drop(screens.send(screen));
        }
    }
}
