/** Cancels the statement of a session, or ends the session. */
import { useState } from 'preact/hooks'
import { confirmed } from '../parts/dialog.js'
import { observer } from '../state.js'
import { signal } from './activity.js'

/**
 * @param what says whose session it is, behind its PID
 * @param again is called when something has changed
 */
export function SessionActions({ pid, what, again }: { pid: number; what: string; again(): void }) {
  const [error, setError] = useState('')
  const act = async (action: 'cancel' | 'terminate') => {
    const question = `Terminate session ${pid}${what}? Its transaction is rolled back.`
    if (action === 'terminate' && !(await confirmed(question, 'Terminate'))) return
    await signal(observer.value!, action, pid).then(
      () => setError(''),
      failure => setError((failure as Error).message),
    )
    again()
  }
  return (
    <span class="actions">
      <button type="button" class="small" aria-label={`Cancel ${pid}`} onClick={() => act('cancel')}>
        Cancel
      </button>
      <button type="button" class="small" aria-label={`Terminate ${pid}`} onClick={() => act('terminate')}>
        Terminate
      </button>
      {error !== '' && (
        <span class="warning" role="alert">
          {error}
        </span>
      )}
    </span>
  )
}
