//! Jifen as `jifen serve` runs it: its defaults, so with checkpoints and the view.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use bytes::BytesMut;

use super::{Server, ask, wait_until};
use crate::{
    dialect::Dialect,
    http::{Http, body_of},
    process::{Process, guarded},
    trouble::Trouble,
    work::{FIRST_MERCHANT, MERCHANTS, Member, Merchant, OPENING_POINTS, SKU, Task},
};

const NAME: &str = "Jifen";
/// Two commands for each.
const MEMBERS_PER_ARRAY: u32 = 1_000;
/// Longer than any run.
const RESERVATION_TTL_SECONDS: u32 = 604_800;

/// A server of this repository.
#[derive(Debug)]
pub struct Jifen {
    binary: PathBuf,
    directory: PathBuf,
    process: Process,
    address: SocketAddr,
    http: Http,
}

impl Jifen {
    /// Starts it in a directory that it makes.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start(binary: &Path, directory: &Path) -> Result<Self, Trouble> {
        let key = format!("{:032x}", rand::random::<u128>());
        let (process, address) = launch(binary, directory, &key)?;
        Ok(Self {
            binary: binary.to_owned(),
            directory: directory.to_owned(),
            process,
            address,
            http: Http { key },
        })
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        id: Option<&str>,
        body: &str,
    ) -> Result<Vec<u8>, Trouble> {
        let mut message = BytesMut::new();
        self.http.message(&mut message, method, path, id, body);
        let answer = ask(self.address, &self.http, &message)?;
        let accepted = answer.get(9) == Some(&b'2')
            && memchr::memmem::find(&answer, br#""status":"refused""#).is_none();
        if accepted {
            Ok(answer)
        } else {
            Err(Trouble::answer(NAME, &answer))
        }
    }
}

fn launch(binary: &Path, directory: &Path, key: &str) -> Result<(Process, SocketAddr), Trouble> {
    let mut command = guarded(binary, "KILL");
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(directory);
    command
        .env("JIFEN_OPERATOR_KEY", key)
        .stdout(Stdio::piped());
    let log = directory.with_extension("log");
    let mut process = Process::start(&mut command, &log)?;
    let mut line = String::new();
    if let Some(output) = process.standard_output() {
        BufReader::new(output)
            .read_line(&mut line)
            .map_err(Trouble::io("starting Jifen"))?;
    }
    match line
        .trim()
        .strip_prefix("ready http://")
        .and_then(|address| address.parse().ok())
    {
        Some(address) => Ok((process, address)),
        None => Err(Trouble::answer(
            NAME,
            &std::fs::read(log).unwrap_or_default(),
        )),
    }
}

impl Server for Jifen {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn process(&self) -> &Process {
        &self.process
    }

    fn dialect(&self) -> Box<dyn Dialect> {
        Box::new(self.http.clone())
    }

    fn fill(&mut self, members: u32, task: Task) -> Result<(), Trouble> {
        for merchant in (0..MERCHANTS).map(Merchant) {
            self.ask(
                "PUT",
                &format!("/v1/merchants/{merchant}"),
                Some(&merchant.to_string()),
                r#"{"name":"A shop"}"#,
            )?;
        }
        for first in (0..members).step_by(MEMBERS_PER_ARRAY as usize) {
            let last = members.min(first + MEMBERS_PER_ARRAY);
            let commands: Vec<String> = (first..last)
                .map(|number| opening(Member(number)))
                .collect();
            self.ask(
                "POST",
                "/v1/commands",
                None,
                &format!("[{}]", commands.join(",")),
            )?;
        }
        let sale = format!(
            r#"{{"units":{},"price_points":1,"merchant":"{}","reservation_ttl_seconds":{RESERVATION_TTL_SECONDS}}}"#,
            task.units(),
            FIRST_MERCHANT,
        );
        self.ask("PUT", &format!("/v1/stock/{SKU}"), Some("sale"), &sale)?;
        Ok(())
    }

    fn given_away(&self, _: Task) -> Result<u64, Trouble> {
        let answer = self.ask("GET", &format!("/v1/stock/{SKU}"), None, "")?;
        let stock: serde_json::Value = serde_json::from_slice(body_of(&answer))?;
        let count = |state: &str| stock["units"][state].as_u64();
        let units = count("reserved").zip(count("sold"));
        units
            .map(|(reserved, sold)| reserved + sold)
            .ok_or_else(|| Trouble::answer(NAME, &answer))
    }

    fn settle(&self) -> Result<(), Trouble> {
        wait_until("the view", || {
            let answer = self.ask("GET", "/metrics", None, "")?;
            let text = String::from_utf8_lossy(&answer);
            let lag = text
                .lines()
                .find_map(|line| line.strip_prefix("jifen_view_lag_turns "));
            let lag = lag.and_then(|lag| lag.trim().parse::<f64>().ok());
            lag.map(|turns| turns == 0.0)
                .ok_or_else(|| Trouble::answer(NAME, &answer))
        })
    }

    fn crash_and_start(&mut self) -> Result<Duration, Trouble> {
        self.process.kill();
        let begun = Instant::now();
        (self.process, self.address) = launch(&self.binary, &self.directory, &self.http.key)?;
        self.ask("GET", &format!("/v1/members/{}", Member(0)), None, "")?;
        Ok(begun.elapsed())
    }
}

/// The opening points lapse first, so that spending finds them first.
fn opening(member: Member) -> String {
    let merchant = FIRST_MERCHANT;
    format!(
        r#"{{"id":"enrol","type":"enrol","member":"{member}"}},{{"id":"opening","type":"earn","member":"{member}","merchant":"{merchant}","points":{OPENING_POINTS},"last_day":"2099-12-31"}}"#
    )
}
