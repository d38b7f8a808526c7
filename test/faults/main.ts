/** `npm run test:faults`: makes machines fail under servers, and checks what is left. See docs/durability.md. */
import { Command, InvalidArgumentError } from 'commander'
import { duration } from '../../wasm/build/progress.js'
import { branch } from './branch.js'
import { clock } from './clock.js'
import type { Fault, Rig } from './fault.js'
import { files } from './files.js'
import { kill } from './kill.js'
import { power } from './power.js'
import { processes } from './processes.js'
import { Failure } from './server.js'

const FAULTS: readonly Fault[] = [kill, branch, power, processes, files, clock]

interface Options {
  long?: true
  rounds?: number
  node: string
  threads: boolean
  seed: number
}

const program = new Command('npm run test:faults --')
  .description('Does to servers what machines do, and checks that nothing that was acknowledged is lost.')
  .argument(
    '[fault...]',
    `${FAULTS.map(({ name, about }) => `${name}: ${about}`).join('\n')}\n(default: all)`,
  )
  .option('--long', 'ten times as many rounds')
  .option('--rounds <number>', 'how many rounds of each', wholeNumber)
  .option('--node <path>', 'the Node that runs the servers', process.execPath)
  .option('--no-threads', 'servers with all processes on one thread')
  .option('--seed <number>', 'for the same choices as in an earlier run', wholeNumber, Date.now() % 1_000_000)
  .helpOption('--help', 'print this help')
  .parse()

const options = program.opts<Options>()
const unknown = program.args.find(name => FAULTS.every(fault => fault.name !== name))
if (unknown !== undefined) program.error(`there is no fault "${unknown}"; --help lists them`)
const chosen = FAULTS.filter(({ name }) => program.args.length === 0 || program.args.includes(name))

console.log(`seed ${options.seed}\n`)
let failed = 0
for (const fault of chosen) if (!(await passes(fault))) failed++
console.log(`\n${chosen.length - failed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)

async function passes(fault: Fault): Promise<boolean> {
  const began = Date.now()
  const rig: Rig = {
    node: options.node,
    threads: options.threads,
    rounds: (short, long) => options.rounds ?? (options.long ? long : short),
    random: randomNumbers(options.seed),
    progress: text => {
      if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${fault.name}: ${text}`)
    },
  }
  const clear = process.stdout.isTTY ? '\r\x1b[K' : ''
  const line = (text: string) =>
    console.log(`${clear}${fault.name.padEnd(16)}${duration(Date.now() - began).padStart(8)}  ${text}`)
  try {
    line(await fault.run(rig))
    return true
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    line(`FAILED: ${error.message}`)
    if (error.server !== undefined) {
      console.log(`---- its log ends with ----\n${error.server.log.slice(-8000)}----`)
      error.server.child.kill('SIGKILL')
    }
    return false
  }
}

/** Numbers between 0 and 1 (mulberry32), the same again for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.')
  return Number(text)
}
