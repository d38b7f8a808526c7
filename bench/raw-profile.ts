/** LLVM's raw profiles: what a process of a build for training writes when it ends. */

/** Sizes in bytes, places of fields: LLVM's include/llvm/ProfileData/InstrProfData.inc, version 10 with pointers of 32 bits. */
const HEADER = { size: 128, binaryIds: 16, records: 24, countersDelta: 80 } as const
const RECORD = { size: 48, counters: 16 } as const

/**
 * A file of counts in which records find their counters. A record has the distance to them, but where code is position independent,
 * wasm-ld's relocation adds the base of the process' data to it. Here the header's distance, that of the first counters from the first
 * record, gets the same.
 */
export function repaired(file: Buffer): Buffer {
  const first = HEADER.size + Number(file.readBigUInt64LE(HEADER.binaryIds))
  const records = Number(file.readBigUInt64LE(HEADER.records))
  const distances = Array.from(
    { length: records },
    (_, i) => file.readUInt32LE(first + i * RECORD.size + RECORD.counters) + i * RECORD.size,
  )
  file.writeBigUInt64LE(BigInt(distances.reduce((a, b) => Math.min(a, b))), HEADER.countersDelta)
  return file
}
