//! Sizes on the command line: bytes, or a number with a unit, such as `64MiB`.

/// The size that a text says, in bytes. `None` if it says none, or one beyond all numbers.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let bytes_per_unit = match unit {
        "" => 1_u64,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    number.checked_mul(bytes_per_unit)
}

/// A size as people read it: at least ten of the largest unit that fits, rounded down.
pub(super) fn text(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let fitting = units.into_iter().find(|(shift, _)| bytes >> shift >= 10);
    fitting.map_or_else(
        || format!("{bytes} bytes"),
        |(shift, unit)| format!("{} {unit}", bytes >> shift),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (said, size) in [
            ("0", Some(0)),
            ("4096", Some(4_096)),
            ("4096KiB", Some(4 << 20)),
            ("64MiB", Some(64 << 20)),
            ("2GiB", Some(2 << 30)),
            ("3TiB", Some(3 << 40)),
            ("", None),
            ("MiB", None),
            ("64 MiB", None),
            ("64MB", None),
            ("64m", None),
            ("-1", None),
            ("1.5GiB", None),
            ("18446744073709551615GiB", None),
        ] {
            assert_eq!(bytes(said), size, "{said}");
        }
    }

    #[test]
    fn people_read_a_few_digits_and_a_unit() {
        for (size, said) in [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 KiB"),
            (512 << 20, "512 MiB"),
            (9 << 30, "9216 MiB"),
            ((11 << 40) - 1, "10 TiB"),
        ] {
            assert_eq!(text(size), said);
        }
    }
}
