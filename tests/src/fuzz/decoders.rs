//! What reads bytes from outside, and from which specimens.

use std::{
    fs,
    io::{Cursor, Write},
    ops::ControlFlow,
};

use jifen_adapters::{
    access::KeyBook,
    file::{Defaults, Format, ImportName, Source},
    openapi,
    wire::{Context, decode_batch, decode_command},
};
use jifen_engine::{
    history::Archive,
    journal::block::{BLOCK_HEAD_BYTES, Block, Records, VALUE_HEAD_BYTES, ValueHead},
    ledger::{Entry, Extent, PointType, Principal, Restoring, ShardIndex},
};
use serde_json::{Value, json};

use super::Decoder;
use crate::specimens::{SETS, archived::archives, unhex};

/// Everything that reads bytes from outside.
pub static DECODERS: [Decoder; 9] = [
    Decoder {
        name: "commands",
        specimens: commands,
        read: read_command,
    },
    Decoder {
        name: "batches",
        specimens: || vec![Value::from(examples()).to_string().into_bytes()],
        read: read_batch,
    },
    Decoder {
        name: "lines",
        specimens: || vec![commands().join(&b'\n')],
        read: |input| read_file(input, Format::Ndjson),
    },
    Decoder {
        name: "rows",
        specimens: rows,
        read: |input| read_file(input, Format::Csv),
    },
    Decoder {
        name: "keys",
        specimens: keys,
        read: read_keys,
    },
    Decoder {
        name: "entries",
        specimens: entries,
        read: read_entry,
    },
    Decoder {
        name: "blocks",
        specimens: turns,
        read: read_turn,
    },
    Decoder {
        name: "archives",
        specimens: archive_files,
        read: read_archive,
    },
    Decoder {
        name: "images",
        specimens: images,
        read: read_image,
    },
];

/// The document's example of every command, as it stands in a batch.
fn examples() -> Vec<Value> {
    openapi::example_commands()
}

fn commands() -> Vec<Vec<u8>> {
    let full = json!({
        "type": "earn", "id": "e", "member": "m", "merchant": "shop", "points": 9_007_199_254_740_991_u64,
        "point_type": "circle", "last_day": "2027-12-31", "class": "bought", "order": "\u{1f600}\\\"", "at":
        "2026-11-21T09:00:00.123+08:00", "releases_at": "2026-12-01T00:00:00Z", "reference": "", "metadata": { "": "\u{0}" },
    });
    let all = examples().into_iter().chain([full]);
    all.map(|command| command.to_string().into_bytes())
        .collect()
}

fn principal() -> Principal {
    Principal::new("p").expect("it is a name")
}

fn point_type() -> PointType {
    PointType::new("points").expect("it is a name")
}

fn read_command(input: &[u8]) -> bool {
    let (principal, point_type) = (principal(), point_type());
    let context = Context {
        principal: &principal,
        point_type: &point_type,
        default_id: None,
        default_kind: None,
    };
    match decode_command(input, &context) {
        Ok(_) => true,
        Err(invalid) => {
            assert!(!invalid.errors.is_empty(), "a refusal says why");
            // It is answered, so it must be writable too.
            let mut answer = Vec::new();
            invalid.encode_line(1, &mut answer);
            let answer: Result<Value, _> = serde_json::from_slice(&answer);
            assert!(answer.is_ok(), "{answer:?}");
            false
        }
    }
}

fn read_batch(input: &[u8]) -> bool {
    decode_batch(input, &principal(), &point_type()).is_ok()
}

fn rows() -> Vec<Vec<u8>> {
    [
        "type,id,member,merchant,points,metadata.till,final\nearn,e-1,m-1,shop,10,\"3, left\",\nearn,e-2,m-2,shop,20,,\n",
        "id,type,member,attributes.city\r\n1,enrol,m-1,\"Xia\"\"men\"\r\n2,enrol,m-2,\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

fn read_file(input: &[u8], format: Format) -> bool {
    let defaults = Defaults {
        name: ImportName::new("day").expect("it is a name"),
        kind: None,
        point_type: point_type(),
    };
    let source = Source::new(Cursor::new(input.to_vec()), format, defaults);
    let Ok(Ok(source)) = source else {
        return false;
    };
    let (commands, others) = source.count().expect("memory can be read");
    commands > 0 && others == 0
}

fn keys() -> Vec<Vec<u8>> {
    let key = json!({ "blake3": "ab".repeat(32), "made_at": "2026-11-21T09:00:00Z" });
    let book = json!({ "version": 2, "principals": [
        { "name": "till", "role": "merchant", "merchant": "shop", "keys": [key], "rate": "100/s", "burst": 200 },
        { "name": "app", "role": "storefront", "keys": [] },
    ] });
    let first = json!({ "version": 1, "keys": [
        { "principal": "operator", "role": "operator", "blake3": "ab".repeat(32) },
    ] });
    [book, first]
        .map(|book| book.to_string().into_bytes())
        .to_vec()
}

fn read_keys(input: &[u8]) -> bool {
    let Ok(book) = KeyBook::read(input) else {
        return false;
    };
    let written = book.write().expect("a book can be written");
    let again = KeyBook::read(&written).expect("what was written can be read");
    assert_eq!(again.holders().len(), book.holders().len());
    true
}

fn entries() -> Vec<Vec<u8>> {
    let files = SETS.iter().map(|set| set.files());
    let text = files.map(|[entries, ..]| fs::read_to_string(entries).expect("it is there"));
    let lines = text.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    let bytes = lines.filter_map(|line| unhex(line.split_whitespace().nth(2)?));
    bytes.collect()
}

fn read_entry(input: &[u8]) -> bool {
    let Ok(entry) = Entry::decode(input) else {
        return false;
    };
    let without = Entry::decode_without_origin(input).expect("less is asked of it");
    let mut expected = entry.clone();
    expected.origin = None;
    assert_eq!(without, expected);
    // However it was written, what it says is written in one way only.
    let mut space = vec![0; 2 * input.len() + (64 << 10)];
    let once = entry.encode(&mut space).to_vec();
    let again = Entry::decode(&once).expect("what was written can be read");
    let mut space = vec![0; 2 * once.len() + 64];
    assert_eq!(again.encode(&mut space), &once[..]);
    true
}

fn turns() -> Vec<Vec<u8>> {
    let files = SETS.iter().map(|set| set.files());
    files
        .map(|[_, turn, _]| fs::read(turn).expect("it is there"))
        .collect()
}

/// Reads a value as recovery does, and what checksums guard also without them.
fn read_turn(input: &[u8]) -> bool {
    let body = input.get(VALUE_HEAD_BYTES + BLOCK_HEAD_BYTES..);
    let records = Records::of(body.unwrap_or_default());
    for record in records.map_while(Result::ok) {
        read_entry(record);
    }
    let Ok((head, mut blocks)) = ValueHead::split(input) else {
        return false;
    };
    assert_eq!(input[..VALUE_HEAD_BYTES], head.to_bytes());
    while !blocks.is_empty() {
        let Ok((block, rest)) = Block::split(blocks) else {
            return false;
        };
        for record in block.records() {
            let Ok(record) = record else {
                return false;
            };
            read_entry(record);
        }
        blocks = rest;
    }
    true
}

fn archive_files() -> Vec<Vec<u8>> {
    let files = archives()
        .into_iter()
        .flat_map(|version| ["000001.jfa", "000002.jfa"].map(|name| version.join(name)));
    files
        .map(|file| fs::read(file).expect("it is there"))
        .collect()
}

fn read_archive(input: &[u8]) -> bool {
    let mut file = tempfile::NamedTempFile::new().expect("there is room");
    file.write_all(input).expect("there is room");
    let Ok(archive) = Archive::open(file.path()) else {
        return false;
    };
    let verified = archive.verify().is_ok();
    let mut values = 0;
    let mut visit = |_: &[u8]| {
        values += 1;
        Ok(ControlFlow::Continue(()))
    };
    let read = archive.read_behind(0, &mut visit).is_ok();
    assert!(read || !verified, "it was verified and cannot be read");
    verified
}

/// The images of the ledgers of the golden files: every part behind its length.
fn images() -> Vec<Vec<u8>> {
    let images = SETS.iter().flat_map(|set| {
        let mut ledgers = set.empty_ledgers();
        let entries = fs::read_to_string(&set.files()[0]).expect("it is there");
        for line in entries.lines() {
            let mut words = line.split_whitespace();
            let shard: usize = words
                .next()
                .and_then(|word| word.parse().ok())
                .expect("a shard");
            let record = words.nth(1).and_then(unhex).expect("an entry");
            ledgers[shard].replay(&record).expect("it fits");
        }
        ledgers.into_iter().map(|mut ledger| {
            // The shard stands first, since an image fits no other.
            let mut image = vec![u8::from(ledger.shard() == ShardIndex(1))];
            let head = ledger.begin_image(Extent::Whole).head;
            let parts = std::iter::from_fn(|| ledger.next_image_part(256));
            for part in std::iter::once(head).chain(parts) {
                let length = u16::try_from(part.len()).expect("parts are small");
                image.extend(length.to_be_bytes());
                image.extend(part);
            }
            image
        })
    });
    images.collect()
}

fn read_image(input: &[u8]) -> bool {
    let Some((&shard, mut rest)) = input.split_first() else {
        return false;
    };
    let rules = (SETS[1].rules)();
    let mut restoring = Restoring::new(ShardIndex(shard.into()), rules);
    while let Some((length, behind)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((part, behind)) = behind.split_at_checked(length) else {
            return false;
        };
        if restoring.take(part).is_err() {
            return false;
        }
        rest = behind;
    }
    restoring
        .finish(|_| Err("there are no chunks".to_owned()))
        .is_ok()
}
