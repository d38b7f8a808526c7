/** Files that two clusters share until one writes to them; and the gate that all changes of a cluster's files pass. */
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import type { FileLayer, OpenFlags } from '../../wasm/machine/host/file-layer.js'
import { confinedFiles } from '../../wasm/node/confined-files.js'
import { FileGate, MAIN_SEAT, newGate } from '../../wasm/node/file-gate.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shared-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const UPDATE: OpenFlags = {
  ...{ read: true, write: true, create: false, exclusive: false, truncate: false },
  ...{ append: false, sync: false, noFollow: false },
}

/** A data directory whose database 5 has a table, and the layers of two of its processes. */
class SmallCluster {
  readonly root: string
  readonly gate = newGate()
  readonly processes: readonly [FileLayer, FileLayer]

  constructor(name: string) {
    this.root = join(folder, name)
    mkdirSync(join(this.root, 'base', '5'), { recursive: true })
    mkdirSync(join(this.root, 'base', '6'))
    const access = {
      folders: [{ path: this.root, real: this.root, writable: true }],
      ...{ files: [], overlays: [], gate: this.gate, shared: this.root },
    }
    this.processes = [confinedFiles(access, 1), confinedFiles(access, 2)]
  }

  get table(): string {
    return join(this.root, 'base', '5', '16384')
  }
}

function open(layer: FileLayer, path: string, flags: Partial<OpenFlags> = {}) {
  const handle = layer.open(path, { ...UPDATE, ...flags }, 0o600)
  return {
    read() {
      const buffer = new Uint8Array(100)
      return Buffer.from(buffer.subarray(0, layer.read(handle, buffer, 0, 100, 0))).toString()
    },
    write(text: string) {
      layer.write(handle, Buffer.from(text), 0, text.length, 0)
    },
    truncate: (size: number) => layer.truncate(handle, size),
    size: () => layer.fstat(handle).size,
  }
}

/** A cluster, and another that has its table as well. */
function shared(): [SmallCluster, SmallCluster] {
  const [one, two] = [new SmallCluster('one'), new SmallCluster('two')]
  writeFileSync(one.table, 'original')
  linkSync(one.table, two.table)
  return [one, two]
}

const content = ({ table }: SmallCluster) => readFileSync(table, 'utf8')

describe.skipIf(process.platform === 'win32')('a file of a table that two clusters share', () => {
  test('is one file until a process writes to it, and then two', () => {
    const [one, two] = shared()
    const file = open(one.processes[0], one.table)
    expect(file.read()).toBe('original')
    expect(statSync(one.table).ino).toBe(statSync(two.table).ino)
    file.write('changed!')
    expect([content(one), content(two)]).toEqual(['changed!', 'original'])
    open(two.processes[0], two.table).write('other')
    expect([content(one), content(two)]).toEqual(['changed!', 'othernal'])
  })

  test('is the same for all processes of a cluster, also those that have it open', () => {
    const [one, two] = shared()
    const [a, b] = one.processes.map(process => open(process, one.table))
    expect(b!.read()).toBe('original')
    a!.write('changed!')
    expect(b!.read()).toBe('changed!')
    b!.write('again')
    expect(a!.read()).toBe('agained!')
    expect(content(two)).toBe('original')
  })

  test('is not cut in the other cluster, and does not grow there', () => {
    const [one, two] = shared()
    const [a, b] = one.processes.map(process => open(process, one.table))
    a!.truncate(0)
    expect([b!.size(), content(two)]).toEqual([0, 'original'])
    open(two.processes[0], two.table, { truncate: true }).write('new')
    expect([content(one), content(two)]).toEqual(['', 'new'])
  })

  test('can be written to after a process of the same cluster has removed it', () => {
    const [one, two] = shared()
    const [a, b] = one.processes.map(process => open(process, one.table))
    one.processes[0].unlink(one.table)
    b!.write('changed!')
    expect(b!.read()).toBe('changed!')
    expect(a!.read()).toBe('original')
    expect(content(two)).toBe('original')
  })

  test('is shared again after a snapshot, though a process has written to it before', () => {
    const [one, two] = shared()
    const file = open(one.processes[0], one.table)
    file.write('changed!')
    rmSync(two.table)
    new FileGate(one.gate, MAIN_SEAT).alone(() => linkSync(one.table, two.table))
    new FileGate(one.gate, MAIN_SEAT).sharedAll()
    file.write('further')
    expect([content(one), content(two)]).toEqual(['further!', 'changed!'])
  })

  test('is what copying one within the cluster makes, for processes that have written to it as well', () => {
    const one = new SmallCluster('one')
    writeFileSync(one.table, 'original')
    const file = open(one.processes[0], one.table)
    file.write('changed!')
    const copy = join(one.root, 'base', '6', '16384')
    one.processes[1].copy(one.table, copy)
    expect(statSync(copy).nlink).toBe(2)
    file.write('further')
    expect([content(one), readFileSync(copy, 'utf8')]).toEqual(['further!', 'changed!'])
    expect(() => one.processes[1].copy(one.table, copy)).toThrow('EEXIST')
  })

  test('leaves no file behind', () => {
    const [one] = shared()
    open(one.processes[0], one.table).write('changed!')
    expect(one.processes[0].list(one.root).map(({ name }) => name)).toEqual(['base'])
  })
})

describe.skipIf(process.platform === 'win32')('the folder of a database', () => {
  const names = ({ root }: SmallCluster) => readdirSync(join(root, 'base')).sort()

  test('has no path any more when it has been removed, and is gone soon', async () => {
    const [one, two] = shared()
    for (let i = 0; i < 1000; i++) writeFileSync(join(one.root, 'base', '5', `${i}`), '')
    expect(one.processes[0].removeDirectory!(join(one.root, 'base', '5'))).toBe(true)
    expect(names(one)).not.toContain('5')
    while (names(one).length > 1) await sleep(1)
    expect([names(one), content(two)]).toEqual([['6'], 'original'])
  })

  test('is the only one that is removed at once', () => {
    const one = new SmallCluster('one')
    for (const name of ['', 'base', 'base/7']) {
      expect(one.processes[0].removeDirectory!(join(one.root, name))).toBe(false)
    }
    expect(() => one.processes[0].removeDirectory!(folder)).toThrow('EACCES')
    expect(names(one)).toEqual(['5', '6'])
  })
})

/** Changes a file all the time, and says after each change which it was; or takes the gate and keeps it. */
const CHANGER = `
const { workerData, parentPort } = require('node:worker_threads')
import(workerData.module).then(({ FileGate }) => {
  const gate = new FileGate(workerData.words, workerData.seat)
  const numbers = workerData.numbers
  if (workerData.keeps) gate.alone(() => { parentPort.postMessage('has it'); for (;;); })
  for (;;) gate.change(() => { Atomics.add(numbers, 0, 1); Atomics.add(numbers, 1, 1) })
})`

describe('the gate', () => {
  const workers: Worker[] = []
  afterEach(async () => {
    await Promise.all(workers.splice(0).map(worker => worker.terminate()))
  })

  function changer(words: Int32Array, seat: number, numbers: Int32Array, keeps = false): Worker {
    const module = join(repository, 'dist', 'wasm', 'node', 'file-gate.js')
    const worker = new Worker(CHANGER, { eval: true, workerData: { module, words, seat, numbers, keeps } })
    workers.push(worker)
    return worker
  }

  test('lets nobody change anything while the main thread looks', async () => {
    const words = newGate()
    const gate = new FileGate(words, MAIN_SEAT)
    const numbers = new Int32Array(new SharedArrayBuffer(8))
    for (let i = 0; i < 3; i++) changer(words, gate.newSeat(), numbers)
    while (numbers[0]! < 1000) await sleep(5)
    for (let i = 0; i < 50; i++) {
      const before = numbers[0]!
      await gate.aloneInMain(() => {
        const [first, second] = [Atomics.load(numbers, 0), Atomics.load(numbers, 1)]
        expect(first).toBe(second)
        for (const began = performance.now(); performance.now() < began + 2; );
        expect(Atomics.load(numbers, 0)).toBe(first)
      })
      while (Atomics.load(numbers, 0) === before) await sleep(1)
    }
  })

  test('opens when the thread that held it is ended', async () => {
    const words = newGate()
    const gate = new FileGate(words, MAIN_SEAT)
    const seat = gate.newSeat()
    const holder = changer(words, seat, new Int32Array(2), true)
    await new Promise(resolve => holder.once('message', resolve))
    let looked = false
    const looking = gate.aloneInMain(() => {
      looked = true
    })
    await sleep(20)
    expect(looked).toBe(false)
    await holder.terminate()
    gate.freeSeat(seat)
    await looking
    expect(looked).toBe(true)
    expect(gate.newSeat()).toBe(seat)
  })
})
