/** Asks the second session again and again while a part of the page is in sight. */
import { useEffect, useState } from 'preact/hooks'
import type { Observer } from '../connection/observer.js'
import { observer } from '../state.js'

/** What was answered last, and why the last question failed. */
export interface Polled<T> {
  readonly value: T | undefined
  readonly error: string | undefined
  /** Asks at once. */
  again(): void
}

/**
 * @param ask is called with the second session
 * @param milliseconds between two questions
 * @param active whether this part of the page is in sight
 */
export function usePolled<T>(
  ask: (observer: Observer) => Promise<T>,
  milliseconds: number,
  active: boolean,
): Polled<T> {
  const [state, setState] = useState<{ value?: T | undefined; error?: string | undefined }>({})
  const [round, setRound] = useState(0)
  const { value: observing } = observer
  useEffect(() => {
    if (!active || observing === undefined) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let stopped = false
    const question = async () => {
      if (document.visibilityState === 'visible') {
        const next = await ask(observing).then(
          value => ({ value }),
          error => ({ error: (error as Error).message }),
        )
        setState(before => ({ ...before, error: undefined, ...next }))
      }
      if (!stopped) timer = setTimeout(question, milliseconds)
    }
    void question()
    return () => {
      stopped = true
      clearTimeout(timer)
    }
  }, [ask, milliseconds, active, observing, round])
  return { value: state.value, error: state.error, again: () => setRound(n => n + 1) }
}
