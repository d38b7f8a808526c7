#!/usr/bin/env node
/** The command line. Without the name of a command, `start` is meant. Options are named as those of postgres, pg_ctl and psql. */
import { readFileSync } from 'node:fs'
import { Command, Help } from 'commander'
import { StartupError } from '../server/index.js'
import { errorCode } from '../wasm/cluster/startup-error.js'
import { CommandLineError } from '../wasm/machine/boot.js'
import { branchCommand } from './branch.js'
import { clientCommands } from './client-programs.js'
import { cloneCommand } from './clone.js'
import { clusterCommands } from './cluster-commands.js'
import { controlCommands } from './control.js'
import { SIGNALS, startCommand } from './start.js'

// This file runs as dist/bin/pglite-imports-server.js.
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const DESCRIPTION = [
  'a PostgreSQL 18 server, compiled to WebAssembly\n\nIt is for development, tests, CI, and small servers and tools that bring their',
  'database along, on machines where you cannot install PostgreSQL or Docker. It takes 69 MB of disk, about 150 MB of memory and 14 MB for',
  'each session, and a second to start. It has no shell, 4 GiB of memory at most, and only the extensions in its package. For a large',
  'production database take native PostgreSQL: the files are the same.',
].join(' ')

const start = startCommand()

const program = new Command('pglite-imports-server')
  .description(DESCRIPTION)
  .usage('[command] [options]')
  .version(version, '--version', 'print the version')
  .helpOption('--help', 'print this help; after a command, the help of that command')
  .helpCommand(false)
  // Options after the name of a command belong to the command.
  .enablePositionalOptions()
  .addHelpText('after', SIGNALS)
for (const command of [start, ...controlCommands(), ...clusterCommands(), branchCommand(), cloneCommand()])
  program.addCommand(command.helpOption('--help', 'print this help').allowExcessArguments(false))
for (const command of clientCommands()) program.addCommand(command)

// Without a command the options are those of start, so the help lists them.
program.configureHelp({
  visibleOptions: command => {
    const help = new Help().visibleOptions(command)
    return command === program ? [...start.options, ...help] : help
  },
})

// The server goes on when the reader of its log has ended.
process.stderr.on('error', () => {})

try {
  await program.parseAsync(withCommand(process.argv.slice(2)), { from: 'user' })
} catch (error) {
  // An error of the file system is printed as one line, too.
  const expected =
    error instanceof StartupError || error instanceof CommandLineError || errorCode(error) !== undefined
  if (!expected) throw error
  console.error(`pglite-imports-server: ${(error as Error).message}`)
  process.exit(1)
}

function withCommand(args: readonly string[]): string[] {
  const [first = '-'] = args
  const named = !first.startsWith('-') || first === '--help' || first === '--version'
  return named ? [...args] : [start.name(), ...args]
}
