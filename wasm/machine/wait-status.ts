/** Wait statuses as waitpid(2) reports them: an exit code, shifted, or the number of the signal that has ended the process. */
import { STATUS_CODE_SHIFT, STATUS_SIGNAL_MASK } from './abi.js'

/** The wait status of a process that has exited with this code. */
export function exited(code: number): number {
  return code << STATUS_CODE_SHIFT
}

/** The exit code as a shell shows it: 128 + n if signal n has ended the process. */
export function exitCode(status: number): number {
  const signal = status & STATUS_SIGNAL_MASK
  return signal === 0 ? status >> STATUS_CODE_SHIFT : 128 + signal
}
