//! What can be said on the command line of what the ledger judges by; the same for every command that opens a data
//! directory.

use jifen_engine::ledger::{PointKind, PointType, Rules, Uses};

use super::{Failure, size};

/// How many decimals points may have: one digit is left before them, even of the largest amount.
const SCALE_MAX: u8 = 15;
/// Where the days of this planet begin, in minutes east of UTC.
const UTC_OFFSET_MINUTES: std::ops::RangeInclusive<i32> = -12 * 60..=14 * 60;
/// Room for the records that are being gathered and for those that wait to go to disk.
const REQUEST_MEMORY_MIN: u64 = 2 << 20;
/// More than any machine has; larger sizes are slips of the pen.
const REQUEST_MEMORY_MAX: u64 = 1 << 40;
/// How much a shard may keep of old answers on disk, in bytes.
const REQUEST_DISK_BYTES_MAX: u64 = 32 << 30;

/// What the ledger judges by.
#[derive(Clone, Debug, clap::Args)]
pub struct RulesArgs {
    /// A kind of points; may be given several times, and the first is meant where a command names none. SCALE is how
    /// many decimals people see [default: 0]. USES are some of offset, redeem and transfer, with commas between, or
    /// none [default: all].
    #[arg(
        long = "point-type",
        value_name = "NAME[:SCALE[:USES]]",
        value_parser = point_kind,
        default_value = "points"
    )]
    pub point_types: Vec<PointKind>,
    /// Where the programme's days begin and end, in hours and minutes east of UTC.
    #[arg(
        long = "utc-offset",
        value_name = "±HH:MM",
        value_parser = utc_offset,
        default_value = "+08:00",
        allow_hyphen_values = true
    )]
    pub utc_offset_minutes: i32,
    /// How much memory each shard may use for remembered requests, such as 64MiB; older ones go to disk.
    #[arg(
        long = "request-memory",
        value_name = "SIZE",
        value_parser = request_memory,
        default_value = "64MiB"
    )]
    pub request_bytes_max: usize,
}

impl RulesArgs {
    /// The rules, and the kind of points that commands mean if they name none.
    pub fn rules(&self) -> Result<(Rules, PointType), Failure> {
        let Some(first) = self.point_types.first() else {
            return Err(Failure::Usage(
                "--point-type: name at least one, such as points".to_owned(),
            ));
        };
        for (place, kind) in self.point_types.iter().enumerate() {
            if self.point_types[..place]
                .iter()
                .any(|k| k.name == kind.name)
            {
                return Err(Failure::Usage(format!(
                    "--point-type {name}: is given twice; say everything about {name} in one",
                    name = kind.name
                )));
            }
        }
        let rules = Rules {
            point_types: self.point_types.clone(),
            utc_offset_minutes: self.utc_offset_minutes,
            request_bytes_max: self.request_bytes_max,
            request_disk_bytes_max: REQUEST_DISK_BYTES_MAX,
            ..Rules::default()
        };
        Ok((rules, first.name.clone()))
    }
}

fn point_kind(text: &str) -> Result<PointKind, String> {
    // Identifiers may hold colons; here the first one ends the name.
    let mut parts = text.splitn(3, ':');
    let name = parts.next().unwrap_or_default();
    let name = PointType::new(name).map_err(|error| format!("the name {error}"))?;
    let mut kind = PointKind::plain(name);
    if let Some(scale) = parts.next() {
        let scale = scale.parse().ok().filter(|scale| *scale <= SCALE_MAX);
        kind.scale = scale
            .ok_or_else(|| format!("the scale must be from 0 to {SCALE_MAX}, such as miles:2"))?;
    }
    if let Some(words) = parts.next() {
        kind.uses = uses(words)?;
    }
    Ok(kind)
}

fn uses(words: &str) -> Result<Uses, &'static str> {
    let mut uses = Uses::GRADE_ONLY;
    if words == "none" {
        return Ok(uses);
    }
    for word in words.split(',') {
        match word {
            "offset" => uses.offset = true,
            "redeem" => uses.redeem = true,
            "transfer" => uses.transfer = true,
            _ => {
                return Err(
                    "the uses must be some of offset, redeem and transfer, such as miles:0:redeem,transfer, \
                     or none",
                );
            }
        }
    }
    Ok(uses)
}

fn utc_offset(text: &str) -> Result<i32, &'static str> {
    const EXPECTED: &str = "must be from -12:00 to +14:00, such as +08:00 or -03:30";
    let (sign, rest) = match text.as_bytes() {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return Err(EXPECTED),
    };
    let &[h1, h2, b':', m1, m2] = rest else {
        return Err(EXPECTED);
    };
    let number = |tens: u8, ones: u8| {
        let plain = tens.is_ascii_digit() && ones.is_ascii_digit();
        plain.then(|| 10 * i32::from(tens - b'0') + i32::from(ones - b'0'))
    };
    let hours = number(h1, h2).ok_or(EXPECTED)?;
    let minutes = number(m1, m2).filter(|m| *m < 60).ok_or(EXPECTED)?;
    let offset = sign * (60 * hours + minutes);
    if UTC_OFFSET_MINUTES.contains(&offset) {
        Ok(offset)
    } else {
        Err(EXPECTED)
    }
}

fn request_memory(text: &str) -> Result<usize, &'static str> {
    const EXPECTED: &str =
        "must be bytes, or a number with KiB, MiB or GiB, such as 64MiB; from 2MiB to 1024GiB";
    let bytes = size::bytes(text).ok_or(EXPECTED)?;
    if !(REQUEST_MEMORY_MIN..=REQUEST_MEMORY_MAX).contains(&bytes) {
        return Err(EXPECTED);
    }
    usize::try_from(bytes).map_err(|_| EXPECTED)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        rules: RulesArgs,
    }

    fn parse(arguments: &[&str]) -> Result<RulesArgs, String> {
        let line = [&["jifen"], arguments].concat();
        let parsed = Line::try_parse_from(line);
        parsed.map(|line| line.rules).map_err(|e| e.to_string())
    }

    #[test]
    fn without_a_word_there_are_points() {
        let (rules, point_type) = parse(&[]).unwrap().rules().unwrap();
        assert_eq!(point_type.as_str(), "points");
        assert_eq!(rules.point_types, Rules::default().point_types);
        assert_eq!(rules.utc_offset_minutes, 480);
        assert_eq!(rules.request_bytes_max, 64 << 20);
        assert_eq!(rules.request_disk_bytes_max, 32 << 30);
    }

    #[test]
    fn point_types_have_a_name_a_scale_and_uses() {
        let spend = |offset, redeem, transfer| Uses {
            offset,
            redeem,
            transfer,
        };
        for (text, name, scale, uses) in [
            ("points", "points", 0, Uses::ALL),
            ("yuan:2", "yuan", 2, Uses::ALL),
            ("circle:15:redeem", "circle", 15, spend(false, true, false)),
            ("a:0:transfer,offset", "a", 0, spend(true, false, true)),
            ("growth:0:none", "growth", 0, Uses::GRADE_ONLY),
        ] {
            let kind = point_kind(text).unwrap();
            assert_eq!(kind.name.as_str(), name);
            assert_eq!((kind.scale, kind.uses), (scale, uses), "{text}");
        }
        for (text, said) in [
            ("", "the name must not be empty"),
            ("two words", "the name may hold only"),
            (":2", "the name must not be empty"),
            ("a:", "from 0 to 15"),
            ("a:16", "from 0 to 15"),
            ("a:-1", "from 0 to 15"),
            ("a:300", "from 0 to 15"),
            ("a:2:", "or none"),
            ("a:2:goods", "or none"),
            ("a:2:none,offset", "or none"),
            ("a:2:offset:x", "or none"),
        ] {
            let error = point_kind(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn the_first_point_type_is_the_default_and_none_stands_twice() {
        let args = parse(&["--point-type", "miles:2", "--point-type=growth:0:none"]).unwrap();
        let (rules, point_type) = args.rules().unwrap();
        assert_eq!(point_type.as_str(), "miles");
        let names = rules.point_types.iter().map(|kind| kind.name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["miles", "growth"]);
        let args = parse(&["--point-type", "a", "--point-type", "a:2"]).unwrap();
        let error = args.rules().unwrap_err().to_string();
        assert!(error.contains("--point-type a: is given twice"), "{error}");
    }

    #[test]
    fn days_begin_somewhere_on_this_planet() {
        for (text, minutes) in [
            ("+08:00", 480),
            ("-03:30", -210),
            ("+00:00", 0),
            ("-12:00", -720),
            ("+14:00", 840),
        ] {
            assert_eq!(utc_offset(text), Ok(minutes), "{text}");
            let args = parse(&["--utc-offset", text]).unwrap();
            assert_eq!(args.utc_offset_minutes, minutes);
        }
        for text in [
            "",
            "8",
            "08:00",
            "+8:00",
            "+08:60",
            "+14:01",
            "-12:01",
            "+08:00:00",
            "Z",
            "+0a:00",
        ] {
            assert!(utc_offset(text).is_err(), "{text}");
        }
        let error = parse(&["--utc-offset", "Shanghai"]).unwrap_err();
        assert!(error.contains("such as +08:00 or -03:30"), "{error}");
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [
            ("2097152", 2 << 20),
            ("4096KiB", 4 << 20),
            ("64MiB", 64 << 20),
            ("2GiB", 2 << 30),
            ("1024GiB", 1 << 40),
        ] {
            assert_eq!(request_memory(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "MiB",
            "64 MiB",
            "64MB",
            "64m",
            "-1",
            "1.5GiB",
            "0",
            "2047KiB",
            "1025GiB",
            "18446744073709551615GiB",
        ] {
            assert!(request_memory(text).is_err(), "{text}");
        }
        let error = parse(&["--request-memory", "lots"]).unwrap_err();
        assert!(error.contains("such as 64MiB"), "{error}");
    }
}
