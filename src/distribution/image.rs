//! What a reference to a container image is.

/// Why a text is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadImage {
    pub message: String,
    pub help: &'static str,
}

/// Is it a reference to an image, as every engine reads it (<https://github.com/distribution/reference>), and no option?
///
/// # Errors
/// When it is not.
pub fn check_image(text: &str) -> Result<(), BadImage> {
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || !text.chars().all(sound) {
        let message = format!("`{}` is not the name of an image", text.escape_debug());
        return Err(BadImage { message, help: "write it with its registry: `docker.io/library/debian:12`" });
    }
    if let Some((_, digest)) = text.split_once('@') {
        let hexadecimal = digest.strip_prefix("sha256:").unwrap_or_default();
        if hexadecimal.len() != 64 || !hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let help = "`sha256:` and 64 hexadecimal digits, as `podman image inspect` shows under `RepoDigests`";
            return Err(BadImage { message: "what follows `@` is no digest".to_owned(), help });
        }
    }
    Ok(())
}
