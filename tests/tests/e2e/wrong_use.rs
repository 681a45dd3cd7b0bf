//! What an operator gets wrong: a source, a stack, a region or a setting that there is not. `hooks` says which, and what to do.

use crate::operator::{fed, variable};
use crate::stage::{Stage, binaries};
use std::collections::BTreeMap;
use std::process::Output;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

const SOURCES: [&str; 4] = ["imocha", "jobmojito", "testlify", "xobin"];
const STACK: &str = "assessment-webhooks";
const REGION: &str = "eu-west-1";

/// The exit code, and what it says.
fn said(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

#[tokio::test]
async fn a_source_that_there_is_not_is_named_with_those_that_there_are() {
    let stage = Stage::new().await;
    for args in [
        &["events", "list", "--source", "acme"][..],
        &["events", "show", "acme.0123456789abcdef0123456789abcdef"],
        &["attempts", "list", "--source", "acme"],
        &["attempts", "show", "acme", "1"],
        &["reports", "get", "acme", "1"],
        &["reports", "link", "acme", "1"],
        &["reports", "fetch", "acme", "1"],
        &["send", "events/xobin/start.json", "--source", "acme"],
        &["secrets", "set", "acme", "token"],
        &["secrets", "rotate", "acme"],
        &["secrets", "retire", "acme"],
        &["tail", "--source", "acme"],
        &["replay", "--source", "acme"],
    ] {
        let (code, text) = said(&fed(&stage, args, "x").await);
        assert_eq!(code, Some(2), "{args:?}: {text}");
        let names = ["acme"].into_iter().chain(SOURCES);
        for name in names {
            assert!(text.contains(name), "{args:?} does not say {name}: {text}");
        }
    }
    // These are for one vendor each, which is a command of its own.
    for (args, knows) in [
        (["reprocess", "acme", "1"], "imocha"),
        (["reconcile", "acme", "--wait"], "imocha"),
        (["webhooks", "register", "acme"], "xobin"),
    ] {
        let (code, text) = said(&fed(&stage, &args, "").await);
        assert_eq!(code, Some(2), "{args:?}: {text}");
        assert!(
            text.contains("acme") && text.contains("--help"),
            "{args:?}: {text}"
        );
        let place = args.iter().position(|it| *it == "acme").unwrap();
        let help = fed(&stage, &[&args[..place], &["--help"]].concat(), "").await;
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        assert!(help.contains(knows), "{args:?}: {help}");
    }
}

/// `hooks` with these settings and no others, where no bundle runs.
async fn alone(args: &[&str], settings: &BTreeMap<&str, String>) -> (Option<i32>, String) {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = Command::new(binaries().await.join("hooks"));
    command.args(args).env_clear().envs(settings);
    // Neither what lies in somebody's home nor AWS's own address for the settings of a machine.
    command.env("HOME", nowhere.path());
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command.current_dir(nowhere.path());
    said(&command.output().await.unwrap())
}

#[tokio::test]
async fn where_there_is_nothing_to_work_on_it_is_said_what_there_could_be() {
    let (code, text) = alone(&["events", "list"], &BTreeMap::new()).await;
    assert_eq!(code, Some(2), "{text}");
    for says in ["nothing to work on", "`hooks local`", "--stack"] {
        assert!(text.contains(says), "{text}");
    }
}

#[tokio::test]
async fn a_setting_that_a_command_needs_and_has_not_is_named_with_its_variable() {
    let stage = Stage::new().await;
    let mut settings = BTreeMap::from([("ENDPOINT_URL", stage.bundle.endpoint_url().to_owned())]);
    settings.insert("TABLE_NAME", stage.bundle.table_name().to_owned());
    for (args, output) in [
        (&["sweep"][..], "QueueUrl"),
        (&["redrive"], "QueueUrl"),
        (&["dlq", "list"], "DeadLetterQueueUrl"),
        (&["endpoints"], "ImochaSecretId"),
        (
            &["attempts", "list", "--email", "a@example.com"],
            "HashKeySecretId",
        ),
        (&["tail"], "EventBusName"),
        (&["secrets", "status"], "SecretId"),
    ] {
        let (code, text) = alone(args, &settings).await;
        assert_eq!(code, Some(1), "{args:?}: {text}");
        assert!(text.contains(output), "{args:?}: {text}");
        let variable = if output == "SecretId" {
            "_SECRET_ID".into()
        } else {
            variable(output)
        };
        assert!(
            text.contains(&variable) && text.contains("set "),
            "{args:?}: {text}"
        );
    }
}

/// A `CloudFormation` that has [`STACK`] in [`REGION`] alone, and answers as AWS does.
async fn cloudformation() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection));
        }
    });
    url
}

async fn answer(mut connection: TcpStream) {
    let mut request = Vec::new();
    let text = loop {
        let mut part = [0; 4096];
        let length = connection.read(&mut part).await.unwrap();
        request.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&request).into_owned();
        // The name of the stack is in the body, which is short.
        if length == 0 || text.contains("StackName=") {
            break text;
        }
    };
    let name = text.split("StackName=").nth(1).unwrap_or_default();
    let name = name.split('&').next().unwrap();
    // By the scope that the call is signed for.
    let is_here = text.contains(&format!("/{REGION}/cloudformation/aws4_request"));
    let (status, body) = if name == STACK && is_here {
        ("200 OK", described())
    } else {
        ("400 Bad Request", absent(name))
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/xml\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection
        .write_all((head + &body).as_bytes())
        .await
        .unwrap();
}

/// A stack of somebody else's, which says none of our outputs.
fn described() -> String {
    format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult><Stacks><member>\
         <StackName>{STACK}</StackName><StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-01-15T10:00:00Z</CreationTime>\
         <Outputs><member><OutputKey>ApiUrl</OutputKey><OutputValue>https://a.example.com</OutputValue></member></Outputs>\
         </member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    )
}

fn absent(name: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error><Type>Sender</Type>\
         <Code>ValidationError</Code><Message>Stack with id {name} does not exist</Message></Error>\
         <RequestId>1</RequestId></ErrorResponse>"
    )
}

#[tokio::test]
async fn a_stack_or_a_region_that_is_not_the_right_one_is_named() {
    let mut settings = BTreeMap::from([
        ("ENDPOINT_URL", cloudformation().await),
        ("AWS_ACCESS_KEY_ID", "000000000000".into()),
        ("AWS_SECRET_ACCESS_KEY", "test".into()),
    ]);
    for (region, stack, code, says) in [
        (
            REGION,
            "nobody",
            1,
            "there is no stack nobody in eu-west-1: check the name",
        ),
        (
            "us-east-1",
            STACK,
            1,
            "there is no stack assessment-webhooks in us-east-1: check the name",
        ),
        ("", STACK, 2, "set AWS_REGION"),
        (
            REGION,
            STACK,
            1,
            "the deployment does not say its TableName: deploy it anew",
        ),
    ] {
        settings.insert("AWS_REGION", region.to_owned());
        let (actual, text) = alone(&["events", "list", "--stack", stack], &settings).await;
        assert_eq!(actual, Some(code), "{text}");
        assert!(text.contains(says), "{region} {stack}: {text}");
    }
    settings.remove("AWS_REGION");
    let (code, text) = alone(&["events", "list", "--stack", STACK], &settings).await;
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("set AWS_REGION"), "{text}");
}
