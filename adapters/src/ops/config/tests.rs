//! Settings from everywhere, and what is wrong with them.

use std::fs;

use super::*;

#[derive(Parser)]
struct Program {
    #[command(subcommand)]
    command: Commands,
}

#[derive(clap::Subcommand)]
enum Commands {
    Serve(Box<ServeArgs>),
}

/// Parses `serve` with a file of this text, if any, and more on the command line.
fn parsed(text: &str, more: &[&str]) -> Result<(ServeArgs, Settings), String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jifen.toml");
    fs::write(&file, text).unwrap();
    let file = format!("--config={}", file.display());
    let line = ["jifen", "serve", file.as_str()]
        .into_iter()
        .chain(more.iter().copied());
    let line: Vec<_> = line.map(OsString::from).collect();
    let (program, settings) = parse::<Program>(&line).map_err(|error| error.to_string())?;
    let Commands::Serve(args) = program.command;
    Ok((*args, settings))
}

fn origin(settings: &Settings, key: &str) -> String {
    let origin = settings.get(key).unwrap().origin.to_string();
    origin.rsplit('/').next().unwrap().to_owned()
}

const FILE: &str = "\
# A comment.
listen = '127.0.0.1:7601'
connections = 1_000

point-type = ['miles:2', 'growth:0:none']
debug-endpoints = true
";

#[test]
fn the_command_line_goes_before_the_file_and_the_file_before_the_defaults() {
    let (args, settings) = parsed(FILE, &["--listen=127.0.0.1:7602"]).unwrap();
    assert_eq!(args.listen.port(), 7602);
    assert_eq!(args.edge.connections, 1_000);
    assert_eq!(args.rules.point_types.len(), 2);
    assert!(args.debug_endpoints && !args.insecure_listen);
    for (key, value, from) in [
        ("listen", Some("\"127.0.0.1:7602\""), "command line"),
        ("connections", Some("1000"), "jifen.toml:3"),
        (
            "point-type",
            Some("[\"miles:2\", \"growth:0:none\"]"),
            "jifen.toml:5",
        ),
        ("debug-endpoints", Some("true"), "jifen.toml:6"),
        ("insecure-listen", Some("false"), "default"),
        ("head-deadline", Some("5"), "default"),
        ("tls-cert", None, "default"),
    ] {
        let setting = settings.get(key).unwrap();
        assert_eq!(setting.value.as_deref(), value, "{key}");
        assert_eq!(origin(&settings, key), from, "{key}");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    let (_, settings) = parsed(FILE, &[]).unwrap();
    let said = settings.iter().filter_map(|setting| {
        let value = setting.value.as_ref()?;
        Some(format!("{} = {value}\n", setting.key))
    });
    let (_, again) = parsed(&said.collect::<String>(), &[]).unwrap();
    let values = |settings: &Settings| -> Vec<_> {
        settings
            .iter()
            .map(|setting| (setting.key.clone(), setting.value.clone()))
            .collect()
    };
    assert_eq!(values(&settings), values(&again));
}

#[test]
fn errors_name_the_file_the_line_and_the_setting() {
    for (text, said) in [
        (
            "listen = 'nowhere'",
            "jifen.toml:1: listen: \"nowhere\": invalid socket address",
        ),
        (
            "\n\nhead-deadline = 0",
            "jifen.toml:3: head-deadline: \"0\": 0 is not in 1..=3600",
        ),
        (
            "connections = 'many'",
            "jifen.toml:1: connections: \"many\": ",
        ),
        (
            "point-type = ['a', 'b:16']",
            "jifen.toml:1: point-type: \"b:16\": the scale",
        ),
        (
            "listn = 'x'",
            "jifen.toml:1: listn: there is no such setting; listen is a similar one",
        ),
        (
            "operator-key = 'x'",
            "jifen.toml:1: operator-key: there is no such setting",
        ),
        (
            "config = 'x'",
            "jifen.toml:1: config: there is no such setting",
        ),
        (
            "help = true",
            "jifen.toml:1: help: there is no such setting",
        ),
        (
            "listen = ['a', 'b']",
            "jifen.toml:1: listen: must be one value",
        ),
        (
            "debug-endpoints = 'yes'",
            "jifen.toml:1: debug-endpoints: must be true or false",
        ),
        ("[tls]\ncert = 'x'", "jifen.toml:1: tls: must be text"),
        (
            "connections = 1.5",
            "jifen.toml:1: connections: must be text",
        ),
        (
            "connections = 1\nconnections = 2",
            "jifen.toml:2: duplicate key",
        ),
        ("listen = '", "jifen.toml:1: "),
    ] {
        let error = parsed(text, &[])
            .err()
            .unwrap_or_else(|| panic!("{text} is taken"));
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn the_environment_names_its_variables() {
    let variables = |name: &str| match name {
        "JIFEN_LISTEN" => Some("nowhere".into()),
        "JIFEN_POINT_TYPE" => Some("miles:2 growth:0:none".into()),
        _ => None,
    };
    let options = options();
    let given = given::environment(&options, variables);
    assert_eq!(given.len(), 2);
    for given in given {
        let checked = given.check(&options);
        if given.key == "point-type" {
            assert_eq!(given.values, ["miles:2", "growth:0:none"]);
            assert_eq!(checked, Ok(()));
        } else {
            let error = checked.unwrap_err();
            assert!(error.starts_with("JIFEN_LISTEN: \"nowhere\": "), "{error}");
        }
    }
}
