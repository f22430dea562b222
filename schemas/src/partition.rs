//! The partition of a key, exactly as the Java clients' default partitioner gives it: murmur2 of the key,
//! sign bit cleared, modulo the number of partitions. So topics written by Strait and by Debezium are
//! co-partitioned, and the counts per partition in the spine are known before anything is sent.

/// murmur2 as Kafka's Java client computes it (seed `0x9747b28c`), its `int` as an u32.
pub fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;

    let mut h = SEED ^ (data.len() as u32);
    let (words, tail) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        k = k.wrapping_mul(M);
        h = h.wrapping_mul(M) ^ k;
    }
    if !tail.is_empty() {
        for (i, byte) in tail.iter().enumerate() {
            h ^= u32::from(*byte) << (8 * i);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

/// The partition of a key among `partitions`; 0 when there is none or only one.
pub fn partition(key: &[u8], partitions: i32) -> i32 {
    let positive = (murmur2(key) & 0x7fff_ffff) as i32;
    positive.checked_rem(partitions.max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the Kafka clients' own unit test of the hash.
    #[test]
    fn murmur2_is_kafkas() {
        for (text, expected) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()) as i32, expected, "{text}");
        }
    }

    #[test]
    fn the_sign_bit_is_cleared_not_negated() {
        assert_eq!(
            partition(b"21", 12),
            i32::try_from(u32::MAX - 973_932_307 - (1 << 31)).expect("31 bits") % 12
        );
        assert_eq!(partition(b"", 7), (murmur2(b"") & 0x7fff_ffff) as i32 % 7);
        for count in [1, 0, -3] {
            assert_eq!(partition(b"21", count), 0);
        }
    }
}
