//! Which compressor, how hard.
//!
//! Measured, CPU seconds per GiB of wheels' content on one core: zstd-3 8, gzip-6 (zlib-rs) 19.5, zstd-9 30, xz-2 200.
//! So xz is only taken where the smallest file is asked for, although old rpms prefer it for their own packages; and for a
//! dpkg without zstd, whose own packages all are xz (dpkg-deb(1), `-Z`: its default).

use super::{Compression, Error};
use crate::distribution::{Algorithm, Distribution, PackageFormat};
use crate::project::CompressionSetting;

pub(super) fn compression(setting: CompressionSetting, distribution: &Distribution) -> Result<Compression, Error> {
    let zstd = distribution.reads(Algorithm::Zstd);
    let choice = |algorithm, level| Ok(Compression { algorithm, level });
    match setting {
        CompressionSetting::Fast if zstd => choice(Algorithm::Zstd, 1),
        CompressionSetting::Fast => choice(Algorithm::Gzip, 1),
        CompressionSetting::Balanced if zstd => choice(Algorithm::Zstd, 3),
        CompressionSetting::Balanced if distribution.format == PackageFormat::Deb => choice(Algorithm::Xz, 2),
        CompressionSetting::Balanced => choice(Algorithm::Gzip, 6),
        CompressionSetting::Small if zstd => choice(Algorithm::Zstd, 19),
        CompressionSetting::Small if distribution.reads(Algorithm::Xz) => choice(Algorithm::Xz, 6),
        CompressionSetting::Small => choice(Algorithm::Gzip, 9),
        CompressionSetting::Exact { algorithm, level } => exact(algorithm, level, distribution),
    }
}

fn exact(algorithm: Algorithm, level: Option<i32>, distribution: &Distribution) -> Result<Compression, Error> {
    if !distribution.reads(algorithm) {
        let readable = [Algorithm::Zstd, Algorithm::Xz, Algorithm::Gzip].into_iter().filter(|a| distribution.reads(*a));
        let readable = readable.map(|algorithm| format!("`{}`", algorithm.word())).collect::<Vec<_>>().join(" or ");
        return Err(Error::Compression {
            distribution: distribution.name.clone(),
            algorithm: algorithm.word(),
            tool: distribution.format.tool(),
            tool_version: distribution.format_version.to_string(),
            hint: format!(
                "it reads {readable}; `\"fast\"`, `\"balanced\"` and `\"small\"` choose what each target reads; or set \
                 `compression` under `[distribution.{}.package]` for this one alone",
                distribution.name
            ),
        });
    }
    let (lowest, highest) = algorithm.levels();
    let level = level.unwrap_or(match algorithm {
        Algorithm::Gzip | Algorithm::Xz => 6,
        Algorithm::Zstd => 3,
    });
    if !(lowest..=highest).contains(&level) {
        return Err(Error::CompressionLevel { algorithm: algorithm.word(), level, lowest, highest });
    }
    Ok(Compression { algorithm, level })
}
