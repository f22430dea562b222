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
