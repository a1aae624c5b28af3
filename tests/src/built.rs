//! What of Jifen runs as it is built: made once, in the profile and the target directory of the running program.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The real binary.
///
/// # Panics
///
/// If it does not build.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| build("jifen-adapters", &["--bin", "jifen"]).join("jifen"))
}

/// The load tester.
///
/// # Panics
///
/// If it does not build.
pub fn load_tester() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| build("jifen-load", &["--bin", "jifen-load"]).join("jifen-load"))
}

/// The layer that records what a process does to its files.
///
/// # Panics
///
/// If it does not build.
pub fn interpose() -> &'static Path {
    static LAYER: OnceLock<PathBuf> = OnceLock::new();
    LAYER.get_or_init(|| build("jifen-interpose", &["--lib"]).join("libjifen_interpose.so"))
}

/// Builds a part of a package, and tells in which directory it is then.
fn build(package: &str, part: &[&str]) -> PathBuf {
    // …/target/debug/deps/crash-0123456789abcdef, or …/target/debug/campaign
    let this = std::env::current_exe().unwrap();
    let place = this.parent().unwrap();
    let profile = if place.ends_with("deps") {
        place.parent().unwrap()
    } else {
        place
    };
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--quiet", "--offline", "-p", package])
        .args(part)
        .arg("--target-dir")
        .arg(profile.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let built = build.status().unwrap().success();
    assert!(built, "{package} does not build");
    profile.to_owned()
}
