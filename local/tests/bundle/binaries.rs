//! Building with cargo, on a package that is made for it.

use std::path::Path;

use local::binaries::{BuildError, CargoOutput, Profile, build};

fn package(directory: &Path, main: &str) {
    let manifest = "[package]\nname = \"tiny\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
    std::fs::write(directory.join("Cargo.toml"), manifest).unwrap();
    std::fs::create_dir(directory.join("src")).unwrap();
    std::fs::write(directory.join("src/main.rs"), main).unwrap();
}

#[tokio::test]
async fn what_was_built_is_where_it_is_said_to_be() {
    let directory = tempfile::tempdir().unwrap();
    package(directory.path(), "fn main() {}");
    for _ in 0..2 {
        let built = build(directory.path(), Profile::Dev, CargoOutput::OnFailure);
        let binaries = built.await.unwrap();
        assert!(
            binaries.join("tiny").is_file(),
            "also when there was nothing to do"
        );
    }
}

#[tokio::test]
async fn a_build_that_fails_says_what_cargo_said() {
    let directory = tempfile::tempdir().unwrap();
    package(directory.path(), "fn main() { nonsense }");
    let error = build(directory.path(), Profile::Dev, CargoOutput::OnFailure).await;
    assert!(matches!(error, Err(BuildError::Failed(text)) if text.contains("nonsense")));
}
