//! Tells the binary from which commit it was built and when, for `GET /v1/version`; and puts the built interface into it.
//!
//! Only release builds look at the repository, so that a commit does not make every debug build compile again. What the
//! environment says wins: `CTS_GIT_SHA`, `CTS_BUILT_AT`, `SOURCE_DATE_EPOCH`.

#[path = "build/ui_files.rs"]
mod ui_files;

use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    for name in ["CTS_GIT_SHA", "CTS_BUILT_AT", "SOURCE_DATE_EPOCH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    let given = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
    let is_release = given("PROFILE").as_deref() == Some("release");
    let sha = given("CTS_GIT_SHA").or_else(|| if is_release { commit() } else { None });
    if let Some(sha) = sha {
        println!("cargo:rustc-env=CTS_GIT_SHA={sha}");
    }
    let epoch = given("SOURCE_DATE_EPOCH").and_then(|text| text.parse().ok());
    let built_at = given("CTS_BUILT_AT")
        .or_else(|| epoch.map(rfc_3339))
        .or_else(|| if is_release { Some(rfc_3339(now())) } else { None });
    if let Some(built_at) = built_at {
        println!("cargo:rustc-env=CTS_BUILT_AT={built_at}");
    }
    ui_files::write()
}

/// Returns the commit that is checked out; none outside a repository.
fn commit() -> Option<String> {
    let git = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.git");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).ok()?;
        println!("cargo:rerun-if-changed={}", path.display());
        Some(text)
    };
    let head = read(git.join("HEAD"))?;
    let sha = match head.trim().strip_prefix("ref: ") {
        None => head.trim().to_owned(),
        Some(name) => match read(git.join(name)) {
            Some(text) => text.trim().to_owned(),
            None => {
                let packed = read(git.join("packed-refs"))?;
                let line = packed.lines().find(|line| line.ends_with(name))?;
                line.split(' ').next()?.to_owned()
            }
        },
    };
    (sha.len() >= 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(sha)
}

fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a build script has no clock of its own")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Writes seconds since 1970 as RFC 3339 in UTC.
fn rfc_3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days are counted in eras of 400 years that begin on the first of March, so that leap days come last.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}
