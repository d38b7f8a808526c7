/** The files of a browser that have a volume: what is in them when the host ends or the power fails at any moment, or the disk is full. */
import { describe, expect, test } from 'vitest'
import { PageStore, type VolumeFiles } from '../../browser/storage/page-store.js'
import type { SyncFile } from '../../browser/storage/sync-file.js'
import { crc32c } from '../../wasm/cluster/control-file.js'
import { type Volume, volume } from '../../wasm/machine/volume/volume.js'
import { OPERATIONS, pattern, picture, READ, setUp, write } from '../fixtures/file-operations.js'

/** What a disk writes as a whole or not at all. */
const SECTOR = 512

/** Three files on a disk which, until they are flushed, may write any part of what it was told to write. */
class Disk {
  /** Calls that change the disk until one fails. */
  callsLeft = Number.POSITIVE_INFINITY
  calls = 0
  readonly files = [this.#file(), this.#file(), this.#file()] as const

  get volumeFiles(): VolumeFiles {
    const [pages, first, second] = this.files
    return { pages, log: [first, second] }
  }

  /** The disk after a failure of the power: of what was not flushed, it has the sectors for which `random` is below 0.5. */
  afterPowerFailure(random: () => number): Disk {
    const disk = new Disk()
    for (const [i, file] of this.files.entries()) disk.files[i]!.become(file, random)
    return disk
  }

  call(): void {
    this.calls++
    if (--this.callsLeft === 0) throw Object.assign(new Error('told to'), { name: 'QuotaExceededError' })
  }

  #file(): DiskFile {
    return new DiskFile(() => this.call())
  }
}

class DiskFile implements SyncFile {
  #bytes: Uint8Array = new Uint8Array(0)
  #flushed: Uint8Array = new Uint8Array(0)

  constructor(readonly call: () => void) {}

  read(buffer: Uint8Array, { at }: { at: number }): number {
    const part = this.#bytes.subarray(at, at + buffer.length)
    buffer.set(part)
    return part.length
  }

  write(buffer: Uint8Array, { at }: { at: number }): number {
    this.call()
    this.#bytes = grown(this.#bytes, at + buffer.length)
    this.#bytes.set(buffer, at)
    return buffer.length
  }

  truncate(size: number): void {
    this.call()
    this.#bytes = grown(this.#bytes.slice(0, size), size)
  }

  getSize(): number {
    return this.#bytes.length
  }

  flush(): void {
    this.call()
    this.#flushed = this.#bytes.slice()
  }

  close(): void {}

  become({ flushed, bytes }: DiskFile, random: () => number): void {
    const size = random() < 0.5 ? flushed.length : bytes.length
    const mixed = grown(flushed.slice(0, size), size)
    for (let at = 0; at < size; at += SECTOR)
      if (random() < 0.5) mixed.set(bytes.subarray(at, Math.min(size, at + SECTOR)), at)
    this.#bytes = mixed
    this.#flushed = mixed.slice()
  }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  get flushed(): Uint8Array {
    return this.#flushed
  }
}

function grown(bytes: Uint8Array, size: number): Uint8Array {
  if (size <= bytes.length) return bytes
  const larger = new Uint8Array(size)
  larger.set(bytes)
  return larger
}

/** The same numbers from 0 to 1 in each run. */
function numbers(seed: number): () => number {
  let state = seed * 2654435761 + 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function open(disk: Disk): { store: PageStore; opened: Volume } {
  const store = new PageStore(disk.volumeFiles)
  return { store, opened: volume(store, store.tree().kept) }
}

/** A volume that is durable. */
function filled() {
  const disk = new Disk()
  const { store, opened } = open(disk)
  setUp(opened)
  store.finish()
  disk.calls = 0
  return { disk, store, opened }
}

/** These change pages in place, as in any file system: a part of the change can be there. */
const IN_PLACE = ['write within a file', 'write zeros']

const pictureOf = (disk: Disk) => picture(open(disk).opened)

describe('an operation', () => {
  test.each(Object.entries(OPERATIONS))('that is not synced is lost as a whole: %s', (name, operate) => {
    const { disk, store, opened } = filled()
    const before = picture(opened)
    operate(opened, opened.files())
    const after = picture(opened)
    for (let seed = 0; seed < 20; seed++) {
      const found = pictureOf(disk.afterPowerFailure(numbers(seed)))
      if (!IN_PLACE.includes(name)) expect(found).toEqual(before)
      else expect(Object.keys(found)).toEqual(Object.keys(before))
    }
    store.sync()
    for (let seed = 0; seed < 20; seed++)
      expect(pictureOf(disk.afterPowerFailure(numbers(seed)))).toEqual(after)
  })

  test.each(Object.entries(OPERATIONS))('or its sync that fails can be done again: %s', (name, operate) => {
    const whole = filled()
    operate(whole.opened, whole.opened.files())
    whole.store.sync()
    const after = picture(whole.opened)
    for (let step = 1; step <= whole.disk.calls; step++) {
      const { disk, store, opened } = filled()
      const before = picture(opened)
      disk.callsLeft = step
      const both = () => {
        operate(opened, opened.files())
        store.sync()
      }
      expect(both).toThrow('told to')
      const lost = pictureOf(disk.afterPowerFailure(numbers(step)))
      if (!IN_PLACE.includes(name)) expect([before, after]).toContainEqual(lost)
      const now = picture(opened)
      if (JSON.stringify(now) !== JSON.stringify(after)) {
        if (!IN_PLACE.includes(name)) expect(now).toEqual(before)
        operate(opened, opened.files())
      }
      store.sync()
      expect(picture(opened)).toEqual(after)
      expect(pictureOf(disk.afterPowerFailure(numbers(step)))).toEqual(after)
    }
  })
})

describe('a snapshot', () => {
  const snapshotOf = ({ store, opened }: ReturnType<typeof filled>) => {
    const { store: frozen, end } = store.snapshot()
    return { found: volume(frozen, opened.copyOfTree()), end }
  }

  test.each(Object.entries(OPERATIONS))('has what was there before: %s', (_, operate) => {
    const whole = filled()
    const { disk, store, opened } = whole
    const before = picture(opened)
    const { found, end } = snapshotOf(whole)
    expect(() => store.snapshot()).toThrow('another backup')
    operate(opened, opened.files())
    store.sync()
    // Slots that are free by now have something else.
    for (let i = 0; i < 5; i++) write(opened.files(), `/more${i}`, pattern(100_000, i))
    store.sync()
    expect(picture(found)).toEqual(before)
    const after = picture(opened)
    expect(pictureOf(disk.afterPowerFailure(numbers(1)))).toEqual(after)
    end()
    store.sync()
    expect(picture(opened)).toEqual(after)
    expect(pictureOf(disk)).toEqual(after)
    snapshotOf(whole).end()
  })

  test('has it also where an operation fails', () => {
    for (const operate of Object.values(OPERATIONS))
      for (let step = 1; step < 6; step++) {
        const whole = filled()
        const before = picture(whole.opened)
        const { found, end } = snapshotOf(whole)
        whole.disk.callsLeft = step
        try {
          operate(whole.opened, whole.opened.files())
        } catch (error) {
          expect(String(error)).toContain('told to')
        }
        whole.disk.callsLeft = Number.POSITIVE_INFINITY
        const now = picture(whole.opened)
        write(whole.opened.files(), '/more', pattern(50_000, 5))
        expect(picture(found)).toEqual(before)
        end()
        write(whole.opened.files(), '/again', pattern(50_000, 6))
        whole.store.sync()
        expect(picture(whole.opened)).toMatchObject(now)
        expect(pictureOf(whole.disk)).toEqual(picture(whole.opened))
      }
  })

  test('takes no more room once it has been read', () => {
    const whole = filled()
    const { disk, store, opened } = whole
    for (let i = 0; i < 50; i++) {
      const { end } = snapshotOf(whole)
      write(opened.files(), '/two', pattern(20_000, i))
      store.sync()
      end()
      write(opened.files(), '/one', pattern(100, i))
      store.sync()
    }
    expect(disk.files[0].bytes.length).toBeLessThan(200_000)
  })
})

test('what one file gave up is not in another one, whenever the power fails', () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = numbers(seed)
    const { disk, store, opened } = filled()
    const files = opened.files()
    const synced: Record<string, string>[] = []
    for (let step = 0; step < 40; step++) {
      const name = `/file${Math.floor(random() * 5)}`
      if (random() < 0.3) {
        if (files.list('/').some(entry => `/${entry.name}` === name)) files.unlink(name)
      } else {
        const handle = files.open(name, { ...READ, write: true, create: true, truncate: true }, 0o600)
        const content = pattern(Math.floor(random() * 40_000), step)
        files.write(handle, content, 0, content.length, 0)
        files.close(handle)
      }
      if (random() > 0.3) continue
      store.sync()
      synced.push(picture(opened))
    }
    if (synced.length === 0) continue
    const found = pictureOf(disk.afterPowerFailure(random))
    expect(found).toEqual(synced.at(-1))
  }
})

test('the log becomes shorter, and is right whenever it cannot', () => {
  const sizeOf = (disk: Disk) => disk.files[1].bytes.length + disk.files[2].bytes.length
  for (const failing of [0, 1, 2, 3, 4]) {
    const { disk, store, opened } = filled()
    const files = opened.files()
    let longest = 0
    for (let i = 0; i < 150; i++) {
      write(files, `/${'long'.repeat(1000)}${i % 10}`, pattern(10, i))
      files.rename(`/${'long'.repeat(1000)}${i % 10}`, `/${'name'.repeat(1000)}${i % 10}`)
      const before = sizeOf(disk)
      longest = Math.max(longest, before)
      // When the log is about to begin another file, one of its calls fails.
      if (failing > 0 && before > 1 << 20) disk.callsLeft = 1 + failing
      store.sync()
      disk.callsLeft = Number.POSITIVE_INFINITY
    }
    if (failing === 0) expect(longest).toBeLessThan(1.1 * 2 ** 20)
    expect(pictureOf(disk.afterPowerFailure(numbers(failing)))).toEqual(picture(opened))
  }
})

test('slots are used again, and no file has one of another', () => {
  const { disk, store, opened } = filled()
  const files = opened.files()
  for (let i = 0; i < 200; i++) {
    const name = `/again${i % 3}`
    write(files, name, pattern(100_000 + (i % 7) * 8192, i))
    if (i % 3 === 2) for (const left of [0, 1, 2]) files.unlink(`/again${left}`)
    store.sync()
  }
  expect(disk.files[0].bytes.length).toBeLessThan(2_000_000)
  expect(pictureOf(disk)).toEqual(picture(opened))
})

test('a volume that was not finished is none', () => {
  const disk = new Disk()
  const { store, opened } = open(disk)
  setUp(opened)
  store.sync()
  expect(new PageStore(disk.volumeFiles).exists).toBe(false)
  store.finish()
  expect(new PageStore(disk.volumeFiles).exists).toBe(true)
})

test('a log of a later version is refused, and one that is damaged is none', () => {
  const { disk } = filled()
  const log = disk.files[2]
  const later = new TextDecoder().decode(log.bytes.subarray(8)).replace('"format":1', '"format":2')
  const text = new TextEncoder().encode(later)
  log.write(text, { at: 8 })
  expect(new PageStore(disk.volumeFiles).exists).toBe(false)
  new DataView(log.bytes.buffer).setUint32(4, crc32c(text), true)
  expect(() => new PageStore(disk.volumeFiles)).toThrow('format 2 of a later version, this one knows 1')
})
