//! Settings of the real binary: where they come from, what is wrong with them, and what a running server takes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod served;

use std::{fs, process::Command, time::Instant};

use served::{PATIENCE, Server, jifen};

fn told(mut command: Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn every_setting_tells_where_it_came_from_and_secrets_are_not_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jifen.toml");
    fs::write(
        &file,
        "connections = 7\nidle-deadline = 9\nbody-deadline = 8\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let mut command = jifen(&["config", "show", "--origin", "--body-deadline=11"]);
    command
        .env("JIFEN_CONFIG", file)
        .env("JIFEN_IDLE_DEADLINE", "10")
        .env("JIFEN_POINT_TYPE", "miles:2 growth:0:none")
        .env(
            "JIFEN_OPERATOR_KEY",
            "a-secret-that-nobody-may-see-0123456789",
        );
    let (code, out, err) = told(command);
    assert_eq!((code, err.as_str()), (0, ""));
    for line in [
        &format!("connections = 7  # {file}:1"),
        "idle-deadline = 10  # JIFEN_IDLE_DEADLINE",
        "body-deadline = 11  # command line",
        "head-deadline = 5  # default",
        r#"point-type = ["miles:2", "growth:0:none"]  # JIFEN_POINT_TYPE"#,
        "# tls-key is not set",
        "# the operator's key: JIFEN_OPERATOR_KEY, not shown",
    ] {
        assert!(out.lines().any(|shown| shown == line), "{line}\n\n{out}");
    }
    assert!(!out.contains("a-secret"), "{out}");
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_ends_with_2() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jifen.toml");
    for (text, variable, said) in [
        (
            "\nlistn = 'x'",
            None,
            "jifen.toml:2: listn: there is no such setting; listen",
        ),
        (
            "connections = 0",
            None,
            "jifen.toml:1: connections: \"0\": 0 is not in",
        ),
        ("listen = ", None, "jifen.toml:1: "),
        (
            "",
            Some(("JIFEN_LISTEN", "here")),
            "JIFEN_LISTEN: \"here\": invalid socket address",
        ),
        (
            "tls-cert = 'c.pem'",
            None,
            "--tls-cert and --tls-key go together",
        ),
        (
            "tls-cert = 'c.pem'\ntls-key = 'k.pem'",
            None,
            "c.pem: No such file",
        ),
        ("listen = '0.0.0.0:0'", None, "--insecure-listen"),
    ] {
        fs::write(&file, text).unwrap();
        for place in [&["serve"][..], &["config", "show"]] {
            let mut command = jifen(place);
            command.arg("--config").arg(&file).envs(variable);
            let (code, _, err) = told(command);
            assert_eq!(code, 2, "{text}: {err}");
            assert!(err.contains(said), "{text}: {err}");
        }
    }
    let (code, _, err) = told(jifen(&["serve", "--config", "nowhere.toml"]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("nowhere.toml: No such file"), "{err}");
}

/// Goal: a running server takes what it can of its settings when it is told to, says what needs a restart, and goes on as
/// before if they cannot be used.
#[test]
fn a_hangup_has_the_settings_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jifen.toml");
    fs::write(&file, "head-deadline = 3600\nutc-offset = '+08:00'\n").unwrap();
    let server = Server::start(directory.path(), &["--config", file.to_str().unwrap()]);
    let says = |said: &str| {
        let begun = Instant::now();
        loop {
            let log = fs::read_to_string(directory.path().join("stderr")).unwrap();
            if log.contains(said) {
                return log;
            }
            assert!(begun.elapsed() < PATIENCE, "never said {said:?}: {log}");
            std::thread::yield_now();
        }
    };
    fs::write(&file, "head-deadline = 'soon'\n").unwrap();
    server.signal("HUP");
    says("all is as before");
    fs::write(&file, "head-deadline = 1\nutc-offset = '+09:00'\n").unwrap();
    server.signal("HUP");
    let log = says("the settings were read again");
    let about = |key: &str| {
        let key = format!("\"key\":\"{key}\"");
        let line = log.lines().find(|line| line.contains(&key));
        line.unwrap_or_else(|| panic!("nothing of {key}: {log}"))
    };
    assert!(!about("head-deadline").contains("restart"));
    assert!(about("utc-offset").contains("needs a restart"));
    assert!(!log.contains("\"key\":\"connections\""), "{log}");
    let mut slow = server.connect();
    slow.write("GET /");
    assert!(slow.rest().starts_with("HTTP/1.1 408 "));
    assert!(server.stop().success());
}

#[test]
fn shells_are_told_what_to_complete() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = told(jifen(&["completions", shell]));
        assert_eq!(code, 0);
        for word in ["serve", "config", "head-deadline"] {
            assert!(out.contains(word), "{shell}: {word}");
        }
    }
}
