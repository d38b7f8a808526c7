/**
 * Wait statuses, as waitpid(2) reports them (host_exit() in c/host-imports.h): the number of the signal that has ended a
 * process is one, too.
 */
import { STATUS_CODE_SHIFT, STATUS_SIGNAL_MASK } from './abi.js'

/** That of a process which has ended by itself. */
export function exited(code: number): number {
  return code << STATUS_CODE_SHIFT
}

/** The exit code, as a shell shows it: 128 + n for a process that was ended by signal n. */
export function exitCode(status: number): number {
  const signal = status & STATUS_SIGNAL_MASK
  return signal === 0 ? status >> STATUS_CODE_SHIFT : 128 + signal
}
