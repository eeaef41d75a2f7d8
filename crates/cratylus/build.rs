//! Notes the source revision, for manifests. A build outside a checkout says `unknown`.

use std::process::Command;

fn main() {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok().map(|text| text.trim().to_string()).filter(|text| !text.is_empty())
    };
    let revision = git(&["describe", "--always", "--abbrev=10", "--exclude=*"]).unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env=CRATYLUS_REVISION={revision}");
    if let Some(head) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={head}");
    }
}
